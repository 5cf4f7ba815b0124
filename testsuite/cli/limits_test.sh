#!/bin/bash
# Guests that would not end, or take too much: 124 with an explanation, or a guest that is told no.
. "$(dirname "$0")/testlib.sh"

run ./probe hang
expect 124
[ -s out ] && fail 'nothing on stdout'
expect_err '^pollux: .*deadlock'
expect_err 'epoll_pwait\(3'
run --json ./probe hang
expect 124
expect_err '"outcome":"deadlock"'
expect_err '"whose":"pollux"'

run --max_steps=100000 ./probe spin
expect 124
expect_err '^pollux: .*100000.*max_steps'
run --json --max_steps=100000 ./probe spin
expect_err '"instructions":100000[,}]'
expect_err '"outcome":"step_limit"'
run --max_steps=1 ./probe exit 0
expect 124
run --max_steps=1 --engine=reference ./probe exit 0
expect 124
run --json ./probe exit 7
expect 7
steps=$(grep -oE '"instructions":[0-9]+' err | cut -d: -f2)
run --max_steps=$((steps + 1)) ./probe exit 7
expect 7
run --max_steps=$((steps - 1)) ./probe exit 7
expect 124

# Sleeping is free, however long.
start=$SECONDS
run --json ./probe sleep 1000000
expect 0
expect_err '"virtual_time_ns":1000000[0-9]{9}'
[ $((SECONDS - start)) -lt 20 ] || fail 'virtual time should pass at once'

# Memory: what fits is given, what does not is refused or ends the guest, and pollux itself stays small.
run --max_memory=256M ./probe eat 100
expect 0
expect_out 'all of it'
run --json --max_memory=64M ./probe eat 1000
expect_err '"whose":"guest"'
[ "$status" -eq 1 ] || [ "$status" -eq 137 ] || fail 'the guest is told no, or killed'
(ulimit -v 8000000 && run --json --max_memory=64M ./probe eat 100000 && exit "$failures") || failures=$((failures + 1))
# A program's file may be larger than any memory, at no cost to the guest.
run --max_memory=64M ./probe execute_hole 1000000
expect 0
expect_out 'ENOMEM'
run --max_memory=64M ./probe execute_hole 1
expect_out 'ENOEXEC'
for memory in 1 1K 4096 64K 1M; do
  run --json "--max_memory=$memory" ./probe exit 0
  [ "$status" -eq 0 ] || [ "$status" -eq 125 ] || [ "$status" -eq 126 ] || [ "$status" -eq 137 ] ||
    fail 'too little memory is no crash'
  [ "$status" -eq 0 ] || expect_err '^pollux: .*memory'
done
run --max_memory=16G ./probe exit 9
expect 9
finish
