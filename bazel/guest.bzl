"""Guest programs as Bazel targets: guest_binary, guest_test, guest_tests and guest_run.

Public API: another workspace loads this file as @pollux//bazel:guest.bzl after pollux_workspace() in
its WORKSPACE (bazel/workspace.bzl).

    guest_binary(name = "echo", srcs = ["echo.cc"])

    guest_test(name = "eventfd", srcs = ["eventfd.c"])

`bazel run :echo -- ARG...` runs the program under pollux and exits as the program did; the ELF file
is :echo.elf. `bazel test :eventfd` builds one source twice and runs eventfd_native (the host's kernel)
and eventfd_emulated (pollux): both must print the same and exit alike.
"""

load("@rules_cc//cc:defs.bzl", "cc_binary")
load(":joined_programs.bzl", "joined_programs")
load(":program.bzl", "named_program")

# ---------------------------------------------------------------------------------------------------
# Building one source for two worlds.

# Neither world takes the flags of the command line: a sanitizer or a warning meant for pollux's own
# code has no place in a program under test, nor in the oracle. -c is kept, so -c dbg reaches both.
_PLAIN = {
    "//command_line_option:copt": [],
    "//command_line_option:conlyopt": [],
    "//command_line_option:cxxopt": ["-std=c++20"],
    "//command_line_option:linkopt": [],
    "//command_line_option:per_file_copt": [],
    "//command_line_option:features": [],
    "//command_line_option:platform_suffix": "",
}

# The flags of the guest's world are in toolchain/config.bzl.
_GUEST = {
    "//command_line_option:platforms": str(Label("//bazel/platforms:riscv64_guest")),
    "//command_line_option:cpu": "riscv64",
    "//command_line_option:crosstool_top": str(Label("//bazel/toolchain:suite")),
    "//command_line_option:host_crosstool_top": "@bazel_tools//tools/cpp:toolchain",
    "//command_line_option:compiler": "gcc",
}

# Makes the host's compiler agree with it: char is unsigned, assert() stays on, and glibc checks no
# more than it does in the guest.
_NATIVE = {
    "//command_line_option:copt": ["-funsigned-char", "-UNDEBUG", "-U_FORTIFY_SOURCE"],
}

def _merge(a, b):
    result = dict(a)
    result.update(b)
    return result

def _guest_settings(settings, attr):
    return _merge(_PLAIN, _GUEST)

_guest_transition = transition(
    implementation = _guest_settings,
    inputs = [],
    outputs = _PLAIN.keys() + _GUEST.keys(),
)

def _native_settings(settings, attr):
    return _merge(_PLAIN, _NATIVE)

_native_transition = transition(
    implementation = _native_settings,
    inputs = [],
    outputs = _PLAIN.keys(),
)

# Pollux itself, in a workspace whose .bazelrc knows nothing of it: optimised and C++20. With the flags
# of pollux's own .bazelrc this changes nothing.
_POLLUX_SETTINGS = [
    "//command_line_option:compilation_mode",
    "//command_line_option:cxxopt",
]

def _pollux_settings(settings, attr):
    mode, cxxopt = [settings[name] for name in _POLLUX_SETTINGS]
    if [flag for flag in cxxopt if flag.startswith("-std=")]:
        return settings
    return {
        "//command_line_option:compilation_mode": "opt" if mode == "fastbuild" else mode,
        "//command_line_option:cxxopt": cxxopt + ["-std=c++20"],
    }

_pollux_transition = transition(
    implementation = _pollux_settings,
    inputs = _POLLUX_SETTINGS,
    outputs = _POLLUX_SETTINGS,
)

def _program_impl(ctx):
    return [named_program(ctx, ctx.attr.binary, ctx.attr.chosen)]

# Every rule with a transition has to have this.
_ALLOWLIST = attr.label(
    default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
)

def _program_rule(transition):
    return rule(
        implementation = _program_impl,
        executable = True,
        attrs = {
            "binary": attr.label(cfg = transition, executable = True, mandatory = True),
            "chosen": attr.string(),
            "_allowlist_function_transition": _ALLOWLIST,
        },
    )

_guest_program = _program_rule(_guest_transition)
_native_program = _program_rule(_native_transition)

