// EventMask: readiness and wake-up keys, the bits of poll(2) and epoll(7) (uapi/linux/eventpoll.h).
#ifndef POLLUX_OS_EMU_FILE_EVENTS_H_
#define POLLUX_OS_EMU_FILE_EVENTS_H_

#include <cstdint>

namespace pollux::os_emu {

using EventMask = uint32_t;

inline constexpr EventMask kIn = 0x001;
inline constexpr EventMask kPri = 0x002;
inline constexpr EventMask kOut = 0x004;
inline constexpr EventMask kErr = 0x008;
inline constexpr EventMask kHup = 0x010;
inline constexpr EventMask kNval = 0x020;  // poll(2) only.
inline constexpr EventMask kRdNorm = 0x040;
inline constexpr EventMask kRdBand = 0x080;
inline constexpr EventMask kWrNorm = 0x100;
inline constexpr EventMask kWrBand = 0x200;
inline constexpr EventMask kMsg = 0x400;
inline constexpr EventMask kRdHup = 0x2000;
// The flags of an epoll interest, not events.
inline constexpr EventMask kExclusive = 1u << 28;
inline constexpr EventMask kWakeup = 1u << 29;
inline constexpr EventMask kOneShot = 1u << 30;
inline constexpr EventMask kEdge = 1u << 31;

// What Linux passes as the key when data or room arrives.
inline constexpr EventMask kReadable = kIn | kRdNorm;
inline constexpr EventMask kWritable = kOut | kWrNorm;

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_FILE_EVENTS_H_
