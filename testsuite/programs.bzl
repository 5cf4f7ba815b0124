"""programs: the guest programs of a package, for tests that run all of them."""

def _run_list_impl(ctx):
    lines = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(lines, "".join([ctx.expand_location(run, ctx.attr.programs) + "\n" for run in ctx.attr.runs]))
    return [DefaultInfo(files = depset([lines]), runfiles = ctx.runfiles([lines] + ctx.files.programs))]

run_list = rule(
    implementation = _run_list_impl,
    doc = "A file with a line a run: a program, as seen from the workspace's top, and its arguments, quoted for a shell.",
    attrs = {
        "programs": attr.label_list(allow_files = True),
        "runs": attr.string_list(doc = "The lines, with $(rootpath :NAME.elf)."),
    },
)

def programs():
    """Declares what all guest programs declared before it in this package are to other tests.

    :runs is the run_list of what `bazel test` and `bazel run` run, :sources the C++ sources.
    """
    rules = native.existing_rules()
    runs = {}
    for rule in rules.values():
        if rule["kind"] in ["_guest_run", "_guest_run_test"] and rule.get("guest"):
            runs[" ".join(["$(rootpath %s)" % rule["guest"]] + list(rule["args"]))] = True
    elfs = [":" + name for name in sorted(rules) if name.endswith(".elf")]
    run_list(
        name = "runs",
        testonly = True,
        programs = elfs,
        runs = sorted(runs),
        visibility = ["//testsuite:__pkg__"],
    )
    native.filegroup(
        name = "sources",
        testonly = True,
        srcs = native.glob(["*.cc"]),
        visibility = ["//testsuite:__pkg__"],
    )
