"""precompiled_header: headers that are parsed once, and not by each of the files that include them.

    precompiled_header(name = "library_prelude", headers = ["string", "absl/strings/str_cat.h"], deps = [...])

cc.bzl adds it to our own libraries and tests. Parsing the standard library, Abseil and GoogleTest is
most of what compiling one of our files takes. A file still includes what it uses.
"""

load("@bazel_tools//tools/build_defs/cc:action_names.bzl", "CPP_COMPILE_ACTION_NAME")
load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")

def _precompiled_header_impl(ctx):
    cc_toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = cc_toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    deps = cc_common.merge_cc_infos(cc_infos = [dep[CcInfo] for dep in ctx.attr.deps]).compilation_context
    header = ctx.actions.declare_file(ctx.label.name + ".h")
    ctx.actions.write(header, "".join(["#include <%s>\n" % name for name in ctx.attr.headers]))

    # The compiler takes it in place of the header beside which it lies, if the flags agree.
    clang = cc_toolchain.compiler == "clang"
    precompiled = ctx.actions.declare_file(header.basename + (".pch" if clang else ".gch"))
    variables = cc_common.create_compile_variables(
        feature_configuration = features,
        cc_toolchain = cc_toolchain,
        source_file = header.path,
        output_file = precompiled.path,
        user_compile_flags = ctx.fragments.cpp.copts + ctx.fragments.cpp.cxxopts + ctx.attr.copts,
        include_directories = deps.includes,
        quote_include_directories = deps.quote_includes,
        system_include_directories = deps.system_includes,
        preprocessor_defines = deps.defines,
    )
    flags = cc_common.get_memory_inefficient_command_line(
        feature_configuration = features,
        action_name = CPP_COMPILE_ACTION_NAME,
        variables = variables,
    )
    ctx.actions.run(
        executable = cc_common.get_tool_for_action(
            feature_configuration = features,
            action_name = CPP_COMPILE_ACTION_NAME,
        ),
        # The same bytes whenever it is compiled.
        arguments = (["-Xclang", "-fno-pch-timestamp"] if clang else []) + ["-x", "c++-header"] + flags,
        env = cc_common.get_environment_variables(
            feature_configuration = features,
            action_name = CPP_COMPILE_ACTION_NAME,
            variables = variables,
        ),
        inputs = depset([header], transitive = [deps.headers, cc_toolchain.all_files]),
        outputs = [precompiled],
        mnemonic = "CppPrecompile",
        progress_message = "Precompiling %s" % header.short_path,
    )

    # Of the deps only the headers: what a library links is its own to say.
    context = cc_common.create_compilation_context(
        headers = depset([header, precompiled], transitive = [deps.headers]),
        includes = deps.includes,
        quote_includes = deps.quote_includes,
        system_includes = deps.system_includes,
        defines = deps.defines,
    )
    return [
        CcInfo(compilation_context = context),
        DefaultInfo(files = depset([header, precompiled])),
    ]

precompiled_header = rule(
    implementation = _precompiled_header_impl,
    doc = "Headers that are compiled ahead, for copts of -include PACKAGE/NAME.h.",
    attrs = {
        "headers": attr.string_list(mandatory = True, doc = "As in #include <...>."),
        "deps": attr.label_list(providers = [CcInfo]),
        "copts": attr.string_list(doc = "Those of all who include it."),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
    incompatible_use_toolchain_transition = True,
)
