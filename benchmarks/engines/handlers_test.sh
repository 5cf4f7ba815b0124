#!/bin/bash
# handlers_test.sh BUILD POLLUX MEASURE_HANDLERS EXPECTED: how long the handlers of the tail-call engine
# are, which of them touch the stack, and which never go on to the next, against what is checked in. With --write in place of EXPECTED
# the table is printed instead. BUILD is "optimised", or "other" where the compiler makes no such handlers,
# or none whose length says anything.
#
# Why the ones in the table touch the stack: fclass calls SoftFp; the others need one register of the host
# more than twelve arguments leave, and save it. Those that never go on are never run (CSRs and
# ebreak are left to the reference step, fences are no operation), or are floating-point operations for
# roundings that are rare.
set -euo pipefail
build="$1" pollux="$2" measure="$3" expected="$4"

# Nothing to compare is no failure; nothing to write is one.
skip() {
  echo "SKIPPED: $1" >&2
  [ "$expected" != --write ] || exit 1
  exit 0
}

[ "$build" = optimised ] || skip "handlers by tail calls are measured in optimised builds by clang for x86-64"
# A sanitizer's build has no tail calls (interp/engine/tail_calls.cc).
symbols="$(nm "$pollux")"
! grep -q '__asan_init\|__ubsan_handle' <<<"$symbols" || skip "a sanitizer's build has no tail calls"

measured="$(objdump -d --no-show-raw-insn "$pollux" | "$measure")"
if [ "$expected" = --write ]; then
  echo "# Instructions of the host a handler, in the mean; handlers that touch the stack, or never go on (handlers_test.sh)."
  echo "$measured"
  exit
fi
"$(dirname "$0")/compare_table.sh" "$expected" 3 0 \
  "./bazelw run //benchmarks/engines:write_handlers >benchmarks/engines/expected_handlers.txt" <<<"$measured"
