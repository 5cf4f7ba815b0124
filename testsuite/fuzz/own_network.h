// A network of the program's own, with a loopback interface over which every TCP segment is
// acknowledged at once. Elsewhere Linux delays the acknowledgement of a FIN until data go the same
// way or a timer expires (net/ipv4/tcp_output.c, tcp_send_delayed_ack()), so that the moment at
// which the sender sees it is the timer's.
#ifndef POLLUX_TESTSUITE_FUZZ_OWN_NETWORK_H_
#define POLLUX_TESTSUITE_FUZZ_OWN_NETWORK_H_

namespace fuzz {

// From here on the process is in it. False, and errno: it may not make one.
bool EnterOwnNetwork();

}  // namespace fuzz

#endif  // POLLUX_TESTSUITE_FUZZ_OWN_NETWORK_H_
