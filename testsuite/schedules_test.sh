#!/bin/bash
# The same seeds are the same schedules: all that thousands of them do (traces, ends, output) has one hash,
# in a second run, with another number of processes, and in a pollux that was compiled in another mode.
#
#   schedules_test.sh POLLUX SANITIZED_POLLUX (ELF ARGUMENT)... -- [SEEDS [SANITIZED_SEEDS]]
#
# ./bazelw run //testsuite:schedules -- 10000    # as many seeds of each program
set -u

pollux="$1" sanitized="$2"
shift 2
elfs=() arguments=()
while [ "$1" != -- ]; do
  elfs+=("$1") arguments+=("$2")
  shift 2
done
shift
seeds="${1:-60}" sanitized_seeds="${2:-3}"
unset BUILD_WORKING_DIRECTORY

# The longest schedule that ends makes 600,000 steps; who makes more hangs, where nothing new comes.
# hash POLLUX SEEDS FLAG... ELF ARGUMENT
hash() {
  "$1" explore --hash_traces "--seeds=$2" --max_steps=1000000 "${@:3}" </dev/null 2>&1 |
    sed -n 's/^trace hash //p'
}

failures=0
# same WHAT FIRST SECOND
same() {
  [ -n "$2" ] && [ "$2" = "$3" ] && return
  echo "FAILED: $1: ${2:-none} and ${3:-none}"
  failures=$((failures + 1))
}

strategies=(random pct pos feedback)
for i in "${!elfs[@]}"; do
  guest=("${elfs[i]}" "${arguments[i]}")
  flags=("--strategy=${strategies[i % 4]}" --preemption_rate=5 --early_deadlines=5 '--faults=epoll_pwait|futex|sc:20')
  name="$(basename "${elfs[i]}") ${arguments[i]} ${flags[0]}"
  first="$(hash "$pollux" "$seeds" --jobs=2 "${flags[@]}" "${guest[@]}")"
  same "$name, a second time with other jobs" "$first" \
    "$(hash "$pollux" "$seeds" --jobs=3 "${flags[@]}" "${guest[@]}")"
  few="$(hash "$pollux" "$sanitized_seeds" "${flags[@]}" "${guest[@]}")"
  same "$name, another build mode" "$few" \
    "$(hash "$sanitized" "$sanitized_seeds" "${flags[@]}" "${guest[@]}")"
  other="$(hash "$pollux" "$sanitized_seeds" --seed=2 "${flags[@]}" "${guest[@]}")"
  [ "$other" != "$few" ] || same "$name, another world" "$few" "not $other"
  echo "$name: $first"
done
echo "${#elfs[@]} programs, $seeds schedules of each twice, $sanitized_seeds in another build mode"
exit "$((failures > 0))"
