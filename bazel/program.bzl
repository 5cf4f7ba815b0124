"""named_program: what rules with a transition do with the program that they build in another configuration."""

load(":joined_programs.bzl", "chosen_program")

def named_program(ctx, binary, chosen = ""):
    """The DefaultInfo of ctx's rule: the program of `binary` under the rule's own name.

    Args:
      ctx: the rule's.
      binary: the target, as an attribute with a transition has it: a list of one.
      chosen: where it is a joined program (joined_programs.bzl), which of them. Else empty.
    """
    info = binary[0][DefaultInfo]
    program = ctx.actions.declare_file(ctx.label.name)
    if chosen:
        chosen_program(ctx, info.files_to_run.executable, chosen, program)
    else:
        ctx.actions.symlink(
            output = program,
            target_file = info.files_to_run.executable,
            is_executable = True,
        )
    return DefaultInfo(
        files = depset([program]),
        executable = program,
        runfiles = ctx.runfiles([program]).merge(info.default_runfiles),
    )
