#!/bin/bash
# What pollux says of a run beside its end: why, lints, a timeline, and where two runs part.
. "$(dirname "$0")/testlib.sh"
mv probe victim

# ---- run says how to learn why, and says why.
pollux explore --seeds=200 --save_schedule=failing ./victim abba
expect 1
grep -q '^    pollux: why: a cycle: thread 100[01] waits for the lock at 0x' out ||
  fail 'explore says why'
repeat="$(sed -n 's/^  repeat it: pollux //p' out)"
eval "pollux $repeat"
expect 124
expect_err '^pollux: with --explain the same run says why$'
eval "pollux ${repeat/run /run --explain }"
expect 124
expect_err '^pollux: why: a cycle: thread 100[01] waits for the lock at 0x'
grep -q 'with --explain' err && fail 'it has said why'
pollux replay failing
expect 1
expect_err '^pollux: why: a cycle: '
pollux explore --seeds=200 --json ./victim abba
expect 1
grep -qE '"reasons":\["a cycle: thread' out || fail 'the reasons are data, too'

# ---- Steps that are used up.
run --explain --max_steps=2000000 ./victim spin
expect 124
expect_err '^pollux: why: thread 100[0-9] runs'

# ---- Lints.
run --lint=all ./victim mutex
expect 0
[ -s err ] && fail 'there is nothing to say'
run --lint=nonsense ./victim mutex
expect_complaint 125 '--lint=nonsense: there is no lint nonsense; there are all, closed_number'
run --lint= ./victim mutex
expect 125

# ---- A timeline.
run --timeline=timeline.json ./victim mutex
expect 0
grep -q '^{"displayTimeUnit":"ns","traceEvents":\[{' timeline.json || fail 'it is a Chrome trace'
grep -q '"name":"clone"' timeline.json || fail 'calls are in it'
pollux replay --timeline=replayed.json failing
expect 1
grep -q '"waits":true' replayed.json || fail 'who waits is in it'
run --timeline=nowhere/timeline.json ./victim mutex
expect 125
expect_err '^pollux: --timeline=nowhere/timeline.json: No such file or directory$'

# ---- A page: one run, and two beside each other.
check_page() {
  [ -s "$1" ] || fail "$1: there is a page"
  [ "$(stat -c %s "$1")" -lt 5000000 ] || fail "$1: it is small"
  grep -qE 'https?:|src=|href=' "$1" && fail "$1: it asks for nothing else"
  grep -qF '{{' "$1" && fail "$1: all of it is filled in"
  # The data: one line, with no tag in it.
  sed -n 's/^<script type="application\/json" id="data">\(.*\)<\/script>$/\1/p' "$1" >data
  [ "$(wc -l <data)" = 1 ] || fail "$1: its data are a line"
  grep -q '<' data && fail "$1: a tag in its data"
  [ "$(grep -o '"preemptions":' data | wc -l)" = "$2" ] || fail "$1: it has $2 runs"
  if command -v node >/dev/null; then
    node -e 'JSON.parse(require("fs").readFileSync("data", "utf8"))' || fail "$1: its data are JSON"
  fi
}
run --report=run.html ./victim mutex
expect 0
check_page run.html 1
grep -q '"title":"exited"' data || fail 'a page says how it ended'
pollux replay --report=replayed.html failing
expect 1
check_page replayed.html 1
grep -q '"reasons":\["a cycle: thread' data || fail 'a page says why'
pollux explore --seeds=200 --report=both.html --timeline=both.json ./victim abba
expect 1
check_page both.html 2
grep -q '"title":"deadlock (seed [0-9]*, shrunk to [0-9]* preemptions*)"' data ||
  fail 'the failing run is there'
grep -qE '"title":"passes: (the same without preemption|seed) [0-9]+"' data ||
  fail 'so is one that passes'
grep -q '"waits":true' both.json || fail 'who waits is in the timeline of the finding'
pollux explore --seeds=5 --report=none.html ./victim mutex
expect 0
[ -e none.html ] && fail 'no finding, no page'
run --report=nowhere/page.html ./victim mutex
expect 125
expect_err '^pollux: --report=nowhere/page.html: No such file or directory$'

# ---- Where two runs part.
pollux trace --diff failing failing
expect 0
grep -q '^no difference in [0-9]* lines$' out || fail 'a run is like itself'
run --trace --trace_file=a --stdio=captured --schedule_seed=1 ./victim mutex
run --trace --trace_file=b --stdio=captured --schedule_seed=1 --seed=2 ./victim mutex
pollux trace --diff a b
expect 1
grep -q '^the first [0-9]* lines are alike$' out || fail 'it counts what is alike'
grep -q '^--- a, from line [0-9]*$' out || fail 'it shows the one'
grep -q '^+++ b, from line [0-9]*$' out || fail 'it shows the other'
pollux trace --diff a nowhere
expect_complaint 125 'trace: nowhere: No such file or directory'
pollux trace a b
expect_complaint 125 'trace: must be --diff A B'

finish
