#!/bin/bash
# One seed, one schedule: the whole trace of every program is the same in a second run, under a scheduler that preempts often. Its
# beginning is the same with the other engine and with a pollux that was compiled in another mode, which are many times slower: the
# first 300,000 instructions where several tasks run, else 100,000. And some other seed gives another schedule.
#
#   determinism_test.sh POLLUX SANITIZED_POLLUX RUN_LIST...
set -u

root="$TEST_SRCDIR/$TEST_WORKSPACE"
pollux="$root/$1" sanitized="$root/$2"
shift 2
mapfile -t runs < <(cd "$root" && cat "$@")
cd "$TEST_TMPDIR" || exit 1
[ -z "${TEST_SHARD_STATUS_FILE:-}" ] || touch "$TEST_SHARD_STATUS_FILE"

# trace NAME FLAG...: the trace and all output of the program in words, to NAME.trace.
trace() {
  timeout --signal=KILL 120 "$pollux" run --trace_file="$1.trace" --preemption_rate=5 "${@:2}" "$root/${words[0]}" "${words[@]:1}" \
    </dev/null >"$1.out" 2>"$1.err"
  echo "exit status $?" >>"$1.out"
  cat "$1.out" "$1.err" >>"$1.trace"
}

# same LEFT RIGHT WHAT
same() {
  cmp "$1" "$2" && return
  echo "FAILED: ${words[*]}: $3"
  failures=$((failures + 1))
}

# But for stacks: who reads symbols has no room for a sanitizer's shadow (machine/contained.h).
without_stacks() { grep -v '^pollux:     #' "$1.trace"; }
# Addresses and random numbers differ with the seed, too; the order of tasks is what counts.
order() { grep -o '^\[pid [0-9]*\]' "$1.trace"; }

failures=0 count=0 tasks=0 different=0
for ((i = ${TEST_SHARD_INDEX:-0}; i < ${#runs[@]}; i += ${TEST_TOTAL_SHARDS:-1})); do
  eval "words=(${runs[i]})"
  count=$((count + 1))
  trace first --seed=3
  trace again --seed=3
  same first.trace again.trace "its seed does not repeat it"
  steps=100000
  if [ "$(order first | sort -u | wc -l)" -gt 1 ]; then
    steps=300000
    tasks=$((tasks + 1))
    trace other --seed=4
    cmp -s <(order first) <(order other) || different=$((different + 1))
  fi
  trace begin --seed=3 --max_steps=$steps
  trace reference --seed=3 --max_steps=$steps --engine=reference
  same begin.trace reference.trace "the engines part"
  pollux="$sanitized" trace sanitized --seed=3 --max_steps=$steps
  same <(without_stacks begin) <(without_stacks sanitized) "the build modes part"
done
echo "$count runs, $tasks of several tasks, $different of these with another order under another seed"
[ "$count" -gt 0 ] || { echo "FAILED: there is nothing to run"; failures=$((failures + 1)); }
[ "$different" -gt $((tasks / 4)) ] || { echo "FAILED: seeds hardly change the order of tasks"; failures=$((failures + 1)); }
exit "$((failures > 0))"
