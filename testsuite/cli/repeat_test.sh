#!/bin/bash
# One seed, one run: byte for byte, whatever the host's directory, environment, time, limits or engine. Another seed is another world.
. "$(dirname "$0")/testlib.sh"

trace() {
  run --trace --trace_file="trace_$1" "${@:2}" ./probe chance
  expect 0
  cp out "out_$1"
}
same() {
  cmp "trace_$1" "trace_$2" || fail "the traces $1 and $2 differ"
  cmp "out_$1" "out_$2" || fail "the outputs $1 and $2 differ"
}

trace first
trace again
same first again
sleep 0.05
trace seed1 --seed=1
same first seed1
trace reference --engine=reference
same first reference
HOME=/elsewhere NAME=value LD_LIBRARY_PATH=/x trace environment
same first environment
(ulimit -n 64 && ulimit -s 512 && trace limits && exit "$failures") || failures=$((failures + 1))
same first limits
mkdir deep && mkdir deep/er
(cd deep/er && ln -s ../../probe probe && trace place && exit "$failures") || failures=$((failures + 1))
mv deep/er/trace_place deep/er/out_place .
same first place
(umask 077 && trace mask && exit "$failures") || failures=$((failures + 1))
same first mask
trace five --seed=5
trace five_again --seed=5
same five five_again

# Seeds differ in all that is chance, and in nothing else.
for line in AT_RANDOM getrandom urandom addresses; do
  [ "$(grep "^$line " out_first)" != "$(grep "^$line " out_five)" ] || fail "$line is the same with another seed"
done
grep '^pid' out_first >pid_first
grep '^pid' out_five | cmp - pid_first || fail 'process numbers do not depend on the seed'
for seed in 0 2 3 9999999999999999999; do
  run "--seed=$seed" ./probe chance
  expect 0
  grep '^AT_RANDOM' out >>random
done
[ "$(sort -u random | wc -l)" -eq 4 ] || fail 'four seeds, four worlds'
finish
