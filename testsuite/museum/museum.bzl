"""exhibit: a program with a known bug, and its corrected twin, for the museum."""

load("//bazel:guest.bzl", "guest_run", "guest_test")

_SEEDS = 64

# Exchanges of one byte are calls of a library on RISC-V.
_LINKOPTS = ["-latomic"]

_DEPS = [
    ":museum",
    "//testsuite/basics:check",
    "//testsuite/basics:net",
    "//testsuite/basics:tasks",
]

def exhibit(name, within, reason, frame = ""):
    """Declares what belongs to NAME.cc.

    NAME is runnable: the program with its bug, under pollux. NAME_fixed is the guest_test of its twin,
    runnable too. NAME_found tests that pollux finds the bug, that its seed repeats it, and that the
    kernel mostly does not show it. NAME_explained tests that pollux says why.

    Args:
      name: of the program.
      within: so many seeds, from 1, are enough for pollux to find the bug.
      reason: what matches (grep -E) the reason that pollux gives: threads, calls, descriptors, steps.
      frame: what matches a frame of the stacks below it, if there are any.
    """
    guest_test(
        name = name,
        srcs = [name + ".cc"],
        runnable = True,
        variants = {"_fixed": ["fixed"]},
        seeds = _SEEDS,
        shard_count = 2,
        linkopts = _LINKOPTS,
        deps = _DEPS,
        # The page of its finding is looked at there.
        visibility = ["//cli:__pkg__"],
    )
    guest_run(
        name = name,
        testonly = True,
        guest = ":%s.elf" % name,
        args = ["bug"],
    )
    native.sh_test(
        name = name + "_found",
        size = "medium",
        srcs = ["museum_test.sh"],
        args = [
            "$(rootpath //:pollux)",
            "$(rootpath :%s.elf)" % name,
            "$(rootpath :%s.native)" % name,
            str(within),
        ],
        data = [
            ":%s.elf" % name,
            ":%s.native" % name,
            "//:pollux",
        ],
    )

    native.sh_test(
        name = name + "_explained",
        size = "medium",
        srcs = ["explained_test.sh"],
        args = [
            "$(rootpath //:pollux)",
            "$(rootpath :%s.elf)" % name,
            str(within),
            "'%s'" % reason,
            "'%s'" % frame,
        ],
        data = [
            ":%s.elf" % name,
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
                "$(rootpath :%s.native)" % exhibit,
                "'%s'" % exhibits[exhibit],
            ]
        ] + ["--"],
        data = ["//:pollux"] + [
            ":%s%s" % (exhibit, suffix)
            for exhibit in sorted(exhibits)
            for suffix in [".elf", ".native"]
        ],
    )
