#!/bin/bash
# A system call counts as supported when a program of the test suite makes it: the same program runs natively in its own test, so
# its answers have been compared with the kernel's.
#
#   reached_test.sh POLLUX SYSCALLS_PAGE WALK RUN_LIST...
set -u

pollux="$1" page="$2" walk="$3"
shift 3
names="$TEST_TMPDIR/names"
: >"$names.all"

# run STEPS PROGRAM [ARG...]: which calls does it make? How it ends is its own test's business.
run() {
  timeout --signal=KILL 120 "$pollux" run --max_steps="$1" --trace_file="$names.trace" "${@:2}" </dev/null >/dev/null 2>&1
  sed -nE '/= -1 ENOSYS/d; s/^(\[pid [0-9]+\] )?([a-z_0-9]+)\(.*/\2/p' "$names.trace" | sort -u >>"$names.all"
}

sed -nE 's/^\| [0-9]+ \| `([a-z_0-9]+)\(.*\| (complete|partial).*/\1/p' "$page" | sort -u >"$names.supported"
# Most calls come early. Long computing is not asked for in any case.
for steps in 70000000 200000000; do
  # Each line of a list is a program and its arguments, quoted for a shell.
  programs=0
  while read -r line; do
    eval "words=($line)"
    run "$steps" "${words[@]}"
    programs=$((programs + 1))
  done < <(cat "$@")
  run 200000000 "$walk" --episodes=20
  sort -u "$names.all" >"$names.reached"
  missing=$(comm -13 "$names.reached" "$names.supported")
  [ -z "$missing" ] && break
done

count=$(wc -l <"$names.supported")
[ "$count" -gt 100 ] || { echo "FAILED: only $count rows in $page"; exit 1; }
[ -z "$missing" ] && { echo "$count supported system calls, all reached by $programs programs"; exit 0; }
echo "FAILED: supported by the table, reached by no program:"
echo "$missing"
exit 1
