#!/bin/bash
# Files that are no guest: 127 where there is none, 126 where it cannot be loaded, one line that says why, and never a crash.
. "$(dirname "$0")/testlib.sh"

run ./missing
expect_complaint 127 'missing.*No such file'
run ./missing/probe
expect_complaint 127 'missing/probe'
run ./probe/below
expect_complaint 127 'probe/below'
run ''
expect_complaint 127 ''

run .
expect_complaint 126 'directory'
run /dev/null
expect_complaint 126 '/dev/null'
mkfifo fifo
run ./fifo
expect_complaint 126 'fifo'
ln -s loop loop
run ./loop
expect_complaint 126 'loop'
: >empty
run ./empty
expect_complaint 126 'empty'
echo 'just text' >text
run ./text
expect_complaint 126 'text'
printf '#!/bin/sh\nexit 0\n' >script
run ./script
expect_complaint 126 'script'
head -c 100000 /dev/urandom >noise
run ./noise
expect_complaint 126 'noise'
run "$pollux"
expect_complaint 126 'x86-64'
if [ "$(id -u)" -ne 0 ]; then
  cp probe unreadable
  chmod 000 unreadable
  run ./unreadable
  expect_complaint 126 'unreadable.*Permission denied'
fi

# patched NAME OFFSET BYTES: the probe with these bytes there (printf's escapes).
patched() {
  cp probe "$1"
  printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

patched class32 4 '\001'
patched big_endian 5 '\002'
patched version 6 '\007'
patched relocatable 16 '\001'
patched core 16 '\004'
patched machine_arm 18 '\267\000'
patched no_program_headers 56 '\000\000'
patched program_headers_far_away 32 '\377\377\377\377\377\377\377\177'
patched program_headers_wrap 32 '\377\377\377\377\377\377\377\377'
patched program_header_size 54 '\001\000'
patched entry_nowhere 24 '\000\000\000\000\000\000\000\100'
patched too_many_program_headers 56 '\377\377'
for name in class32 big_endian version relocatable core machine_arm no_program_headers program_headers_far_away \
  program_headers_wrap program_header_size entry_nowhere too_many_program_headers; do
  run "./$name"
  expect_complaint 126 "$name"
done

# Cut off anywhere. What is loaded lies in front; when all of that is there, the program runs.
size=$(stat -c %s probe)
whole=0
for length in $(seq 0 7 400) 511 512 513 4095 4096 4097 $(seq 10000 30011 "$size") $((size - 1)); do
  head -c "$length" probe >cut
  run ./cut exit 5
  if [ "$status" -eq 5 ]; then
    whole=1
  else
    [ "$whole" -eq 0 ] || fail "$length bytes do not load, though fewer do"
    expect_complaint 126 'cut'
  fi
done
run ./probe exit 5
expect 5
finish
