#!/bin/bash
# One seed, one schedule: what every program does is the same in a second run, under a scheduler that preempts often. Its beginning is
# the same with the other engine and with a pollux that was compiled in another mode, which are many times slower. And some other seed
# gives another schedule (trace_hashes.cc).
#
#   determinism_test.sh TRACE_HASHES SANITIZED_TRACE_HASHES RUN_LIST...
set -u

hashes="$1" sanitized_hashes="$2"
shift 2
lists=("$@")
cd "$TEST_SRCDIR/$TEST_WORKSPACE" || exit 1
[ -z "${TEST_SHARD_STATUS_FILE:-}" ] || touch "$TEST_SHARD_STATUS_FILE"
failures=0

fail() {
  echo "FAILED: $1"
  failures=$((failures + 1))
}

# lines NAME PROGRAM runs|beginnings ENGINE SEED: what it prints goes to the file NAME.
lines() {
  "$2" "$3" "$4" "$5" "${TEST_SHARD_INDEX:-0}" "${TEST_TOTAL_SHARDS:-1}" "${lists[@]}" >"$TEST_TMPDIR/$1" || fail "$1: exit status $?"
}

# same LEFT RIGHT WHAT
same() {
  diff "$TEST_TMPDIR/$1" "$TEST_TMPDIR/$2" && return
  fail "the lines above: $3"
}

lines first "$hashes" runs fast 3
lines again "$hashes" runs fast 3
same first again "the seed does not repeat the run"
lines fast "$hashes" beginnings fast 3
lines reference "$hashes" beginnings reference 3
same fast reference "< the fast engine, > the reference engine"
lines sanitized "$sanitized_hashes" beginnings fast 3
same fast sanitized "< optimised, > sanitized"
lines other "$hashes" beginnings fast 4

# Addresses and random numbers differ with the seed, too; the order of tasks is what counts.
order() { sed -nE 's/(.*): .*, order (.*)/\1 \2/p' "$TEST_TMPDIR/$1"; }
count=$(wc -l <"$TEST_TMPDIR/first")
tasks=$(order fast | wc -l)
different=$(diff <(order fast) <(order other) | grep -c '^<')
echo "$count runs, $tasks of several tasks, $different of these with another order under another seed"
[ "$count" -gt 0 ] || fail "there is nothing to run"
[ "$(wc -l <"$TEST_TMPDIR/fast")" -eq "$count" ] || fail "lines are missing"
[ "$different" -gt $((tasks / 4)) ] || fail "seeds hardly change the order of tasks"
exit "$((failures > 0))"
