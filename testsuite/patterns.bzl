"""pattern_tests: programs that do on epoll what an async runtime does."""

load("//bazel:guest.bzl", "guest_tests")

# Every schedule must give the same answer.
_SEEDS = 64

def pattern_tests(names, variants = None, headers = [], deps = [], seeds = _SEEDS, lint = "all", **kwargs):
    """Declares NAME_native and NAME_emulated for each NAME.cc; `bazel run` of NAME runs it under pollux.

    Args:
      names: of the programs.
      variants: as for guest_test: {"_edge": ["edge"], "_level": ["level"]} tests each program twice.
      headers: of the folder, that all of them include.
      deps: beside //testsuite/basics:check, :event_loops and :tasks.
      seeds: each test runs under pollux with so many.
      lint: what may not be seen in a run (docs/lints.md).
      **kwargs: for guest_tests.
    """
    guest_tests(
        names = names,
        headers = headers,
        copts = [
            "-include",
            "testsuite/basics/task_prelude.h",
        ],
        # Exchanges of one byte are calls of a library on RISC-V.
        linkopts = ["-latomic"],
        runnable = True,
        lint = lint,
        variants = variants,
        seeds = seeds,
        shard_count = 2 if seeds > 16 else None,
        deps = deps + [
            "//testsuite/basics:check",
            "//testsuite/basics:event_loops",
            "//testsuite/basics:task_prelude",
            "//testsuite/basics:tasks",
        ],
        **kwargs
    )
