"""task_tests: guest tests of programs with several threads or processes."""

load("//bazel:guest.bzl", "guest_test")

# Every schedule must give the same answer.
_SEEDS = 5

def task_tests(names, not_yet = [], headers = [], deps = [], **kwargs):
    """Declares a guest_test for each NAME.cc, under several seeds.

    Args:
      names: of the programs.
      not_yet: those of them that pollux still answers otherwise than Linux: defects that wait for
        their turn. They run by hand: ./bazelw test //FOLDER:NAME_emulated
      headers: of the folder, that all of them include.
      deps: beside //testsuite/basics:check and :tasks.
      **kwargs: for guest_test.
    """
    for name in names:
        guest_test(
            name = name,
            srcs = [name + ".cc"] + headers,
            seeds = _SEEDS,
            tags = ["manual"] if name in not_yet else [],
            copts = [
                "-include",
                "testsuite/basics/task_prelude.h",
            ],
            deps = deps + [
                "//testsuite/basics:check",
                "//testsuite/basics:task_prelude",
                "//testsuite/basics:tasks",
            ],
            **kwargs
        )
