#!/bin/bash
# --clock=host: time is the host's, sleeping takes it, waiting costs nothing, and signals come from outside.
. "$(dirname "$0")/testlib.sh"

millis() { echo $(($(date +%s%N) / 1000000)); }

# timed WHAT: what the guest measured and what the host did are both at least 300 ms. A loaded machine may take long.
timed() {
  local begin
  begin="$(millis)"
  run --clock=host "${@:2}" ./probe "$1"
  local host=$(($(millis) - begin))
  expect 0
  local guest
  guest="$(cat out)"
  [ "$guest" -ge 300 ] && [ "$guest" -lt 20000 ] || fail "300 ms took the guest $guest ms"
  [ "$host" -ge 300 ] || fail "300 ms took the host $host ms"
}
timed sleep
timed timer
timed timer --engine=reference
timed register
timed register --engine=reference

begin="$(millis)"
run --clock=host ./probe now
read -r realtime monotonic <out
[ "$realtime" -ge "$begin" ] && [ "$realtime" -le "$(millis)" ] || fail "the date is $realtime ms, not $begin"
[ "$monotonic" -ge 1000 ] && [ "$monotonic" -lt 60000 ] || fail "the machine booted $monotonic ms ago"

# Virtual time is as ever: it does not begin now.
run ./probe now
read -r realtime monotonic <out
[ "$realtime" -ge 1735689600000 ] && [ "$realtime" -lt 1735689660000 ] || fail "virtual time is $realtime"
run --clock=virtual ./probe sleep
expect 0

# Nothing can wake it: a deadlock with either clock.
run ./probe pause
expect 124
run --clock=host ./probe pause
expect 124
expect_err 'deadlock'

# begin FLAG... WHAT: starts the guest, with default actions for signals, which a shell's background jobs lack.
begin() {
  rm -f out err
  command="pollux run $*"
  env --default-signal=INT,TERM timeout --foreground --signal=KILL 60 \
    bash -c 'echo $$ >pid; exec "$@"' - "$pollux" run "$@" <"$input" >out 2>err &
  job=$!
}
until_ready() {
  for _ in $(seq 600); do
    grep -qs ready out && return
    sleep 0.1
  done
  fail 'it does not get ready'
}
end() {
  wait "$job"
  status=$?
}
for signal in INT:2 TERM:15; do
  begin --clock=host ./probe catch
  until_ready
  kill "-${signal%:*}" "$(cat pid)"
  end
  expect 0
  expect_out "ready
caught ${signal#*:}"
  # The default action, also of a guest that makes no call; as a signal of the guest's.
  begin --clock=host --json ./probe spin
  until_ready
  kill "-${signal%:*}" "$(cat pid)"
  end
  expect $((128 + ${signal#*:}))
  expect_err '"whose":"guest"'
  # With virtual time nothing comes from outside: it ends pollux.
  begin --json ./probe spin
  until_ready
  kill "-${signal%:*}" "$(cat pid)"
  end
  expect $((128 + ${signal#*:}))
  [ -s err ] && fail 'pollux itself ended'
done
# Where the first process has ended, those that are left get it.
begin --clock=host ./probe leave
until_ready
kill -TERM "$(cat pid)"
end
expect 0
expect_out 'ready
caught 15'
# What pollux was started to ignore, the guest ignores, too.
command='env --ignore-signal=TERM pollux run --clock=host ./probe spin'
env --ignore-signal=TERM bash -c 'echo $$ >pid; exec "$@"' - "$pollux" run --clock=host --max_steps=1000000000 \
  ./probe spin <"$input" >out 2>err &
job=$!
until_ready
kill -TERM "$(cat pid)"
end
expect 124

# Waiting for input takes no processor time, with either clock; and a stop and continue is no reason to give up.
# cpu PID: its ticks so far.
cpu() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
mkfifo pipe
for clock in host virtual; do
  command="pollux run --clock=$clock ./probe input"
  "$pollux" run --clock=$clock ./probe input <pipe >out 2>err &
  job=$!
  exec 3>pipe
  sleep 1
  before="$(cpu "$job")"
  sleep 2
  after="$(cpu "$job")"
  [ $((after - before)) -le 5 ] || fail "2 seconds of waiting took $((after - before)) ticks"
  kill -STOP "$job"
  sleep 0.2
  kill -CONT "$job"
  sleep 0.2
  printf 'at last\n' >&3
  exec 3>&-
  end
  expect 0
  expect_out '<at last'
done
finish
