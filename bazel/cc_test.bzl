"""pollux_cc_test: a cc_test that is also run under the address and undefined behaviour sanitizers."""

load("@rules_cc//cc:defs.bzl", "cc_test")

# What --config=asan and --config=ubsan of .bazelrc say, both at once. One configuration for all tests,
# so that a library is compiled once for it. -Og compiles in half the time of -O1, and line numbers are
# all the debug information that a report needs.
_COPTS = [
    "-Og",
    "-g1",
    "-fno-omit-frame-pointer",
    "-fno-sanitize-recover=all",
    "-U_FORTIFY_SOURCE",
    "-DNDEBUG_SANITIZER",
]

_SANITIZERS = ["-fsanitize=address,undefined"]

_SETTINGS = [
    "//command_line_option:copt",
    "//command_line_option:linkopt",
]

def _sanitized_settings(settings, attr):
    copt, linkopt = [settings[name] for name in _SETTINGS]
    return {
        "//command_line_option:copt": copt + _COPTS + _SANITIZERS,
        "//command_line_option:linkopt": linkopt + _SANITIZERS,
    }

_sanitized_transition = transition(
    implementation = _sanitized_settings,
    inputs = _SETTINGS,
    outputs = _SETTINGS,
)

def _sanitized_test_impl(ctx):
    test = ctx.attr.test[0][DefaultInfo]
    program = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(
        output = program,
        target_file = test.files_to_run.executable,
        is_executable = True,
    )
    return [
        DefaultInfo(
            executable = program,
            runfiles = ctx.runfiles([program]).merge(test.default_runfiles),
        ),
        testing.TestEnvironment({"UBSAN_OPTIONS": "print_stacktrace=1"}),
    ]

_sanitized_test = rule(
    implementation = _sanitized_test_impl,
    test = True,
    attrs = {
        "test": attr.label(cfg = _sanitized_transition, executable = True, mandatory = True),
        # For $(location) in args.
        "data": attr.label_list(cfg = _sanitized_transition, allow_files = True),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
)

# What a test may take under the sanitizers, by what it may take without.
_LARGER = {
    "small": "medium",
    "medium": "large",
    "large": "enormous",
    "enormous": "enormous",
}

_LONGER = {
    "short": "moderate",
    "moderate": "long",
    "long": "eternal",
    "eternal": "eternal",
}

def pollux_cc_test(
        name,
        size = "medium",
        timeout = None,
        args = [],
        data = [],
        tags = [],
        shard_count = None,
        flaky = None,
        linkopts = [],
        visibility = None,
        **kwargs):
    """A cc_test, and NAME_sanitized: the same test under the sanitizers.

    NAME_sanitized has the size and the timeout above those of NAME. It is skipped by a build whose
    command line has sanitizers already.

    Args:
      name: of the plain test.
      size: as for cc_test.
      timeout: as for cc_test.
      args: as for cc_test.
      data: as for cc_test.
      tags: as for cc_test.
      shard_count: as for cc_test.
      flaky: as for cc_test.
      linkopts: as for cc_test.
      visibility: of both.
      **kwargs: what else a cc_test has.
    """
    cc_test(
        name = name,
        size = size,
        timeout = timeout,
        args = args,
        data = data,
        tags = tags,
        shard_count = shard_count,
        flaky = flaky,
        # Bazel links with the C driver, which leaves out what only C++ has in clang's runtime.
        linkopts = linkopts + select({
            "//bazel:clang": ["-fsanitize-link-c++-runtime"],
            "//conditions:default": [],
        }),
        visibility = visibility,
        **kwargs
    )
    _sanitized_test(
        name = name + "_sanitized",
        test = ":" + name,
        size = _LARGER[size],
        timeout = _LONGER[timeout] if timeout else None,
        args = args,
        data = data,
        tags = tags,
        shard_count = shard_count,
        flaky = flaky,
        visibility = visibility,
        target_compatible_with = select({
            "//bazel:sanitizers": ["@platforms//:incompatible"],
            "//conditions:default": [],
        }),
    )
