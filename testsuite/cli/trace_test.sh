#!/bin/bash
# --trace and --trace_file: strace's format, filtered by name, on stderr or in a file, and nothing else changes.
. "$(dirname "$0")/testlib.sh"

run --trace='epoll_.*|eventfd2|pipe2|write|close|openat|exit_group' ./probe epoll
expect 0
cat >expected <<'LINES'
epoll_create1(EPOLL_CLOEXEC)            = 3
eventfd2(0, EFD_NONBLOCK)               = 4
epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data=0x4}) = 0
epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data=0x4}) = -1 EEXIST (File exists)
write(4, "\1\0\0\0\0\0\0\0", 8)         = 8
epoll_pwait(3, [{events=EPOLLIN, data=0x4}], 4, 100, NULL, 8) = 1
pipe2([5, 6], O_CLOEXEC)                = 0
write(6, "a\tpipe\n", 7)                = 7
close(5)                                = 0
openat(AT_FDCWD, "/missing", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file or directory)
exit_group(0)                           = ?
LINES
grep -v '^+++' err | diff -u expected - || fail 'the trace differs'

# The pattern must match the whole name.
run --trace=epoll_c ./probe epoll
grep -v '^+++' err >lines
[ -s lines ] && fail 'part of a name is no match'
run --trace='epoll_c.*' ./probe epoll
expect 0
[ "$(grep -cv '^+++' err)" -eq 3 ] || fail 'three calls match'
run --trace=no_such_call ./probe exit 6
expect 6

run ./probe epoll
[ -s err ] && fail 'without --trace there is none'
run --trace ./probe epoll
expect 0
grep -q '^brk(' err || fail 'all calls are traced'
[ "$(tail -n 1 err)" = '+++ exited with 0 +++' ] || fail 'the end is traced'
run --trace ./probe raise 15
expect 143
grep -v '^pollux:' err >on_stderr
[ "$(tail -n 1 on_stderr)" = '+++ killed by SIGTERM +++' ] || fail 'death is traced'
grep -qE '^--- SIGTERM \{si_signo=SIGTERM' err || fail 'the signal is traced'

run --trace --trace_file=in_file ./probe raise 15
expect 143
grep -v '^pollux:' err | grep -q . && fail 'the trace goes to the file alone'
cmp on_stderr in_file || fail 'the same trace in a file'
run --trace_file=all_in_file ./probe raise 15
cmp on_stderr all_in_file || fail '--trace_file alone traces all'

# Not what the guest sees or prints.
run ./probe arguments a b
cp out plain
run --trace ./probe arguments a b
cmp out plain || fail 'stdout does not change'
run --trace ./probe unknown_call
expect 0
grep -qE '^syscall_0x1388\(.*\) += -1 ENOSYS' err || fail 'an unknown call is traced'
run ./probe unknown_call
[ "$(grep -c 'pollux: .*5000' err)" -eq 1 ] || fail 'an unknown call is warned of once'
finish
