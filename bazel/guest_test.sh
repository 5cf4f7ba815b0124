#!/bin/bash
# One test of guest_test: runs a program on the host's kernel, under pollux, or both, and compares.
#   native alone   exit status and output are the expected ones
#   guest too      stdout and exit status are those of the native run, and the expected ones, in one
#                  run and, with several seeds, by so many schedules
# Paths are relative to the workspace's directory in the runfiles.
set -u

# SETTINGS

cd "$TEST_SRCDIR/$workspace" || exit 1
# Only `bazel run` of a test sets them: pollux would look for its files there.
unset BUILD_WORKING_DIRECTORY BUILD_WORKSPACE_DIRECTORY
root="$PWD"
scratch="$TEST_TMPDIR"
failures=0
# The guest's name in both worlds, so that argv[0] says the same.
program="${guest:-${native%.native}.elf}"
# A package at the top of a workspace has no folder, and env looks elsewhere for a name without one.
[[ $program == */* ]] || program="./$program"
input=/dev/null
[ -n "$stdin" ] && input="$root/$stdin"

fail() {
  echo "FAILED: $1"
  failures=$((failures + 1))
}

# compare OTHER MINE TITLE: stdout of two runs, or of a run and the expected file.
compare() {
  cmp -s "$1" "$2" && return
  fail "$3"
  diff --text -u --label expected --label actual "$1" "$2" | head -n 200
}

# check_run WORLD STATUS: what holds for the run of a world by itself.
check_run() {
  [ "$2" -eq "$expected_exit" ] || fail "$1: exit status $2, expected $expected_exit"
  [ -z "$expected_stdout" ] || compare "$root/$expected_stdout" "$scratch/$1.out" \
    "$1: stdout is not $expected_stdout"
}

show_stderr() {
  [ -s "$scratch/$1.err" ] || return
  echo "--- stderr, $1"
  head -c 20000 "$scratch/$1.err"
}

run_native() {
  mkdir -p "$scratch/work/$(dirname "$program")"
  ln -sf "$root/$native" "$scratch/work/$program"
  (cd "$scratch/work" && exec env -i "${environment[@]}" "$program" "$@") \
    <"$input" >"$scratch/native.out" 2>"$scratch/native.err"
}

run_guest() {
  (exec "$pollux" run "${flags[@]}" ${lint:+"--lint=$lint:fatal"} "$program" "$@") \
    <"$input" >"$scratch/emulated.out" 2>"$scratch/emulated.err"
}

# The shell's own note that a signal ended the program (stderr here) is no news.
if [ -n "$native" ]; then
  run_native "$@" 2>/dev/null
  native_status=$?
  check_run native "$native_status"
  [ "$failures" -eq 0 ] || show_stderr native
fi

# check_guest FLAG...: one run under pollux.
check_guest() {
  run_guest "$@" 2>/dev/null
  status=$?
  check_run emulated "$status"
  if [ -n "$native" ]; then
    [ "$status" -eq "$native_status" ] ||
      fail "exit status: host's kernel $native_status, pollux $status"
    compare "$scratch/native.out" "$scratch/emulated.out" \
      "stdout: expected is the host's kernel, actual is pollux"
  fi
  [ "$failures" -eq 0 ] && return
  show_stderr emulated
  echo "--- command: pollux run ${flags[*]} $program $*"
}

# check_schedules FIRST LAST ARG...: the schedules of these seeds.
check_schedules() {
  local first="$1" last="$2"
  shift 2
  local expectation=("--expected_exit=$expected_exit")
  if [ -n "$native" ]; then
    expectation+=("--expected_stdout=$scratch/native.out")
  elif [ -n "$expected_stdout" ]; then
    expectation+=("--expected_stdout=$root/$expected_stdout")
  fi
  # For who looks into the test's outputs: `pollux replay` repeats it, and a browser shows it.
  local kept="${TEST_UNDECLARED_OUTPUTS_DIR:-$scratch}/finding"
  "$pollux" explore --jobs=1 "--seeds=$first..$last" --max_steps=2000000000 "${expectation[@]}" \
    "--save_schedule=$kept.schedule" "--report=$kept.html" "--timeline=$kept.json" \
    "${flags[@]}" "$program" "$@" </dev/null >"$scratch/explored" 2>&1 && return
  fail "the schedules from seed $first to $last"
  head -c 20000 "$scratch/explored"
}

[ -z "${TEST_SHARD_STATUS_FILE:-}" ] || touch "$TEST_SHARD_STATUS_FILE"
if [ -n "$guest" ]; then
  shard="${TEST_SHARD_INDEX:-0}" shards="${TEST_TOTAL_SHARDS:-1}"
  flags=("${pollux_args[@]}")
  for variable in "${environment[@]}"; do flags+=("--env=$variable"); done
  # Each shard runs in a world of its own, and then its part of the schedules.
  [ "$seeds" -eq 1 ] || flags+=("--seed=$((shard + 1))")
  check_guest "$@"
  first="$((seeds * shard / shards + 1))" last="$((seeds * (shard + 1) / shards))"
  if [ "$seeds" -gt 1 ] && [ "$first" -le "$last" ] && [ "$failures" -eq 0 ]; then
    check_schedules "$first" "$last" "$@"
  fi
fi

[ "$failures" -eq 0 ]
