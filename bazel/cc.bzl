"""cc_library, cc_binary and cc_test as pollux's own code uses them.

They are rules_cc's, with the prelude (prelude.bzl). The tests of a layer that a guest can reach are
sanitized_cc_tests.
"""

load("@rules_cc//cc:defs.bzl", _cc_binary = "cc_binary", _cc_library = "cc_library", _cc_test = "cc_test")
load(":program.bzl", "named_program")

def _joined_source_impl(ctx):
    # As seen from the workspace's top, which is an include directory in other workspaces too.
    ctx.actions.write(ctx.outputs.out, "".join([
        "#include \"%s/%s\"\n" % (ctx.label.package, src.basename)
        for src in ctx.files.srcs
    ]))

joined_source = rule(
    implementation = _joined_source_impl,
    doc = "A source that includes others, which are compiled together so.",
    attrs = {
        "srcs": attr.label_list(allow_files = [".cc"], mandatory = True),
        "out": attr.output(mandatory = True),
    },
)

# What a test says itself is not under test, and the undefined-behaviour sanitizer takes a quarter of
# its compilation. The libraries have both sanitizers. The prelude has to agree.
_COPTS_OF = {
    "library": [],
    "test": ["-fno-sanitize=undefined"],
}

def _with_prelude(prelude, kwargs):
    label = Label("//bazel/prelude:%s_prelude" % prelude)
    with_prelude = dict(kwargs)
    with_prelude["deps"] = kwargs.get("deps", []) + [str(label)]
    with_prelude["copts"] = kwargs.get("copts", []) + _COPTS_OF[prelude] + [
        "-include",
        "bazel/prelude/%s_prelude.h" % prelude,
    ] + select({
        # Bazel knows when a header has changed. The times and places of the headers are those of the
        # sandbox in which the prelude was compiled. In a precompiled header clang does not see that
        # libstdc++ allows itself what it deprecates (std::stable_sort and its buffer): gcc warns of ours.
        "//bazel:clang": ["-Xclang", "-fno-validate-pch", "-Wno-deprecated-declarations"],
        "//conditions:default": ["-Winvalid-pch"],
    })
    return with_prelude

# A library's sources are compiled in groups of at most so many: what a group's files share is read
# and instantiated once, which halves the time of a build. So the names of a library's anonymous
# namespaces differ.
_MOST_JOINED, _MOST_JOINED_IN_TESTS = 10, 4

