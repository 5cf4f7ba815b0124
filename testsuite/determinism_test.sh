#!/bin/bash
# One seed, one schedule: the whole trace of every program is the same in a second run, under a scheduler that preempts often; its
# first million instructions are the same with the other engine and with a pollux that was compiled in another mode, which are many
# times slower; and some other seed gives another schedule.
#
#   determinism_test.sh POLLUX SANITIZED_POLLUX PROGRAM...
set -u

root="$TEST_SRCDIR/$TEST_WORKSPACE"
pollux="$root/$1" sanitized="$root/$2"
shift 2
cd "$TEST_TMPDIR" || exit 1

# trace NAME PROGRAM [FLAG...]: the trace and all output to NAME.
trace() {
  timeout --signal=KILL 120 "$pollux" run --trace_file="$1.trace" --preemption_rate=5 "${@:3}" "$root/$2" \
    </dev/null >"$1.out" 2>"$1.err"
  echo "exit status $?" >>"$1.out"
  cat "$1.out" "$1.err" >>"$1.trace"
}

failures=0
different=0
for program in "$@"; do
  trace first "$program" --seed=3
  trace again "$program" --seed=3
  cmp first.trace again.trace || { echo "FAILED: $program is not repeated by its seed"; failures=$((failures + 1)); }
  trace begin "$program" --seed=3 --max_steps=1000000
  trace reference "$program" --seed=3 --max_steps=1000000 --engine=reference
  cmp begin.trace reference.trace || { echo "FAILED: $program: the engines part"; failures=$((failures + 1)); }
  pollux="$sanitized" trace sanitized "$program" --seed=3 --max_steps=1000000
  # But for stacks: who reads symbols has no room for a sanitizer's shadow (machine/contained.h).
  cmp <(grep -v '^pollux:     #' begin.trace) <(grep -v '^pollux:     #' sanitized.trace) || { echo "FAILED: $program: the build modes part"; head -5 sanitized.err; failures=$((failures + 1)); }
  # Addresses and random numbers differ with the seed, too; the order of threads is what counts here.
  trace other "$program" --seed=4
  cmp -s <(grep -o '^\[pid [0-9]*\]' first.trace) <(grep -o '^\[pid [0-9]*\]' other.trace) || different=$((different + 1))
done
echo "$# programs, $different of them with another order under another seed"
[ "$different" -gt $(($# / 4)) ] || { echo "FAILED: seeds hardly change the order of threads"; failures=$((failures + 1)); }
exit "$((failures > 0))"
