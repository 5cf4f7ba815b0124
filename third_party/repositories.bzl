"""Every external repository of pollux, for its own WORKSPACE and for workspaces that use pollux.

Libraries come from Debian's packages under upstream's labels. Each can be replaced by unpacked
sources: --override_repository=com_google_absl=/path/to/abseil-cpp. A repository that the workspace
has defined before is left alone.
"""

load("//third_party:abseil.bzl", "abseil_targets")
load("//third_party:debian_library.bzl", "debian_library")
load("//third_party:platforms.bzl", "debian_platforms")
load("//third_party:rules_cc.bzl", "builtin_rules_cc")

def _maybe(rule, name, **kwargs):
    if name not in native.existing_rules():
        rule(name = name, **kwargs)

def pollux_repositories():
    """Defines the repositories that //... needs."""
    _rule_repositories()
    _library_repositories()

def _rule_repositories():
    # What Bazel itself asks for, even to build a plain cc_test. Debian puts the parts that upstream's
    # Bazel downloads under /usr/share/bazel.
    _maybe(builtin_rules_cc, "rules_cc")
    _maybe(debian_platforms, "platforms")
    _maybe(native.local_repository, "rules_java", path = "/usr/share/bazel/rules/java")
    _maybe(native.local_repository, "rules_proto", path = "/usr/share/bazel/rules/proto")
    _maybe(native.local_repository, "bazel_skylib", path = "/usr/share/bazel/tools/skylib")
    _maybe(
        _stub_repository,
        "remote_coverage_tools",
        files = {
            "tools/BUILD.bazel": "",
            "BUILD.bazel": """
filegroup(
    name = "coverage_report_generator",
    visibility = ["//visibility:public"],
)
""",
        },
    )

def _library_repositories():
    _maybe(
        debian_library,
        "com_google_absl",
        debian_packages = ["libabsl-dev"],
        headers = ["absl"],
        modules = ["absl_"],
        targets = abseil_targets(),
    )
    _maybe(
        debian_library,
        "com_google_googletest",
        debian_packages = ["libgmock-dev", "libgtest-dev"],
        headers = ["gmock", "gtest"],
        modules = ["gmock", "gmock_main", "gtest", "gtest_main"],
        other_modules = {"absl_": "@com_google_absl"},
        # Upstream's two targets hold both GoogleTest and GoogleMock.
        targets = {":gtest": "gmock", ":gtest_main": "gmock_main"},
    )
    _maybe(
        debian_library,
        "com_googlesource_code_re2",
        debian_packages = ["libre2-dev"],
        headers = ["re2"],
        modules = ["re2"],
        other_modules = {"absl_": "@com_google_absl"},
        targets = {":re2": "re2"},
    )
    _maybe(
        debian_library,
        "com_github_google_benchmark",
        debian_packages = ["libbenchmark-dev"],
        headers = ["benchmark"],
        modules = ["benchmark"],
        targets = {":benchmark": "benchmark", ":benchmark_main": "benchmark_main"},
        libraries = {":benchmark_main": ["benchmark_main"]},
        library_deps = {":benchmark_main": "benchmark"},
    )
    _maybe(
        debian_library,
        "cli11",
        debian_packages = ["libcli11-dev"],
        headers = ["CLI"],
        modules = ["CLI11"],
        targets = {":cli11": "CLI11"},
    )
    _maybe(
        debian_library,
        "nlohmann_json",
        debian_packages = ["nlohmann-json3-dev"],
        headers = ["nlohmann"],
        modules = ["nlohmann_json"],
        targets = {":json": "nlohmann_json"},
    )
    _maybe(
        debian_library,
        "elfutils",
        debian_packages = ["libdw-dev", "libelf-dev"],
        headers = ["dwarf.h", "elfutils", "gelf.h", "libelf.h"],
        modules = ["libdw", "libelf", "liblzma", "libzstd", "zlib"],
        # Debian 13's archives lack objects that they need.
        static_program = [
            "void* dwarf_begin_elf(); int main() { return dwarf_begin_elf() != 0; }",
            "-ldw",
            "-lelf",
            "-llzma",
            "-lbz2",
            "-lz",
            "-lzstd",
        ],
        targets = {":libdw": "libdw", ":libelf": "libelf"},
    )
    _maybe(
        debian_library,
        "xxhash",
        debian_packages = ["libxxhash-dev"],
        headers = ["xxhash.h"],
        modules = ["libxxhash"],
        targets = {":xxhash": "libxxhash"},
    )
    _maybe(
        debian_library,
        "zlib",
        debian_packages = ["zlib1g-dev"],
        headers = ["zconf.h", "zlib.h"],
        modules = ["zlib"],
        targets = {":zlib": "zlib"},
    )

def _stub_repository_impl(ctx):
    ctx.file("WORKSPACE", "workspace(name = %s)\n" % repr(ctx.name), executable = False)
    for path, content in ctx.attr.files.items():
        ctx.file(path, content, executable = False)

_stub_repository = repository_rule(
    implementation = _stub_repository_impl,
    attrs = {"files": attr.string_dict()},
)
