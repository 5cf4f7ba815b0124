"""task_tests: guest tests of programs with several threads or processes."""

load("//bazel:guest.bzl", "guest_tests")

# Every schedule must give the same answer.
_SEEDS = 5

def task_tests(names, not_yet = [], headers = [], deps = [], **kwargs):
    """Declares guest_tests of NAME.cc, under several seeds.

    Args:
      names: of the programs.
      not_yet: those of them that pollux still answers otherwise than Linux: defects that wait for
        their turn. They run by hand: ./bazelw test //FOLDER:NAME_emulated
      headers: of the folder, that all of them include.
      deps: beside //testsuite/basics:check and :tasks.
      **kwargs: for guest_tests.
    """
    common = dict(
        seeds = _SEEDS,
        headers = headers,
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
    guest_tests([name for name in names if name not in not_yet], **common)
    guest_tests(not_yet, tags = ["manual"], **common)
