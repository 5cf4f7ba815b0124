#!/bin/bash
# handlers_test.sh POLLUX SINGLES FUSIONS STACK: how long the handlers of the tail-call engine are, in
# instructions of the host up to the first jump to the next handler: the mean of those of single
# operations and of fusions, each within 3 %; and how many touch the stack, at most STACK.
set -eu
objdump -d --no-show-raw-insn "$1" | awk -v singles="$2" -v fusions="$3" -v stack="$4" '
  function ended() {
    if (group == "") return
    handlers[group]++
    sum[group] += count
    if (touches) touching++
    group = ""
  }
  /^[0-9a-f]+ <.*>:$/ {
    ended()
    count = touches = done = 0
    group = $2 ~ /interp.*8RunFusedILj/ ? "fusions" : $2 ~ /interp.*3RunILj/ ? "singles" : ""
    next
  }
  group != "" && NF > 1 && !done {
    ++count
    if ($2 ~ /^(push|pop|call)/ || /rsp/) touches = 1
    if ($2 ~ /^jmp/ && /\*/) done = 1
  }
  function compare(name, wanted) {
    mean = sum[name] / handlers[name]
    off = 100 * (mean / wanted - 1)
    printf "%s: %d handlers, %.2f instructions in the mean, expected %.2f\n", name, handlers[name], mean, wanted
    if (off > 3 || off < -3) differs = 1
  }
  END {
    ended()
    if (handlers["singles"] == 0) {
      print "this build has no tail calls: nothing to compare"
      exit 0
    }
    compare("singles", singles)
    compare("fusions", fusions)
    printf "%d touch the stack, at most %d may\n", touching, stack
    if (touching > stack) differs = 1
    exit differs
  }
' || {
  echo "better or worse on purpose? Then change the figures in benchmarks/engines/BUILD.bazel"
  exit 1
}
