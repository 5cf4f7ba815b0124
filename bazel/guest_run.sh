#!/bin/bash
# Runs a guest program under pollux; what guest_binary makes runnable.
# Paths are relative to the workspace's directory in the runfiles, and pollux runs there.
set -u

# SETTINGS

runfiles="$0.runfiles"
[ -d "$runfiles" ] || runfiles="$(readlink -f "$0").runfiles"
[ -d "$runfiles" ] || runfiles="${RUNFILES_DIR:-${TEST_SRCDIR:-}}"
cd "$runfiles/$workspace" || exit 125

# With these, pollux would take paths as relative to where `bazel run` was typed.
unset BUILD_WORKING_DIRECTORY BUILD_WORKSPACE_DIRECTORY
exec "$pollux" run "${pollux_args[@]}" "$guest" "$@"
