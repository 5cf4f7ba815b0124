#!/bin/bash
# mutated_elf_test must notice a pollux that crashes, one that hangs about its status, and one that does not say whose it is.
test="$(readlink -f "$1")" elf="$(readlink -f "$2")" pollux="$(readlink -f "$3")"
cd "$TEST_TMPDIR" || exit 1

canary() {
  printf '#!/bin/bash\n%s\n' "$1" >pollux
  chmod +x pollux
  if "$test" ./pollux "$elf" 200 1 >report; then
    echo "FAILED: not noticed: $1"
    cat report
    exit 1
  fi
  grep -q "$2" report || { echo "FAILED: noticed for another reason: $1"; cat report; exit 1; }
}
canary 'kill -SEGV $$' 'killed by signal 11'
canary 'kill -ABRT $$' 'killed by signal 6'
canary 'exit 139' 'not a word whose it is'
canary "\"$pollux\" \"\$@\"; exit 0" 'another'
canary 'echo "pollux: {\"whose\":\"pollux\",\"exit_status\":134}" >&2; exit 134' 'of its own'
canary 'echo "pollux: {\"whose\":\"pollux\",\"exit_status\":126}" >&2; exit 126' 'of one kind'