def _joined(name, sources, most, testonly, kwargs):
    groups = (len(sources) + most - 1) // most
    joined = []
    for i in range(groups):
        group = sources[i * len(sources) // groups:(i + 1) * len(sources) // groups]
        joined.append("%s.joined%d.cc" % (name, i + 1))
        joined_source(
            name = "%s.joined%d" % (name, i + 1),
            testonly = testonly,
            srcs = group,
            out = joined[-1],
        )
    with_joined = dict(kwargs)
    with_joined["srcs"] = [src for src in kwargs["srcs"] if src not in sources] + joined
    # Of what is meant for headers, which these sources are not.
    with_joined["copts"] = kwargs.get("copts", []) + select({
        "//bazel:clang": [],
        "//conditions:default": ["-Wno-subobject-linkage"],
    })
    _cc_library(
        name = name + ".sources",
        testonly = testonly,
        textual_hdrs = sources,
        visibility = ["//visibility:private"],
    )
    with_joined["deps"] = kwargs.get("deps", []) + [":%s.sources" % name]
    return with_joined

def cc_library(prelude = True, **kwargs):
    """rules_cc's, with the prelude where there is something to compile, and sources joined.

    Args:
      prelude: False where copts change what a header means: sources are compiled one by one, too.
      **kwargs: what a cc_library has.
    """
    sources = [src for src in kwargs.get("srcs", []) if src.endswith(".cc")]
    if prelude and sources:
        kwargs = _with_prelude("test" if kwargs.get("testonly") else "library", kwargs)
        if len(sources) > 1:
            kwargs = _joined(kwargs["name"], sources, _MOST_JOINED, kwargs.get("testonly", False), kwargs)
    _cc_library(**kwargs)

# Bazel links with the C driver, which leaves out what only C++ has in the sanitizers' runtime of clang.
def _with_runtime(kwargs):
    return dict(kwargs, linkopts = kwargs.get("linkopts", []) + select({
        "//bazel:clang": ["-fsanitize-link-c++-runtime"],
        "//conditions:default": [],
    }))

def cc_binary(prelude = True, **kwargs):
    """rules_cc's, as cc_library."""
    _cc_binary(**_with_runtime(_with_prelude("library", kwargs) if prelude else kwargs))

def cc_test(prelude = True, **kwargs):
    """rules_cc's, as cc_library."""
    sources = [src for src in kwargs.get("srcs", []) if src.endswith(".cc")]
    if prelude:
        kwargs = _with_prelude("test", kwargs)
        if len(sources) > 1:
            # A package has one test: whoever changes one of its files waits for a few others.
            kwargs = _joined(kwargs["name"], sources, _MOST_JOINED_IN_TESTS, True, kwargs)
    _cc_test(**_with_runtime(kwargs))

# ---------------------------------------------------------------------------------------------------
# Tests under the sanitizers.

# What --config=asan and --config=ubsan of .bazelrc say, both at once. One configuration for all tests,
# so that a library is compiled once for it. Without optimisation clang needs a third of the time, and
# line numbers are all the debug information that a report needs.
_COPTS = [
    "-O0",
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
    if [flag for flag in copt if flag.startswith("-fsanitize=")]:
        return settings  # --config=asan, --config=ubsan
    return {
        "//command_line_option:copt": copt + _COPTS + _SANITIZERS,
        "//command_line_option:linkopt": linkopt + _SANITIZERS,
    }

_sanitized_transition = transition(
    implementation = _sanitized_settings,
    inputs = _SETTINGS,
    outputs = _SETTINGS,
)

_ALLOWLIST = attr.label(
    default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
)

def _sanitized_test_impl(ctx):
    return [
        named_program(ctx, ctx.attr.test),
        testing.TestEnvironment({"UBSAN_OPTIONS": "print_stacktrace=1"}),
    ]

_sanitized_test = rule(
    implementation = _sanitized_test_impl,
    test = True,
    attrs = {
        "test": attr.label(cfg = _sanitized_transition, executable = True, mandatory = True),
        # For $(location) in args.
        "data": attr.label_list(cfg = _sanitized_transition, allow_files = True),
        "_allowlist_function_transition": _ALLOWLIST,
    },
)

def _sanitized_binary_impl(ctx):
    return [named_program(ctx, ctx.attr.binary)]

sanitized_binary = rule(
    implementation = _sanitized_binary_impl,
    doc = "A program under the same sanitizers, to be run by tests.",
    executable = True,
    attrs = {
        "binary": attr.label(cfg = _sanitized_transition, executable = True, mandatory = True),
        "_allowlist_function_transition": _ALLOWLIST,
    },
)

# What _sanitized_test takes over from the cc_test.
_OF_EVERY_TEST = ["size", "timeout", "args", "shard_count", "flaky", "visibility"]

def sanitized_cc_test(name, data = [], tags = [], **kwargs):
    """A cc_test that runs under the address and undefined behaviour sanitizers.

    NAME_optimized is the same test without them; it has to be asked for.

    Args:
      name: of the test.
      data: as for cc_test.
      tags: as for cc_test.
      **kwargs: what else a cc_test has.
    """
    optimized = name + "_optimized"
    cc_test(
        name = optimized,
        data = data,
        tags = tags + ["manual"],
        **kwargs
    )
    _sanitized_test(
        name = name,
        test = ":" + optimized,
        data = data,
        tags = tags,
        **{key: kwargs[key] for key in _OF_EVERY_TEST if key in kwargs}
    )
