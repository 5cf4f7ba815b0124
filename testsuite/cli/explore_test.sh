#!/bin/bash
# pollux explore, replay and shrink as their users meet them.
. "$(dirname "$0")/testlib.sh"
mv probe victim

explore() { pollux explore "$@"; }

# ---- What is found, and how it is told.
explore --seeds=50 ./victim mutex
expect 0
grep -q '^50 schedules in .*: nothing found$' out || fail 'it counts schedules'
[ -s err ] && fail 'nothing goes to stderr off a terminal'

explore --seeds=200 ./victim abba
expect 1
grep -q '^Finding 1: deadlock$' out || fail 'it names the finding'
grep -q 'pthread_mutex_lock' out || fail 'it shows the stacks'
command="$(sed -n 's/^  repeat it: pollux //p' out)"
[ -n "$command" ] || fail 'it says how to repeat it'
eval "pollux $command"
expect 124
expect_err '^pollux: deadlock: '

explore --seeds=200 --keep_going --json ./victim several
expect 1
grep -q '"schedules":200,' out || fail 'it runs all'
[ "$(grep -o '"first_seed"' out | wc -l)" -eq 2 ] || fail 'there are two findings'

explore --seeds=100 ./victim alone
expect 0
grep -q '^1 schedule in .*nothing found$' out || fail 'one is enough'
grep -q 'all schedules are this one' out || fail 'it says why'

explore --seeds=100 ./victim hint_forever
expect 0
expect_err '^pollux: warning: the guest asks that choices begin later .prctl 0x706c7578, 0., and ends without'

# ---- Each strategy finds the lost update, and its seed repeats it.
for strategy in random pct pos feedback; do
  explore "--strategy=$strategy" --preemption_rate=5 --seeds=500 ./victim race
  expect 1
  grep -q '^Finding 1: exit status 1: the sum is ' out || fail 'it names the finding'
  said="$(sed -n 's/^    the sum is/the sum is/p' out)"
  command="$(sed -n 's/^  repeat it: pollux //p' out)"
  eval "pollux $command"
  expect 1
  [ "$(cat err)" = "$said" ] || fail "it said: $said"
done

# ---- Ctrl-C: the summary so far.
explore_for_a_moment() {
  command="pollux explore --seeds=1000000000 ./victim mutex, interrupted"
  "$pollux" explore --seeds=1000000000 ./victim mutex </dev/null >out 2>err &
  local pid=$!
  sleep 3
  kill -INT "$pid"
  wait "$pid"
  status=$?
}
set -m # Or the shell lets what runs in the background ignore SIGINT.
explore_for_a_moment
set +m
expect 0
grep -q 'interrupted$' out || fail 'it says that it was interrupted'

explore --time=300ms --seeds=1000000000 ./victim mutex
expect 0
grep -q 'its time was over$' out || fail 'it says why it stopped'

# ---- Schedules that are kept.
explore --seeds=500 --save_schedule=deadlock.schedule ./victim abba
expect 1
pollux replay deadlock.schedule
expect 1
expect_err '^pollux: deadlock: '
cp err first_err
pollux replay --trace --trace_file=trace deadlock.schedule
expect 1
cmp first_err err || fail 'twice the same'
grep -q 'futex(' trace || fail 'it can be traced'
pollux shrink deadlock.schedule
expect 1
grep -qE '^[12] preemptions and ' out || fail 'two preemptions are enough'
pollux replay deadlock.schedule.small
expect 1
expect_err '^pollux: deadlock: '

# ---- Whom a futex wakes: the command that repeats it and the file have the flag.
explore --seeds=200 ./victim trusts_wake_order
expect 0
explore --seeds=200 --wake_order=any --save_schedule=woken.schedule ./victim trusts_wake_order
expect 1
grep -q 'in the shortest schedule that fails so, thread [0-9]* at a futex .* woke or moved thread 100[0-9] though thread 100[0-9] had waited' out ||
  fail 'it says why'
