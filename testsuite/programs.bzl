"""programs: the ELF files of a package, for tests that run all guest programs."""

def programs():
    """Declares :programs, all guest programs declared before it in this package, and :sources."""
    native.filegroup(
        name = "programs",
        testonly = True,
        srcs = [":" + name for name in sorted(native.existing_rules()) if name.endswith(".elf")],
        visibility = ["//testsuite:__pkg__"],
    )
    native.filegroup(
        name = "sources",
        testonly = True,
        srcs = native.glob(["*.cc"]),
        visibility = ["//testsuite:__pkg__"],
    )
