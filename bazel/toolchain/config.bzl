"""What Bazel has to know about riscv64-linux-gnu-gcc.

Guests are linked statically unless the target turns the feature guest_static off, and char is unsigned,
as everywhere on RISC-V: a native build of the same source uses -funsigned-char too. assert() stays
on (no -DNDEBUG): a guest test's assertions are its point.
"""

load("@bazel_tools//tools/build_defs/cc:action_names.bzl", "ACTION_NAMES")
load(
    "@bazel_tools//tools/cpp:cc_toolchain_config_lib.bzl",
    "feature",
    "flag_group",
    "flag_set",
    "tool_path",
    "with_feature_set",
)

_PREFIX = "/usr/bin/riscv64-linux-gnu-"

_COMPILE = [
    ACTION_NAMES.assemble,
    ACTION_NAMES.preprocess_assemble,
    ACTION_NAMES.linkstamp_compile,
    ACTION_NAMES.c_compile,
    ACTION_NAMES.cpp_compile,
    ACTION_NAMES.cpp_header_parsing,
    ACTION_NAMES.cpp_module_compile,
    ACTION_NAMES.cpp_module_codegen,
]

_LINK = [
    ACTION_NAMES.cpp_link_executable,
    ACTION_NAMES.cpp_link_dynamic_library,
    ACTION_NAMES.cpp_link_nodeps_dynamic_library,
]

def _flags(actions, flags, mode = None):
    return flag_set(
        actions = actions,
        flag_groups = [flag_group(flags = flags)],
        with_features = [with_feature_set(features = [mode])] if mode else [],
    )

def _guest_cc_toolchain_config_impl(ctx):
    return cc_common.create_cc_toolchain_config_info(
        ctx = ctx,
        toolchain_identifier = "riscv64-linux-gnu-gcc",
        host_system_name = "local",
        target_system_name = "riscv64-linux-gnu",
        target_cpu = "riscv64",
        target_libc = "glibc",
        compiler = "gcc",
        abi_version = "lp64d",
        abi_libc_version = "glibc",
        tool_paths = [
            tool_path(name = name, path = _PREFIX + name)
            for name in ["ar", "cpp", "gcc", "gcov", "ld", "nm", "objcopy", "objdump", "strip"]
        ],
        # Prefixes: the compiler's version is a directory below the second one.
        cxx_builtin_include_directories = [
            "/usr/riscv64-linux-gnu/include",
            "/usr/lib/gcc-cross/riscv64-linux-gnu",
        ],
        features = [
            feature(name = "opt"),
            feature(name = "dbg"),
            feature(name = "fastbuild"),
            feature(
                name = "guest_compile_flags",
                enabled = True,
                flag_sets = [
                    _flags(_COMPILE, ["-funsigned-char", "-Wall"]),
                    # Functions, inlined ones too, and lines: what a backtrace shows. All that -g
                    # writes takes a third of the compilation.
                    _flags(_COMPILE, ["-O2", "-g1"], "opt"),
                    _flags(_COMPILE, ["-O2", "-g1"], "fastbuild"),
                    _flags(_COMPILE, ["-O0", "-g"], "dbg"),
                    # The same bytes wherever the source tree is.
                    _flags(_COMPILE, [
                        "-no-canonical-prefixes",
                        "-fno-canonical-system-headers",
                    ]),
                ],
            ),
            feature(
                name = "guest_static",
                enabled = True,
                flag_sets = [_flags(_LINK, ["-static"])],
            ),
            feature(
                name = "guest_link_flags",
                enabled = True,
                flag_sets = [_flags(_LINK, ["-no-canonical-prefixes", "-lstdc++", "-lm"])],
            ),
        ],
    )

guest_cc_toolchain_config = rule(
    implementation = _guest_cc_toolchain_config_impl,
    provides = [CcToolchainConfigInfo],
)
