#!/bin/bash
# RLIMIT_FSIZE where a guest's stdout is a file of the host's: as for the same program on the host's kernel.
. "$(dirname "$0")/testlib.sh"
native="$TEST_SRCDIR/$TEST_WORKSPACE/$3"
guest=./probe

# compare WHAT PREPARE REDIRECTION ARG...: the program natively and as a guest, with stdout as the redirection says.
compare() {
  local what="$1" prepare="$2" redirection="$3" world status
  shift 3
  for world in native guest; do
    printf '%s' "$prepare" >"file.$world"
    case "$world" in
      native) command=("$native" "$@") ;;
      guest) command=("$pollux" run "$guest" "$@") ;;
    esac
    case "$redirection" in
      over) (ulimit -c 0; timeout 60 "${command[@]}" >"file.$world" 2>"said.$world") ;;
      append) (ulimit -c 0; timeout 60 "${command[@]}" >>"file.$world" 2>"said.$world") ;;
      pipe) (ulimit -c 0; timeout 60 "${command[@]}" 2>"said.$world" | cat >"file.$world") ;;
    esac
    status=$?
    echo "status $status" >>"said.$world"
  done
  # What pollux says of a guest that was killed is its own.
  sed -i '/^pollux: /,/^status /{/^status /!d}' said.guest
  diff -u said.native said.guest && cmp file.native file.guest && return
  echo "FAILED: $what"
  failures=$((failures + 1))
}

compare 'a file' '' over
compare 'appending to a file' 'some' append
compare 'a pipe' '' pipe
compare 'killed' '' over killed
finish
