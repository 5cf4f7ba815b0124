#!/bin/bash
# epoll_wait_test.sh EPOLL_WAIT FLAG...: all cells of all levels can be measured, and what was
# measured is written.
set -u
program=$1
shift

fail() {
  echo "FAIL: $*" >&2
  exit 1
}

"$program" "$@" --tiny --rounds=2 --seconds=0.0001 --json="$TEST_TMPDIR/out.json" \
  --svg="$TEST_TMPDIR/out.svg" >"$TEST_TMPDIR/table" || fail "exits with $?"
cat "$TEST_TMPDIR/table"
for cell in level/1/0 level/1000000/1000 edge/1000/10 oneshot/1000/10 ctl/add ctl/mod ctl/del \
  write+wait+read/1000 ping-pong 64-waiters nested/4/wait timerfd/arm timerfd/expire \
  timerfd/expire_all; do
  line=$(grep "^$cell " "$TEST_TMPDIR/table") || fail "no line for $cell"
  # A tiny scene is within every host's limit.
  case $line in *n/a*) fail "not measured: $line" ;; esac
  grep -q "\"$cell\"" "$TEST_TMPDIR/out.json" || fail "$cell is not in the JSON file"
  grep -q ">$cell<" "$TEST_TMPDIR/out.svg" || fail "$cell is not in the picture"
done

"$program" "$@" --only='no such cell' 2>"$TEST_TMPDIR/message"
[[ $? == 125 ]] || fail "a pattern that no cell matches"
"$program" "$@" --only='(' 2>"$TEST_TMPDIR/message"
[[ $? == 125 ]] || fail "a pattern that is none"
[[ $(wc -l <"$TEST_TMPDIR/message") == 1 ]] || fail "more than one line of message"
"$program" "$@" --rounds=0 2>"$TEST_TMPDIR/message"
[[ $? == 125 ]] || fail "no rounds"
exit 0
