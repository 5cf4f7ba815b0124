#!/bin/bash
# counts_test.sh POLLUX EXPECTED NAME,ITERATIONS,GUEST...: how many operations of the bytecode the fast
# engine runs for 1,000 instructions of each workload, against what is checked in. A count, not a time:
# the same on every machine. With --write in place of EXPECTED the table is printed instead.
set -eu
pollux="$1" expected="$2"
shift 2
unset BUILD_WORKING_DIRECTORY  # The guests' paths are not the caller's.

# A fiftieth of the work has the same loops.
measured="$(for workload in "$@"; do
  IFS=, read -r name iterations guest <<<"$workload"
  "$pollux" run --engine=counting --json "$guest" "$(((iterations + 49) / 50))" 2>&1 >/dev/null |
    sed -n 's/.*"instructions":\([0-9]*\).*"operations":\([0-9]*\).*/\1 \2/p' |
    awk -v name="$name" '{ printf "%s %.1f\n", name, 1000 * $2 / $1 }'
done)"
[ "$(wc -l <<<"$measured")" = "$#" ] || {
  echo "not every workload was counted:"
  echo "$measured"
  exit 1
}
if [ "$expected" = --write ]; then
  echo "# Operations of the bytecode for 1,000 instructions (counts_test.sh)."
  echo "$measured"
  exit
fi

# The cross compiler may change a little.
awk -v most=1 '
  FNR == NR { if ($1 != "#") expected[$1] = $2; next }
  {
    off = $1 in expected ? 100 * ($2 / expected[$1] - 1) : 100
    printf "%-12s %6.1f, expected %6.1f%s\n", $1, $2, expected[$1], \
           off > most ? ": MORE" : off < -most ? ": fewer, write the table anew" : ""
    if (off > most || off < -most) differs = 1
  }
  END { exit differs }
' "$expected" - <<<"$measured" || {
  echo "The table is written by: ./bazelw run //benchmarks/engines:write_counts >benchmarks/engines/expected_counts.txt"
  exit 1
}
