#!/bin/bash
# counts_test.sh POLLUX EXPECTED NAME,ITERATIONS,GUEST...: how many operations of the bytecode the fast
# engine runs for 1,000 instructions of each workload, and how many of these instructions (NAME.reference)
# it leaves to the reference step, against what is checked in. Counts, not times: the same on every
# machine. With --write in place of EXPECTED the table is printed instead.
set -eu
pollux="$1" expected="$2"
shift 2
unset BUILD_WORKING_DIRECTORY  # The guests' paths are not the caller's.

# A fiftieth of the work has the same loops.
measured="$(for workload in "$@"; do
  IFS=, read -r name iterations guest <<<"$workload"
  "$pollux" run --engine=counting --json "$guest" "$(((iterations + 49) / 50))" 2>&1 >/dev/null |
    sed -n 's/.*"instructions":\([0-9]*\).*"operations":\([0-9]*\).*"reference_steps":\([0-9]*\).*/\1 \2 \3/p' |
    awk -v name="$name" '{
      printf "%s %.1f\n%s.reference %.1f\n", name, 1000 * $2 / $1, name, 1000 * $3 / $1
    }'
done)"
[ "$(wc -l <<<"$measured")" = $((2 * $#)) ] || {
  exec >&2
  echo "not every workload was counted:"
  echo "$measured"
  exit 1
}
if [ "$expected" = --write ]; then
  echo "# Operations of the bytecode, and steps of the reference, for 1,000 instructions (counts_test.sh)."
  echo "$measured"
  exit
fi

# The cross compiler may change a little.
"$(dirname "$0")/compare_table.sh" "$expected" 1 0.3 \
  "./bazelw run //benchmarks/engines:write_counts >benchmarks/engines/expected_counts.txt" <<<"$measured"