# ---------------------------------------------------------------------------------------------------
# Running a program under pollux.

_RUN_ATTRS = {
    "guest": attr.label(allow_single_file = True, doc = "The ELF file."),
    "pollux": attr.label(executable = True, cfg = _pollux_transition),
    "pollux_args": attr.string_list(),
    "data": attr.label_list(allow_files = True),
    "_allowlist_function_transition": _ALLOWLIST,
}

def _quote(text):
    return "'" + text.replace("'", "'\\''") + "'"

def _words(words):
    return "(" + " ".join([_quote(word) for word in words]) + ")"

def _path(file):
    """From the directory of the workspace in a runfiles tree; empty for a file not given."""
    return _quote(file.short_path if file else "")

def _runner(ctx, files, settings):
    """An executable: the settings as shell variables, then the script that reads them."""
    settings = _merge(settings, {
        "workspace": _quote(ctx.workspace_name),
        "guest": _path(ctx.file.guest),
        "pollux": _path(ctx.executable.pollux),
        "pollux_args": _words([
            ctx.expand_location(arg, ctx.attr.data)
            for arg in ctx.attr.pollux_args
        ]),
    })
    script = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.expand_template(
        template = ctx.file._script,
        output = script,
        substitutions = {
            "# SETTINGS": "\n".join(["%s=%s" % setting for setting in settings.items()]),
        },
        is_executable = True,
    )
    runfiles = ctx.runfiles([f for f in files + [ctx.file.guest] if f] + ctx.files.data)
    for target in ctx.attr.data + (ctx.attr.pollux or []):
        runfiles = runfiles.merge(target[DefaultInfo].default_runfiles)
    return [DefaultInfo(executable = script, runfiles = runfiles)]

def _guest_run_impl(ctx):
    return _runner(ctx, [], {})

_guest_run = rule(
    implementation = _guest_run_impl,
    executable = True,
    attrs = _merge(_RUN_ATTRS, {
        "_script": attr.label(allow_single_file = True, default = Label("//bazel:guest_run.sh")),
    }),
)

def _guest_run_test_impl(ctx):
    return _runner(ctx, [ctx.file.native, ctx.file.expected_stdout, ctx.file.stdin], {
        "native": _path(ctx.file.native),
        "stdin": _path(ctx.file.stdin),
        "environment": _words(ctx.attr.environment),
        "expected_stdout": _path(ctx.file.expected_stdout),
        "expected_exit": ctx.attr.expected_exit,
        "seeds": ctx.attr.seeds,
        "lint": _quote(ctx.attr.lint),
    })

_guest_run_test = rule(
    implementation = _guest_run_test_impl,
    test = True,
    attrs = _merge(_RUN_ATTRS, {
        "native": attr.label(allow_single_file = True),
        "stdin": attr.label(allow_single_file = True),
        "environment": attr.string_list(),
        "expected_stdout": attr.label(allow_single_file = True),
        "expected_exit": attr.int(),
        "seeds": attr.int(default = 1),
        "lint": attr.string(),
        "_script": attr.label(allow_single_file = True, default = Label("//bazel:guest_test.sh")),
    }),
)

# ---------------------------------------------------------------------------------------------------
# The macros.

# Here `native` is a parameter of guest_test, so Bazel's own native module needs another name.
_test_suite = native.test_suite

_POLLUX = str(Label("//:pollux"))

def _cc_program(name, static, features, **kwargs):
    cc_binary(
        name = name,
        features = features + ([] if static else ["-guest_static"]),
        tags = ["manual"],
        visibility = ["//visibility:private"],
        **kwargs
    )

