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

# ---- A lock that no C library knows: who has taken it is seen.
pollux explore --seeds=300 --save_schedule=words ./victim word_locks
expect 1
cycle='pollux: why: a cycle: thread 1000 waits for the lock at (0x[0-9a-f]+), which thread 1001 took last, by step [0-9]+; '
cycle+='thread 1001 waits for the lock at (0x[0-9a-f]+), which thread 1000 took last, by step [0-9]+\.'
grep -qE "$cycle" out || fail 'a cycle of locks of words'
repeat="$(sed -n 's/^  repeat it: pollux //p' out)"
eval "pollux ${repeat/run /run --explain }"
expect 124
expect_err "$cycle"
pollux replay words
expect 1
expect_err "$cycle"
pollux explore --seeds=300 ./victim ordered_word_locks
expect 0
pollux explore --seeds=20 ./victim word_signals
expect 1
grep -q 'waits for a wake-up of the futex at' out || fail 'they wait for wake-ups'
grep -qE 'a cycle|If it is a lock' out && fail 'what was told of is no lock'

# ---- Steps that are used up.
run --explain --max_steps=2000000 ./victim spin
expect 124
expect_err '^pollux: why: thread 100[0-9] runs'

# ---- Lints.
run --lint=all ./victim mutex
expect 0
[ -s err ] && fail 'there is nothing to say'
run --lint=leaked_child:fatal ./victim leaves_child
expect 124
expect_err '^pollux: lint: leaked_child: process 1000 ended by exit_group\(0?\).* and has not waited for its child 1001, which runs on \(made at step [0-9]+\)\. .* \(wait\(2\), Notes\)$'
run --lint=leaked_child ./victim leaves_zombie
expect 0
expect_err '^pollux: lint: leaked_child: process 1000 ended by .* for its child 1001, a zombie \(made'
run --lint=leaked_child ./victim hangs_beside_zombie
expect 124
expect_err '^pollux: lint: leaked_child: process 1000 hangs in ppoll\(.* for its child 1001, a zombie \(made'
for deed in waits_for_child waits_for_zombie ignores_ends has_daemon kills_with_itself; do
  run --lint=all:fatal ./victim $deed
  expect 0
  grep -q 'lint:' err && fail "$deed: there is nothing to say"
done
run --lint=all ./victim hangs_without_zombie
expect 124
grep -q 'lint:' err && fail 'it has waited'
# Seen by some schedules only: a finding of explore, by lint and place.
pollux explore --seeds=100 --jobs=2 --keep_going --lint=leaked_child ./victim looks_for_child
expect 1
for line in '100 schedules in .*: 1 finding' 'Finding 1: lint leaked_child' \
  '  met by [0-9]+ schedules, first by seed [0-9]+' \
  '    lint: leaked_child: process 1000 ended by exit_group\(\) at step .*' \
  '    pollux:     #[0-9] 0x[0-9a-f]+ in .*LooksForChild at explore/victim_guest.cc:[0-9]+'; do
  grep -qxE "$line" out || fail "a line is: $line"
done
repeat="$(sed -n 's/^  repeat it: pollux //p' out)"
case "$repeat" in *' --lint=leaked_child:fatal '*) ;; *) fail "the lint is in the command: $repeat" ;; esac
eval "pollux $repeat"
expect 124
expect_err '^pollux: lint: leaked_child: process 1000 ended by exit_group'
grep -E '^pollux: (lint|    #)' err >said
pollux explore --seeds=100 --jobs=2 ./victim looks_for_child
expect 0
# Kept with its lint: replay says the same words again.
pollux explore --seeds=100 --jobs=2 --lint=leaked_child --save_schedule=lint.schedule ./victim looks_for_child
expect 1
pollux replay lint.schedule
expect 1
cmp said err || fail 'replay says what run says'
sed 's/,"--lint=leaked_child"//' lint.schedule >no_lint
pollux replay no_lint
expect_complaint 125 'did not end as it was saved .lint leaked_child.'
sed 's/--lint=leaked_child/--lint=nonsense/' lint.schedule >nonsense
for subcommand in replay shrink; do
  pollux $subcommand nonsense
  expect_complaint 125 'schedule file: --lint=nonsense: there is no lint nonsense; there are all, closed_number'
done
# And made smaller, as long as it is the same lint in the same place: here one preemption is needed, or it is another.
pollux explore --seeds=400 --jobs=2 --keep_going --lint=all ./victim leaves_child_early_or_late
expect 1
grep -q ': 2 findings$' out || fail 'by place they are two'
seed="$(awk '/first by seed/ { seed = $NF } /LeaveChildEarly/ { print seed; exit }' out)"
pollux explore "--seeds=$seed..$seed" --lint=all --save_schedule=early ./victim leaves_child_early_or_late
expect 1
pollux shrink early
expect 1
grep -qE '^1 preemptions and ' out || fail 'one preemption is needed'
pollux replay early.small
expect 1
expect_err ' in .*LeaveChildEarly at '
pollux explore --seeds=1 --strategy=round_robin --preemption_rate=0 --lint=all --save_schedule=late ./victim leaves_child_early_or_late
pollux shrink late
expect 1
grep -qE '^0 preemptions and ' out || fail 'no preemption is needed'
pollux replay late.small
expect 1
expect_err ' in .*LeaveChildLate at '
# A run that fails, too, is what it was; what was seen is said.
pollux explore --seeds=200 --lint=all --save_schedule=both ./victim hangs_beside_zombie
expect 1
pollux replay both
expect 1
expect_err '^pollux: deadlock: '
expect_err '^pollux: lint: leaked_child: process 1000 hangs in ppoll'
pollux explore --seeds=50 --jobs=2 --lint=all ./victim waits_for_zombie
expect 0
pollux explore --lint=nonsense ./victim mutex
expect_complaint 125 '--lint=nonsense: there is no lint nonsense; there are all, closed_number'
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
  # The data: what zlib has packed, in base64. gzip unpacks it behind a header of its own, and misses
  # the end.
  sed -n 's/^<script type="text\/plain" id="data">\(.*\)<\/script>$/\1/p' "$1" | base64 -d |
    { printf '\037\213\010\0\0\0\0\0\0\0' && tail -c +3; } | gzip -dc >data 2>/dev/null
  [ -s data ] || fail "$1: it has data"
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
pollux explore --seeds=50 --lint=leaked_child --report=lint.html ./victim looks_for_child
expect 1
check_page lint.html 2
grep -q '"title":"lint leaked_child (seed' data || fail 'a lint is a run of a page'
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
