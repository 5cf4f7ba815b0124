// epoll_wait(2), epoll_pwait(2), epoll_pwait2(2) after the arguments were decoded.
#ifndef POLLUX_OS_EMU_EPOLL_EPOLL_WAIT_H_
#define POLLUX_OS_EMU_EPOLL_EPOLL_WAIT_H_

#include <cstdint>
#include <optional>

#include "abi/types.h"
#include "os_emu/file/description.h"
#include "os_emu/task/blocked_call.h"

namespace pollux::os_emu {

// struct epoll_event of riscv64: 4 bytes of events, 4 of padding (left alone), 8 of data.
inline constexpr uint64_t kEpollEventBytes = 16;

// Waits on `epoll` (any description; the number was resolved: EBADF) and writes up to `max_events`
// events to guest memory at `events`. `timeout` nullopt: forever; 0 does not wait. Signal masks are
// the caller's. In Linux's order: kInval (`max_events` below 1 or above INT_MAX / 16), kFault (the
// array is not within user space), kInval (not an epoll instance). kFault later only when there is
// an event to write.
CallResult StartEpollWait(Thread& thread, DescriptionRef epoll, GuestAddr events,
                          int32_t max_events, const std::optional<Nanos>& timeout);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_EPOLL_EPOLL_WAIT_H_
