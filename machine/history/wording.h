// How calls, events and moments are named in explanations.
#ifndef POLLUX_MACHINE_HISTORY_WORDING_H_
#define POLLUX_MACHINE_HISTORY_WORDING_H_

#include <string>

#include "machine/history/history.h"

namespace pollux::machine {

// "recvfrom(4) = 3", "read(5) = EAGAIN", "epoll_pwait(5)" while it waits.
std::string CallWords(const CallRecord& call);
// "EPOLLIN|EPOLLRDHUP": events alone, without an interest's flags.
std::string EventWords(os_emu::EventMask events);
// "thread 1001 by epoll_pwait(5) = 1 at step 4711"; "a timer at step 4711".
std::string MomentWords(const History& history, const Moment& moment);
std::string ThreadWords(Tid tid);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_HISTORY_WORDING_H_
