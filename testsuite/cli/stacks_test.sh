#!/bin/bash
# The stacks in findings: of a program with debugging information, with symbols only, stripped, and of broken ones.
symbols="$(readlink -f "$3")" source="$(readlink -f "$4")"
. "$(dirname "$0")/testlib.sh"
cp "$symbols" symbols
chmod u+w probe symbols
riscv64-linux-gnu-strip -o stripped probe

# expect_stack NAME...: somewhere in stderr these frames follow one another. NAME@WORDS: also the line of the source file that has the
# comment "line of WORDS".
expect_stack() {
  local expression="" frame words line
  for frame; do
    words="${frame#*@}"
    if [ "$words" = "$frame" ]; then
      expression+='pollux:     #[0-9]+ 0x[0-9a-f]+ in '"$frame"'[^\n]*\n'
    else
      line="$(grep -nF "line of $words" "$source" | grep -E "line of $words\$" | cut -d: -f1)"
      [ -n "$line" ] || fail "no line of $words in the source"
      expression+='pollux:     #[0-9]+ 0x[0-9a-f]+ in '"${frame%%@*}"' at testsuite/cli/stacks\.cc:'"$line"'( \(inlined into [^\n]*\))?\n'
    fi
  done
  grep -qPz -- "$expression" err || fail "no such frames: $*"
}

# Whom a mutex keeps waiting, through an inlined function.
run ./probe deadlock
expect 124
expect_err '^pollux: deadlock'
expect_err '^pollux:   thread 1000, pc 0x[0-9a-f]+: futex\('
expect_err '^pollux:   thread 1001, pc 0x[0-9a-f]+: futex\('
expect_stack 'pthread_mutex_lock\+0x' Take@Take 'main@main, deadlock' '__libc_start_call_main\+0x'
expect_stack 'pthread_mutex_lock\+0x' Take@Take '\(anonymous namespace\)::TakeSecondThenFirst@TakeSecondThenFirst' \
  '\(anonymous namespace\)::Worker@Worker' 'start_thread\+0x'
expect_err ' in Take at .*stacks\.cc:[0-9]+ \(inlined into main\)$'
expect_err ' in Take at .*stacks\.cc:[0-9]+ \(inlined into \(anonymous namespace\)::TakeSecondThenFirst\)$'

run --json ./probe deadlock
[ "$(grep -c '^{.*}$' err)" -eq 1 ] || fail 'one JSON object in one line'
expect_err '"state":"futex\(.*"tid":1001'
expect_err '"file":"testsuite/cli/stacks\.cc","function":"Take","inlined_into":"main","line":[0-9]+,'
run --json ./probe exit
grep -q '"threads"' err && fail 'there is nothing to say of threads'

# A fault, and the same in a handler's handler.
run ./probe fault
expect 139
expect_err '^pollux: guest killed by SIGSEGV at pc 0x[0-9a-f]+, a store to 0x8'
expect_stack '\(anonymous namespace\)::Store@Store' '\(anonymous namespace\)::Counter::Add@Add' '\(anonymous namespace\)::Outer@Outer' main
expect_err '^pollux:     #0 '
run ./probe handler
expect 134
expect_err '^pollux: guest killed by SIGABRT$'
expect_stack 'abort\+0x' '\(anonymous namespace\)::OnSegv@OnSegv'
expect_stack '\(anonymous namespace\)::Outer@Outer' '\(anonymous namespace\)::OnUser@OnUser'
expect_stack 'raise\+0x' '\(anonymous namespace\)::Compare@Compare' 'msort_with_tmp'
expect_stack 'qsort_r\+0x' main
[ "$(grep -c '<signal handler called>' err)" -eq 2 ] || fail 'two handlers'
run ./probe null
expect_stack '\?\?' 'main@main, null' '__libc_start_call_main'

# With symbols alone there are names and no lines, and without them places that addr2line takes.
run ./symbols deadlock
expect_stack 'pthread_mutex_lock\+0x' 'main\+0x' '__libc_start_call_main\+0x'
expect_stack 'pthread_mutex_lock\+0x' '\(anonymous namespace\)::TakeSecondThenFirst\+0x' '\(anonymous namespace\)::Worker\+0x' 'start_thread\+0x'
run ./stripped deadlock
expect_stack '/[a-z/]*stripped\+0x' '/[a-z/]*stripped\+0x' '/[a-z/]*stripped\+0x' '/[a-z/]*stripped\+0x'
place="$(grep -m 1 '#2 ' err | grep -oE '\+0x[0-9a-f]+' | cut -c 2-)"
riscv64-linux-gnu-addr2line -f -e probe "$(printf '%#x' $((place - 1)))" | grep -q stacks.cc || fail "addr2line knows $place"

# However it ends, it ends: after 64 frames, or where the stack does not move up.
run ./probe recursion
expect 139
[ "$(grep -c '^pollux:     #[0-9]* .*Recurse' err)" -ge 60 ] || fail 'many frames'
[ "$(grep -c '^pollux:     #' err)" -le 64 ] || fail 'too many frames'
for way in circle wild; do
  for guest in probe symbols stripped; do
    run "./$guest" "$way"
    expect 139
    expect_err '^pollux:     #0 '
    [ "$(grep -c '^pollux:     #' err)" -le 8 ] || fail 'it goes round in circles'
  done
done

finish
