"""joined_programs: guest programs that are compiled together, though each is a program of its own.

What most of a small program's compilation takes, headers and the templates of the standard library, is
then read and instantiated once for all of them. Each source stands in a namespace named after its
program (NAME_program), behind the headers of all; the program's link says whose main() is the program's.
"""

load("@rules_cc//cc:defs.bzl", "cc_library")

# Enough to share, and few enough that whoever changes one program does not wait for many others.
_MOST_JOINED = 8

def _joined_programs_source_impl(ctx):
    arguments = ctx.actions.args()
    arguments.add(ctx.outputs.out)
    arguments.add_all(ctx.files.srcs)
    ctx.actions.run_shell(
        # Headers come first, outside of every namespace: at their own place they are empty then.
        command = """
set -eu
out="$1"
shift
{
  grep -h '^#include' "$@" | awk '!seen[$0]++'
  echo '[[maybe_unused]] static int Start(int (*main)(), int, char**) { return main(); }'
  echo '[[maybe_unused]] static int Start(int (*main)(int, char**), int count, char** words) { return main(count, words); }'
  for source in "$@"; do
    name="$(basename "$source" .cc)"
    echo "namespace ${name}_program {"
    echo "#include \\"$source\\""
    echo "}"
    echo "extern \\"C\\" int ${name}_main(int count, char** words) { return Start(${name}_program::main, count, words); }"
  done
} >"$out"
""",
        arguments = [arguments],
        inputs = ctx.files.srcs,
        outputs = [ctx.outputs.out],
        mnemonic = "JoinPrograms",
        progress_message = "Joining the programs of %s" % ctx.label,
    )

_joined_programs_source = rule(
    implementation = _joined_programs_source_impl,
    attrs = {
        "srcs": attr.label_list(allow_files = [".cc"], mandatory = True),
        "out": attr.output(mandatory = True),
    },
)

def joined_programs(names, headers = [], copts = [], defines = [], deps = []):
    """Declares libraries with the mains of each NAME.cc.

    Args:
      names: of the programs. Their sources include every header before the first declaration, put
        nothing into namespaces of others (std, extern "C"), and their mains return a value.
      headers: of the folder, that they include.
      copts: of the compilation.
      defines: as for cc_library.
      deps: of all of them.

    Returns:
      name -> a dict with the deps and linkopts of a cc_binary that is this program.
    """
    groups = (len(names) + _MOST_JOINED - 1) // _MOST_JOINED
    result = {}
    for i in range(groups):
        group = names[i * len(names) // groups:(i + 1) * len(names) // groups]
        library = "%s_and_%d_more" % (group[0], len(group) - 1)
        sources = [name + ".cc" for name in group]
        _joined_programs_source(
            name = library + ".source",
            testonly = True,
            srcs = sources,
            out = library + ".joined.cc",
        )
        cc_library(
            name = library,
            testonly = True,
            srcs = [library + ".joined.cc"] + headers,
            textual_hdrs = sources,
            # Only ::main() returns 0 by itself.
            copts = copts + ["-Werror=return-type"],
            defines = defines,
            tags = ["manual"],
            visibility = ["//visibility:private"],
            deps = deps,
        )
        for name in group:
            result[name] = {
                "deps": [":" + library],
                "linkopts": ["-Wl,--undefined=%s_main,--defsym=main=%s_main" % (name, name)],
            }
    return result