def guest_binary(
        name,
        srcs,
        copts = [],
        linkopts = [],
        deps = [],
        defines = [],
        features = [],
        static = True,
        args = [],
        data = [],
        pollux_args = [],
        tags = [],
        testonly = False,
        visibility = None):
    """A C or C++ program for the guest, which `bazel run` runs under pollux.

    Also makes NAME.elf, the program's file, to name in the data of other targets.

    Args:
      name: of the runnable target.
      srcs: C, C++ and assembler sources and private headers.
      copts: after the defaults -O2 (-O0 with -c dbg), -g1 (-g with -c dbg) and -funsigned-char; -std=c++20 for C++.
      linkopts: for the linker.
      deps: cc_library targets, built for the guest.
      defines: preprocessor symbols.
      features: of the tool chain, as for cc_binary.
      static: False gives what the compiler links by default, a dynamic position-independent program.
      args: the guest's arguments on `bazel run`, before those of the command line.
      data: files that pollux needs, such as the directories of --dir.
      pollux_args: flags for `pollux run`; $(rootpath LABEL) names a file in data.
      tags: for the runnable target.
      testonly: as everywhere.
      visibility: of NAME and NAME.elf.
    """
    _cc_program(
        name + ".program",
        static,
        features,
        srcs = srcs,
        copts = copts,
        linkopts = linkopts,
        deps = deps,
        defines = defines,
        testonly = testonly,
    )
    _guest_program(
        name = name + ".elf",
        binary = ":" + name + ".program",
        tags = tags,
        testonly = testonly,
        visibility = visibility,
    )
    guest_run(name, ":" + name + ".elf", args, data, pollux_args, tags, testonly, visibility)

def guest_run(
        name,
        guest,
        args = [],
        data = [],
        pollux_args = [],
        tags = [],
        testonly = False,
        visibility = None):
    """Runs a program that is there already under pollux, on `bazel run`.

    Args:
      name: of the runnable target.
      guest: its ELF file, such as the NAME.elf of a guest_binary or guest_test.
      args: as for guest_binary, like all that follow.
      data: files that pollux needs.
      pollux_args: flags for `pollux run`.
      tags: for the target.
      testonly: as everywhere.
      visibility: of the target.
    """
    _guest_run(
        name = name,
        guest = guest,
        args = args,
        data = data,
        pollux = _POLLUX,
        pollux_args = pollux_args,
        tags = tags,
        testonly = testonly,
        visibility = visibility,
    )

def guest_test(
        name,
        srcs,
        copts = [],
        linkopts = [],
        deps = [],
        defines = [],
        features = [],
        static = True,
        **kwargs):
    """A guest program whose answers must be those of the host's kernel.

    NAME_native runs it on the host and checks its exit status and, where given, its output.
    NAME_emulated runs it on the host and under pollux, and checks that both print the same bytes
    on stdout, that both exit with expected_exit, and the output too. NAME is the suite of both. The
    program finds an empty working directory, an environment of env alone, and no input without stdin.

    Args:
      name: of the suite.
      srcs: as for guest_binary, like copts to static and pollux_args.
      copts: for both builds.
      linkopts: for both builds.
      deps: for both builds.
      defines: for both builds.
      features: for both builds.
      static: for the guest's build.
      **kwargs: these, and other attributes that all tests have, such as timeout or flaky:
        args: the program's arguments.
        data: as for guest_binary.
        env: the program's environment.
        stdin: a file, the program's input.
        expected_stdout: a file, exactly what the program prints.
        expected_exit: its exit status, 128+n where signal n ends it. A dict gives each variant its own.
        native: False for what only a guest can do (RISC-V assembler, more than the host's kernel has):
          no NAME_native, and NAME_emulated checks status and expected output only.
        seeds: more than 1: pollux also runs it by so many schedules (`pollux explore`, docs/exploring.md),
          which must all print and exit the same. Not with stdin, nor with flags in pollux_args that explore
          does not have.
        shard_count: over so many runs of NAME_emulated the schedules are spread, each in a world of its own
          (--seed).
        runnable: NAME is no suite, but runs the program under pollux on `bazel run`, as a guest_binary.
        variants: what is appended to NAME -> arguments after args: {"_edge": ["edge"], "_level": ["level"]}
          builds the program once, and tests it as NAME_edge and as NAME_level; there is no NAME then.
        pollux_args: flags for `pollux run` before the program.
        strategy: of its schedules (docs/strategies.md); empty: random.
        faults: RE2[:RATE], as --faults (docs/exploring.md).
        lint: all or NAME[,NAME...] (docs/lints.md): its run under pollux must show none.
        size: as for every test.
        tags: as for every test.
        visibility: as for every test.
    """
    _cc_program(
        name + ".program",
        static,
        features,
        srcs = srcs,
        copts = copts,
        linkopts = linkopts,
        deps = deps,
        defines = defines,
        testonly = True,
    )
    _program_and_tests(name, ":" + name + ".program", **kwargs)

