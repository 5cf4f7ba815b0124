"""A rules_cc that forwards to the cc rules built into Bazel.

Debian's package bazel-rules-cc loads symbols that Debian's Bazel does not have. BUILD files load from
@rules_cc so that they read the same with every Bazel; with a newer one, define @rules_cc before
pollux_repositories() and that definition is used instead.
"""

_RULES = [
    "cc_binary",
    "cc_import",
    "cc_library",
    "cc_proto_library",
    "cc_test",
    "cc_toolchain",
    "cc_toolchain_suite",
    "fdo_prefetch_hints",
    "fdo_profile",
    "objc_import",
    "objc_library",
]

def _builtin_rules_cc_impl(ctx):
    ctx.file("WORKSPACE", "workspace(name = \"rules_cc\")\n", executable = False)
    ctx.file("BUILD.bazel", "", executable = False)
    ctx.file("cc/BUILD.bazel", "exports_files([\"defs.bzl\"])\n", executable = False)
    ctx.file(
        "cc/defs.bzl",
        "".join(["%s = native.%s\n" % (rule, rule) for rule in _RULES]),
        executable = False,
    )

builtin_rules_cc = repository_rule(
    implementation = _builtin_rules_cc_impl,
    doc = "@rules_cc//cc:defs.bzl for a machine that has no rules_cc.",
)