command="$(sed -n 's/^  repeat it: pollux //p' out)"
eval "pollux $command"
expect 1
pollux replay woken.schedule
expect 1
pollux shrink woken.schedule
expect 1
grep -q '^0 preemptions, 1 wake-ups out of order and ' out || fail 'whom it wakes is enough'
pollux replay woken.schedule.small
expect 1
explore --wake_order=lifo ./victim trusts_wake_order
expect_complaint 125 'wake_order'

# ---- A bound on preemptions.
explore --strategy=exhaustive --preemption_bound=0 ./victim abba
expect 0
grep -q '^Complete up to 0 preemptions: ' out || fail 'it says how far it went'
explore --strategy=exhaustive --preemption_bound=1 ./victim abba
expect 1
command="$(sed -n 's/^  repeat it: pollux //p' out)"
eval "pollux $command"
expect 124
explore --strategy=random --preemption_bound=1 ./victim abba
expect_complaint 125 'preemption_bound'
for bound in x -1 1001 99999999999999999999; do
  explore --strategy=exhaustive "--preemption_bound=$bound" ./victim abba
  expect_complaint 125 'preemption_bound'
done

mkdir elsewhere
mv victim elsewhere
pollux replay deadlock.schedule
expect_complaint 127 'victim: No such file.*name the guest'
pollux replay deadlock.schedule elsewhere/victim
expect 1
mv elsewhere/victim victim

# ---- What makes no sense.
pollux replay
expect_complaint 125 'SCHEDULE'
pollux replay missing
expect_complaint 125 'missing: No such file'
echo text >text
pollux replay text
expect_complaint 125 'no schedule file'
pollux shrink text
expect_complaint 125 'no schedule file'
sed 's/"pollux_schedule":[0-9]*/"pollux_schedule":9/' deadlock.schedule >newer
pollux replay newer
expect_complaint 125 'version 9'
sed 's/--max_steps/--max_stops/' deadlock.schedule >flags
pollux replay flags
expect_complaint 125 'flags'
head -c 4096 victim >other
pollux replay deadlock.schedule ./other
expect_complaint 125 'not the program'
sed 's/"flags":\[/&"--dir=\/d=.",/' deadlock.schedule >writes
pollux replay writes
expect_complaint 125 'append :ro'
pollux replay deadlock.schedule ./victim race
expect_complaint 125 'arguments'

explore
expect_complaint 125 'GUEST'
explore ./missing
expect_complaint 127 'missing'
explore ./text
expect_complaint 126 'text'
for seeds in '' x 0 5..4 ..5 5.. -1 1..99999999999999999999; do
  explore "--seeds=$seeds" ./victim mutex
  expect_complaint 125 'seeds'
done
for time in '' 5 x 5d -1s; do
  explore "--time=$time" ./victim mutex
  expect_complaint 125 'time'
done
explore --strategy=exhaustive --seeds=2..5 ./victim mutex
expect_complaint 125 'begin with 1'
explore --strategy=exhaustive --early_deadlines=5 ./victim mutex
expect_complaint 125 'early_deadlines'
for faults in '(' 'futex:1000' 'futex:1.2.3' getpid; do
  explore "--faults=$faults" ./victim mutex
  expect_complaint 125 'faults'
done
explore --strategy=exhaustive --faults=futex ./victim mutex
expect_complaint 125 'faults'
explore --jobs=1000 ./victim mutex
expect_complaint 125 'jobs'
explore --strategy=luck ./victim mutex
expect_complaint 125 'strategy'
explore --strategy=pct --depth=0 ./victim mutex
expect_complaint 125 'depth'
mkdir directory
explore --dir=/d=directory ./victim mutex
expect_complaint 125 'ro'
run --strategy=pct ./victim mutex
expect_complaint 125 'stdio=captured'
run --schedule_seed=x ./victim mutex
expect_complaint 125 'schedule_seed'
run --stdio=none ./victim mutex
expect_complaint 125 'stdio'
finish
