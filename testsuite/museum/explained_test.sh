#!/bin/bash
# What pollux says of an exhibit's bug names the decisive facts, and of its twin it says nothing.
#
#   explained_test.sh POLLUX ELF WITHIN PATTERN [FRAME]
#
# Explores the schedules of ELF with its bug, WITHIN at most. Of the first that fails, one of the reasons
# ("why: ...") has to match PATTERN (grep -E), and a frame below it FRAME. The twin, run by the same
# seeds from 1 to 16 with all lints, has to end well, with no word of pollux's.
set -u

pollux="$1" elf="$2" within="$3" pattern="$4" frame="${5:-}"
scratch="$TEST_TMPDIR"

fail() {
  echo "FAILED: $1"
  exit 1
}

"$pollux" explore --jobs=1 "--seeds=$within" "$elf" bug </dev/null >"$scratch/found" 2>&1
[ "$?" -eq 1 ] || fail "no seed from 1 to $within finds the bug"
cat "$scratch/found"
# A reason with its stacks: up to the next reason or thread.
awk '/why: / { shown = 0 }
     /why: / && $0 ~ pattern { shown = 1 }
     shown' pattern="$pattern" "$scratch/found" >"$scratch/reason"
[ -s "$scratch/reason" ] || fail "no reason matches $pattern"
[ -z "$frame" ] || grep -qE "^ +pollux:     #[0-9]+ .*$frame" "$scratch/reason" ||
  fail "no frame below it matches $frame"

# Where threads wait is told once, with the threads.
grep -qE '^ +pollux:   thread [0-9]+ in [a-z0-9_]+\([^)]*\), begun at' "$scratch/found" &&
  fail 'a stack is shown twice'

for ((seed = 1; seed <= 16; ++seed)); do
  "$pollux" run --lint=all --explain "--schedule_seed=$seed" "$elf" fixed </dev/null \
    >"$scratch/out" 2>"$scratch/err"
  status=$?
  [ "$status" -eq 0 ] || fail "the twin exits with $status by seed $seed"
  if grep -q '^pollux: ' "$scratch/err"; then
    cat "$scratch/err"
    fail "of the twin something is said by seed $seed"
  fi
done
