#!/bin/bash
# Pollux finds the bug of an exhibit, and can show it again; the kernel mostly does not show it.
#
#   museum_test.sh POLLUX ELF NATIVE WITHIN
#
# Runs ELF with its bug under the seeds from 1 on until a run fails, WITHIN at most; then twice more
# under that seed, which must give the same bytes and the same status. NATIVE is run 20 times on the
# host's kernel, where a bug may be a hang: each gets 5 seconds.
set -u

pollux="$1" elf="$2" native="$3" within="$4"
scratch="$TEST_TMPDIR"
native_runs=20

fail() {
  echo "FAILED: $1"
  exit 1
}

# guest SEED NAME: runs the guest; its output to NAME.out and NAME.err, its status to NAME.status. What
# neither ends nor stands still ends after so many steps, which do not depend on how busy the host is.
guest() {
  "$pollux" run "--seed=$1" --max_steps=1000000000 "$elf" bug \
    </dev/null >"$scratch/$2.out" 2>"$scratch/$2.err"
  local status=$?
  echo "$status" >"$scratch/$2.status"
  return "$status"
}

seed=1
while guest "$seed" found; do
  ((seed < within)) || fail "no seed from 1 to $within finds the bug"
  ((++seed))
done
status="$(<"$scratch/found.status")"
echo "seed $seed finds it: exit status $status"
cat "$scratch/found.err"
[[ $status -eq 1 || $status -eq 124 ]] || fail "it ends neither by itself nor in a deadlock"
# A program that fails says why; pollux says what is a deadlock.
case "$status" in
  1) grep -q '^the bug: ' "$scratch/found.err" || fail 'something else is wrong' ;;
  124) grep -q '^pollux: deadlock: ' "$scratch/found.err" || fail 'it is no deadlock' ;;
esac

for again in again once_more; do
  guest "$seed" "$again"
  for part in status out err; do
    cmp "$scratch/found.$part" "$scratch/$again.$part" || fail "seed $seed is not repeated: $part"
  done
done

passed=0
for ((i = 0; i < native_runs; ++i)); do
  timeout 5 "$native" bug </dev/null >"$scratch/native.out" 2>&1 && ((++passed))
done
echo "natively $passed of $native_runs runs pass"
((2 * passed > native_runs)) || fail 'natively the bug is no rare one'
