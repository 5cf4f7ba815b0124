#!/bin/bash
# What a guest sees of the command line: arguments, environment, directory, user, streams; and how its end is told.
. "$(dirname "$0")/testlib.sh"

SECRET=host run ./probe environment
expect 0
expect_out ''
run --env=B=2 --env=A=1 --env=EMPTY= '--env=WORDS=a b=c' ./probe environment
expect_out 'B=2
A=1
EMPTY=
WORDS=a b=c'

run ./probe directory
expect_out '/'
run --cwd=/tmp ./probe directory
expect_out '/tmp'
run --cwd=/usr/../tmp/. ./probe directory
expect_out '/tmp'
run ./probe ids
expect_out '1000 1000 1000 1000'
run --uid=0 ./probe ids
expect_out '0 0 0 0'
run --uid=4294967294 ./probe ids
expect 0

printf 'one\ntwo' >lines
input=lines
run ./probe input
expect_out '<one
<two'
printf 'piped\n' | timeout 60 "$pollux" run ./probe input >out 2>err
expect_out '<piped'
input=/dev/null
run ./probe input
expect_out ''
timeout 60 "$pollux" run ./probe input <&- >out 2>err
status=$? command='pollux run ./probe input <&-'
expect 0
run ./probe errors
expect_out ''
[ "$(cat err)" = 'from the guest' ] || fail 'stderr is the guest'"'"'s'
"$pollux" run ./probe arguments >/dev/full 2>err
status=$? command='pollux run ./probe arguments >/dev/full'
[ "$status" -lt 128 ] || fail 'a full stdout is no crash'
"$pollux" run ./probe arguments 2>err | true
status=${PIPESTATUS[0]} command='pollux run ./probe arguments | true'
[ "$status" -ne 134 ] && [ "$status" -ne 139 ] || fail 'a closed stdout is no crash'

for number in 0 1 42 124 125 126 127 255; do
  run --json ./probe exit "$number"
  expect "$number"
  expect_err "\"exit_status\":$number[,}]"
  expect_err '"whose":"guest"'
  expect_err '"outcome":"exited"'
done
for number in 1 9 15 11 64; do
  run --json ./probe raise "$number"
  expect $((128 + number))
  expect_err '"outcome":"killed"'
  expect_err "\"signal\":$number[,}]"
  expect_err '"whose":"guest"'
done
run --json ./missing
expect 127
expect_err '"whose":"pollux"'
run --json ./testlib.sh
expect 127
echo text >text
run --json ./text
expect 126
expect_err '"whose":"pollux"'
finish
