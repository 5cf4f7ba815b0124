// What kind of call a record is of.
#ifndef POLLUX_MACHINE_HISTORY_CALLS_H_
#define POLLUX_MACHINE_HISTORY_CALLS_H_

#include <string_view>

#include "machine/history/history.h"

namespace pollux::machine {

// Of its row; empty: there is none.
std::string_view NameOf(const CallRecord& call);
// read, recv, accept and their kin: what an event to read is for.
bool TakesBytes(const CallRecord& call);
// write, send and their kin.
bool GivesBytes(const CallRecord& call);
// epoll_wait and its kin.
bool IsEpollWait(const CallRecord& call);
// A wait that nobody ended: its time was over.
bool EndsByTime(const CallRecord& call);
// What a call of futex(2) does.
enum class FutexCommand { kNone, kWait, kLockPi, kWake };
FutexCommand CommandOf(const CallRecord& call);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_HISTORY_CALLS_H_
