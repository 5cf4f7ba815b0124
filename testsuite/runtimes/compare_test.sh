#!/bin/bash
# A program of another tool chain, built for both machines: under each seed pollux must print and exit as the host's kernel does.
#
#   compare_test.sh POLLUX NATIVE GUEST SEEDS [FLAG...]
set -u

pollux="$1" native="$2" guest="$3" seeds="$4"
shift 4
"$native" </dev/null >"$TEST_TMPDIR/native.out"
native_status=$?
[ -s "$TEST_TMPDIR/native.out" ] || { echo "FAILED: $native printed nothing"; exit 1; }

for ((seed = 1; seed <= seeds; ++seed)); do
  timeout --signal=KILL 120 "$pollux" run "--seed=$seed" "$@" "$guest" </dev/null >"$TEST_TMPDIR/guest.out"
  status=$?
  [ "$status" -eq "$native_status" ] || { echo "FAILED: seed $seed: exit status $status, natively $native_status"; exit 1; }
  diff "$TEST_TMPDIR/native.out" "$TEST_TMPDIR/guest.out" || { echo "FAILED: seed $seed: the output differs"; exit 1; }
done
echo "$seeds seeds agree"
