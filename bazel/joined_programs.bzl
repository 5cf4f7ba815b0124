"""joined_programs: guest programs that are built together, though each is a program of its own.

What most of a small program's compilation takes, headers and the templates of the standard library, is
then read and instantiated once for all of them, and linked once. Each source stands in a namespace named
after its program (NAME_program), behind the headers of all. The linked program has all of them, and a
word in its data that says which one it is: chosen_program() copies it and writes that word.
"""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library")

# Enough to share, and few enough that whoever changes one program does not wait for many others.
_MOST_JOINED = 8

# What stands before the word in the data.
_MARK = "the joined program is "
_MOST_OF_A_NAME = 100

def _joined_source_impl(ctx):
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
  done
  # Written when the program is copied, so no compiler may believe that it knows it.
  echo 'extern char joined_program[];'
  echo 'char joined_program[%d] = "%s";'
  echo 'int main(int count, char** words) {'
  for source in "$@"; do
    name="$(basename "$source" .cc)"
    echo "  if (!__builtin_strcmp(joined_program + %d, \\"$name\\")) return Start(${name}_program::main, count, words);"
  done
  echo '  return 127;'
  echo '}'
} >"$out"
""" % (len(_MARK) + _MOST_OF_A_NAME, _MARK, len(_MARK)),
        arguments = [arguments],
        inputs = ctx.files.srcs,
        outputs = [ctx.outputs.out],
        mnemonic = "JoinPrograms",
        progress_message = "Joining the programs of %s" % ctx.label,
    )

_joined_source = rule(
    implementation = _joined_source_impl,
    attrs = {
        "srcs": attr.label_list(allow_files = [".cc"], mandatory = True),
        "out": attr.output(mandatory = True),
    },
)

def chosen_program(ctx, joined, name, out):
    """Declares the action that makes one program of a joined one.

    Args:
      ctx: the rule's.
      joined: the linked program, a File.
      name: of the one.
      out: the File to write.
    """
    if len(name) >= _MOST_OF_A_NAME:
        fail("%s: the name is too long" % name)
    arguments = ctx.actions.args()
    arguments.add_all([joined, name, out])
    ctx.actions.run_shell(
        command = """
set -eu
cp "$1" "$3"
chmod u+w "$3"
at="$(LC_ALL=C grep --text --byte-offset --only-matching '%s' "$3" | cut -d: -f1)"
[ "$(echo "$at" | wc -w)" = 1 ] || { echo "$1: its mark stands there $(echo "$at" | wc -w) times"; exit 1; }
printf '%%s\\0' "$2" | dd of="$3" bs=1 seek=$((at + %d)) conv=notrunc status=none
""" % (_MARK, len(_MARK)),
        arguments = [arguments],
        inputs = [joined],
        outputs = [out],
        mnemonic = "ChooseProgram",
        progress_message = "Making %s" % out.short_path,
    )

def joined_programs(names, headers = [], copts = [], deps = [], **kwargs):
    """Declares programs that are each of NAME.cc, once it is chosen.

    Args:
      names: of the programs. Their sources include every header before the first declaration, put
        nothing into namespaces of others (std, extern "C"), and their mains return a value.
      headers: of the folder, that they include.
      copts: of the compilation.
      deps: of all of them.
      **kwargs: for the cc_binary.

    Returns:
      name -> the label of the joined program that it is in.
    """
    groups = (len(names) + _MOST_JOINED - 1) // _MOST_JOINED
    result = {}
    for i in range(groups):
        group = names[i * len(names) // groups:(i + 1) * len(names) // groups]
        joined = "%s_and_%d_more" % (group[0], len(group) - 1)
        sources = [name + ".cc" for name in group]
        _joined_source(
            name = joined + ".source",
            testonly = True,
            srcs = sources,
            out = joined + ".joined.cc",
        )
        cc_library(
            name = joined + ".sources",
            testonly = True,
            textual_hdrs = sources,
            tags = ["manual"],
            visibility = ["//visibility:private"],
        )
        cc_binary(
            name = joined + ".program",
            testonly = True,
            srcs = [joined + ".joined.cc"] + headers,
            # Only ::main() returns 0 by itself.
            copts = copts + ["-Werror=return-type"],
            tags = ["manual"],
            visibility = ["//visibility:private"],
            deps = deps + [":%s.sources" % joined],
            **kwargs
        )
        for name in group:
            result[name] = ":" + joined + ".program"
    return result
