#!/bin/bash
# How many schedules each strategy takes to find the bugs of the exhibits: a Markdown table of medians.
#
#   strategies.sh POLLUX (ELF NATIVE CLASS)... -- [TRIALS [SCHEDULES]]
#
# ./bazelw run //testsuite/museum:strategies > docs/strategies.md    # 20 trials of at most 10000 schedules
#
# Trial t has the seeds from t * 1000000 on. Strategies without chance have one trial.
set -u

pollux="$1"
shift
elfs=()
while [ "$1" != -- ]; do
  elfs+=("$1")
  shift 3
done
shift
trials="${1:-20}" schedules="${2:-10000}"

# Only `bazel run` sets it: pollux would look for its files there.
unset BUILD_WORKING_DIRECTORY

# schedules_of ELF SEED FLAG...: how many it takes from SEED on; one more than all where it is not found.
schedules_of() {
  local elf="$1" seed="$2"
  shift 2
  local json found
  json="$("$pollux" explore --json "--seeds=$seed..$((seed + schedules - 1))" "$@" "$elf" bug </dev/null)"
  [ "$?" -le 1 ] || exit 1
  found="$(grep -o '"first_seed":[0-9]*' <<<"$json")"
  if [ -n "$found" ]; then
    echo "$((${found#*:} - seed + 1))"
  else
    echo "$((schedules + 1))"
  fi
}

# median_of ELF FLAG...
median_of() {
  local elf="$1"
  shift
  for ((trial = 1; trial <= trials; ++trial)); do
    schedules_of "$elf" "$((trial * 1000000))" "$@"
  done | sort -n | awk -v most="$schedules" '
    { n[NR] = $1 }
    END {
      lower = n[int((NR + 1) / 2)]; upper = n[int(NR / 2) + 1]; worst = n[NR]
      median = (lower + upper) / 2
      print (median > most ? "more" : median) " (" (worst > most ? "more" : worst) ")"
    }'
}

once_of() {
  local count
  count="$(schedules_of "$1" 1 "${@:2}")"
  ((count > schedules)) && count=more
  echo "$count"
}

cat <<E2
# What each strategy finds

<!-- Generated, do not edit: ./bazelw run //testsuite/museum:strategies > docs/strategies.md -->

Schedules until the bug of an exhibit of [the museum](../testsuite/museum) is found: the median of $trials trials, and in
brackets the worst; \`more\` than $schedules where it was not found. \`round_robin\` and \`exhaustive\` leave nothing to chance: one
trial. All numbers are those of one version of pollux and of the compiler; the same command gives the same table there.

| exhibit | random | random, rate 10 | pct, depth 2 | pct, depth 3 | pos | feedback | round_robin | exhaustive | exhaustive, bound 2 |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
E2
for elf in "${elfs[@]}"; do
  echo "| $(basename "$elf" .elf) | $(median_of "$elf") | $(median_of "$elf" --preemption_rate=10) |" \
    "$(median_of "$elf" --strategy=pct --depth=2) | $(median_of "$elf" --strategy=pct --depth=3) |" \
    "$(median_of "$elf" --strategy=pos) | $(median_of "$elf" --strategy=feedback) |" \
    "$(once_of "$elf" --strategy=round_robin) | $(once_of "$elf" --strategy=exhaustive) |" \
    "$(once_of "$elf" --strategy=exhaustive --preemption_bound=2) |"
done
