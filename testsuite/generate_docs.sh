#!/bin/bash
# Writes docs/patterns.md to stdout: the programs of the async runtimes' folders, each with the first paragraph of the
# comment that it opens with. Runs where the workspace's files are.
set -euo pipefail

families=(
  "tokio: Tokio" "mio: mio" "libuv: libuv" "libevent: libevent and libev" "asio: Asio" "go: Go's netpoller"
  "smol: smol (polling, async-io)" "nginx: nginx" "redis: Redis" "seastar: Seastar" "coroutines: C++20 coroutines"
  "museum: The bug museum"
)

cat <<'END'
# What async runtimes do on epoll, as programs

Generated: `./bazelw run //testsuite:generate_docs > docs/patterns.md`. Each program runs natively and under pollux, with 64
seeds; one by one: `./bazelw run //testsuite/tokio:current_thread`, `./bazelw test //testsuite/tokio/...`.
END

for family in "${families[@]}"; do
  folder="${family%%:*}"
  printf '\n## %s\n\n| program | shows |\n| --- | --- |\n' "${family#*: }"
  for file in testsuite/"$folder"/*.cc; do
    name="$(basename "$file" .cc)"
    shows="$(awk '!/^\/\/ / { exit } { printf "%s%s", separator, substr($0, 4); separator = " " }' "$file")"
    [ -n "$shows" ] || { echo "$file does not open with a comment" >&2; exit 1; }
    shows="${shows#"$name: "}"
    echo "| [$name](../$file) | ${shows//|/\\|} |"
  done
done
