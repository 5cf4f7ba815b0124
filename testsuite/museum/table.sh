#!/bin/bash
# Counts under how many seeds of explore each exhibit shows its bug, and prints a Markdown table.
#
#   table.sh POLLUX (ELF NATIVE CLASS)... -- [SEEDS]
#
# ./bazelw run //testsuite/museum:table -- 1000    # as many seeds; 1000 is what it does without
set -u

pollux="$1"
shift
elfs=() natives=() classes=()
while [ "$1" != -- ]; do
  elfs+=("$1") natives+=("$2") classes+=("$3")
  shift 3
done
shift
seeds="${1:-1000}"
native_runs=20

# Only `bazel run` sets it: pollux would look for its files there.
unset BUILD_WORKING_DIRECTORY

# failing ELF LIFE: how many of the seeds from 1 to $seeds fail, and the first of them.
failing() {
  local json
  json="$("$pollux" explore --json --keep_going "--seeds=$seeds" "$1" "$2" </dev/null)"
  [ "$?" -le 1 ] || exit 1
  grep -oE '"(first_seed|schedules)":[0-9]+' <<<"$json" | awk -F: '
      /first_seed/ { if (first == "" || $2 < first) first = $2 }
      /schedules/ { sum += $2; all = $2 }
      # The last one is of all schedules, JSON being in the order of the alphabet.
      END { print sum - all, first == "" ? "none" : first }'
}

# native_failures NATIVE
native_failures() {
  local failures=0
  for ((i = 0; i < native_runs; ++i)); do
    timeout 5 "$1" bug </dev/null >/dev/null 2>&1 || ((++failures))
  done
  echo "$failures"
}

echo "| exhibit | class | seeds that fail, of $seeds | first | native failures, of $native_runs | fixed: seeds that fail, of $seeds |"
echo '| --- | --- | --- | --- | --- | --- |'
for i in "${!elfs[@]}"; do
  read -r found first < <(failing "${elfs[i]}" bug)
  read -r twins _ < <(failing "${elfs[i]}" fixed)
  name="$(basename "${elfs[i]}" .elf)"
  echo "| $name | ${classes[i]} | $found | $first | $(native_failures "${natives[i]}") | $twins |"
done
