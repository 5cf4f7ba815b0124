#!/bin/bash
# One seed, one schedule: the whole trace of every program is the same in a second run, under a scheduler that preempts often. Its
# beginning is the same with the other engine and with a pollux that was compiled in another mode, which are many times slower
# (trace_hashes.cc). And some other seed gives another schedule.
#
#   determinism_test.sh POLLUX TRACE_HASHES SANITIZED_TRACE_HASHES RUN_LIST...
set -u

root="$TEST_SRCDIR/$TEST_WORKSPACE"
pollux="$root/$1" hashes="$root/$2" sanitized_hashes="$root/$3"
shift 3
lists=("$@")
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

# Addresses and random numbers differ with the seed, too; the order of tasks is what counts.
order() { grep -o '^\[pid [0-9]*\]' "$1.trace"; }

failures=0 count=0 tasks=0 different=0
for ((i = ${TEST_SHARD_INDEX:-0}; i < ${#runs[@]}; i += ${TEST_TOTAL_SHARDS:-1})); do
  eval "words=(${runs[i]})"
  count=$((count + 1))
  trace first --seed=3
  trace again --seed=3
  same first.trace again.trace "its seed does not repeat it"
  if [ "$(order first | sort -u | wc -l)" -gt 1 ]; then
    tasks=$((tasks + 1))
    trace other --seed=4
    cmp -s <(order first) <(order other) || different=$((different + 1))
  fi
done

# beginnings PROGRAM ENGINE
beginnings() { (cd "$root" && "$1" "$2" "${TEST_SHARD_INDEX:-0}" "${TEST_TOTAL_SHARDS:-1}" "${lists[@]}"); }
beginnings "$hashes" fast >fast.hashes || { echo "FAILED: no hashes"; failures=$((failures + 1)); }
beginnings "$hashes" reference >reference.hashes
beginnings "$sanitized_hashes" fast >sanitized.hashes
for other in reference sanitized; do
  diff fast.hashes "$other.hashes" && continue
  echo "FAILED: the beginnings above differ: < the fast engine, > $other"
  failures=$((failures + 1))
done
[ "$(wc -l <fast.hashes)" -eq "$count" ] || { echo "FAILED: hashes are missing"; failures=$((failures + 1)); }
echo "$count runs, $tasks of several tasks, $different of these with another order under another seed"
[ "$count" -gt 0 ] || { echo "FAILED: there is nothing to run"; failures=$((failures + 1)); }
[ "$different" -gt $((tasks / 4)) ] || { echo "FAILED: seeds hardly change the order of tasks"; failures=$((failures + 1)); }
exit "$((failures > 0))"
