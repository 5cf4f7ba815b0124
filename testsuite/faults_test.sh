#!/bin/bash
# A correct program survives every fault that Linux may really have (but for lost connections, tcp_reset, who is not made for them): the programs that show what runtimes do, the corrected twins of
# the museum and real runtimes go on as without, though their waits end with EINTR, their futexes wake up in vain and their SC fails.
#
#   faults_test.sh POLLUX SEEDS FAULTS (RUN_LIST | PROGRAM)...
set -u

pollux="$1" seeds="$2" faults="$3"
shift 3

failures=0 programs=0
# survives PROGRAM [ARG...]
survives() {
  programs=$((programs + 1))
  "$pollux" explore --jobs=1 "--seeds=$seeds" --max_steps=2000000000 "--faults=$faults" "$@" </dev/null >"$TEST_TMPDIR/out" 2>&1 && return
  echo "FAILED: $*"
  head -c 5000 "$TEST_TMPDIR/out"
  failures=$((failures + 1))
}

for what in "$@"; do
  if [[ $what != */runs ]]; then
    survives "$what"
    continue
  fi
  while read -r line; do
    eval "words=($line)"
    # Of the museum, the twins.
    [[ $line == *\ bug ]] || survives "${words[@]}"
  done <"$what"
done
echo "$programs programs, $seeds schedules of each with --faults=$faults"
[ "$programs" -gt 0 ] || failures=1
exit "$((failures > 0))"