def _program_and_tests(
        name,
        binary,
        chosen = "",
        args = [],
        data = [],
        env = {},
        stdin = None,
        expected_stdout = None,
        expected_exit = 0,
        native = True,
        seeds = 1,
        shard_count = None,
        runnable = False,
        variants = None,
        pollux_args = [],
        strategy = "",
        faults = "",
        lint = "",
        size = "small",
        tags = [],
        visibility = None,
        **kwargs):
    _guest_program(
        name = name + ".elf",
        binary = binary,
        chosen = chosen,
        tags = tags,
        testonly = True,
        visibility = visibility,
    )
    if native:
        _native_program(
            name = name + ".native",
            binary = binary,
            chosen = chosen,
            tags = tags,
            testonly = True,
            visibility = visibility,
        )
    if seeds > 1 and stdin:
        fail("%s: schedules have no stdin; seeds and stdin do not go together" % name)
    for suffix, further in (variants or {"": []}).items():
        _tests_of_program(
            name = name + suffix,
            guest = ":" + name + ".elf",
            native = ":" + name + ".native" if native else None,
            args = args + further,
            data = data,
            env = env,
            stdin = stdin,
            expected_stdout = expected_stdout,
            expected_exit = expected_exit[suffix] if type(expected_exit) == "dict" else expected_exit,
            seeds = seeds,
            shard_count = shard_count,
            runnable = runnable,
            pollux_args = pollux_args +
                          (["--strategy=" + strategy] if strategy else []) +
                          (["--faults=" + faults] if faults else []),
            lint = lint,
            size = size,
            tags = tags,
            visibility = visibility,
            **kwargs
        )

def guest_tests(names, headers = [], copts = [], linkopts = [], deps = [], defines = [], features = [], static = True, **kwargs):
    """A guest_test for each NAME.cc, built together with others of them (joined_programs.bzl).

    Many small programs of one kind are built in a third of the time so.

    Args:
      names: of the tests. What joined_programs says of the sources holds.
      headers: of the folder, that they include.
      copts: as for guest_test, like all that follow.
      linkopts: for both builds.
      deps: for both builds.
      defines: for both builds.
      features: for both builds.
      static: for the guest's build.
      **kwargs: for guest_test.
    """
    if len(names) == 1:
        guest_test(
            name = names[0],
            srcs = [names[0] + ".cc"] + headers,
            copts = copts,
            linkopts = linkopts,
            deps = deps,
            defines = defines,
            features = features,
            static = static,
            **kwargs
        )
        return
    programs = joined_programs(
        names,
        headers,
        copts,
        deps,
        linkopts = linkopts,
        defines = defines,
        features = features + ([] if static else ["-guest_static"]),
    )
    for name in names:
        _program_and_tests(name, programs[name], chosen = name, **kwargs)

def _tests_of_program(
        name,
        guest,
        native,
        args,
        data,
        env,
        stdin,
        expected_stdout,
        expected_exit,
        seeds,
        shard_count,
        runnable,
        pollux_args,
        lint,
        size,
        tags,
        visibility,
        **kwargs):
    common = dict(
        args = args,
        data = data,
        environment = ["%s=%s" % (key, env[key]) for key in sorted(env)],
        expected_exit = expected_exit,
        expected_stdout = expected_stdout,
        size = size,
        stdin = stdin,
        tags = tags,
        visibility = visibility,
        **kwargs
    )
    tests = [":" + name + "_emulated"]
    if native:
        _guest_run_test(
            name = name + "_native",
            native = native,
            **common
        )
        tests.append(":" + name + "_native")
    _guest_run_test(
        name = name + "_emulated",
        guest = guest,
        native = native,
        pollux = _POLLUX,
        pollux_args = pollux_args,
        lint = lint,
        seeds = seeds,
        shard_count = shard_count,
        **common
    )
    if runnable:
        guest_run(name, guest, args, data, pollux_args, tags, True, visibility)
        return
    _test_suite(
        name = name,
        tests = tests,
        tags = tags,
        visibility = visibility,
    )
