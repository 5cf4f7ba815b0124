"""exhibit: a program with a known bug, and its corrected twin, for the museum."""

load("//bazel:guest.bzl", "guest_binary", "guest_test")

_SEEDS = 64

# Exchanges of one byte are calls of a library on RISC-V.
_LINKOPTS = ["-latomic"]

_DEPS = [
    ":museum",
    "//testsuite/basics:check",
    "//testsuite/basics:net",
    "//testsuite/basics:tasks",
]

def exhibit(name, within):
    """Declares what belongs to NAME.cc.

    NAME is runnable: the program with its bug, under pollux. NAME_fixed is the guest_test of its twin,
    runnable too. NAME_found tests that pollux finds the bug, that its seed repeats it, and that the
    kernel mostly does not show it.

    Args:
      name: of the program.
      within: so many seeds, from 1, are enough for pollux to find the bug.
    """
    srcs = [name + ".cc"]
    guest_binary(
        name = name,
        testonly = True,
        srcs = srcs,
        args = ["bug"],
        linkopts = _LINKOPTS,
        deps = _DEPS,
    )
    guest_test(
        name = name + "_fixed",
        srcs = srcs,
        args = ["fixed"],
        runnable = True,
        seeds = _SEEDS,
        shard_count = 2,
        linkopts = _LINKOPTS,
        deps = _DEPS,
    )
    native.sh_test(
        name = name + "_found",
        size = "medium",
        srcs = ["museum_test.sh"],
        args = [
            "$(rootpath //:pollux)",
            "$(rootpath :%s.elf)" % name,
            "$(rootpath :%s_fixed.native)" % name,
            str(within),
        ],
        data = [
            ":%s.elf" % name,
            ":%s_fixed.native" % name,
            "//:pollux",
        ],
    )

def table(name, exhibits):
    """Declares NAME: `bazel run :NAME -- SEEDS` counts what the exhibits do and prints it as Markdown.

    Args:
      name: of the program.
      exhibits: names of exhibits -> the class of the bug.
    """
    native.sh_binary(
        name = name,
        testonly = True,
        srcs = [name + ".sh"],
        args = ["$(rootpath //:pollux)"] + [
            word
            for exhibit in sorted(exhibits)
            for word in [
                "$(rootpath :%s.elf)" % exhibit,
                "$(rootpath :%s_fixed.native)" % exhibit,
                "'%s'" % exhibits[exhibit],
            ]
        ] + ["--"],
        data = ["//:pollux"] + [
            ":%s%s" % (exhibit, suffix)
            for exhibit in sorted(exhibits)
            for suffix in [".elf", "_fixed.native"]
        ],
    )
