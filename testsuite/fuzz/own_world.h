// A network and a file system of the program's own, so that what the host's kernel answers depends
// on nothing of the host.
//
// Over the loopback interface every TCP segment is acknowledged at once. Elsewhere Linux delays the
// acknowledgement of a FIN until data go the same way or a timer expires (net/ipv4/tcp_output.c,
// tcp_send_delayed_ack()), so that the moment at which the sender sees it is the timer's. The files
// are a tmpfs, which is what pollux's files in memory are like.
#ifndef POLLUX_TESTSUITE_FUZZ_OWN_WORLD_H_
#define POLLUX_TESTSUITE_FUZZ_OWN_WORLD_H_

namespace fuzz {

// From here on the process is in it; the file system is mounted on `directory`, and goes with the
// process.
// False, and errno: it may not make one.
bool EnterOwnWorld(const char* directory);

}  // namespace fuzz

#endif  // POLLUX_TESTSUITE_FUZZ_OWN_WORLD_H_
