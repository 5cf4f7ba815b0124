// The blocking calls that work on every description: read and write, poll and select, sleep.
//
// Each Start function does what the system call does after its descriptors were resolved: it tries,
// and answers a value, an Errno or the record of a call that waits. The record holds strong
// references, so that a number that is closed meanwhile changes nothing; and it takes the buffer,
// whose position has moved otherwise.
#ifndef POLLUX_OS_EMU_TASK_CALLS_H_
#define POLLUX_OS_EMU_TASK_CALLS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "abi/types.h"
#include "memory/user_buffer.h"
#include "os_emu/file/description.h"
#include "os_emu/task/blocked_call.h"
#include "os_emu/task/cpu_clock.h"
#include "os_emu/task/signal.h"
#include "os_emu/time/clock.h"

namespace pollux::os_emu {

// The deadline of a relative timeout that begins now, in CLOCK_MONOTONIC; saturates. nullopt: none
// (kNanosMax).
Nanos DeadlineAfter(const Clock& clock, std::optional<Nanos> timeout);

// send_sig(SIGNAL, current, 0): what a call does to its own thread, as if its process had sent it
// (measured on Linux 6.18).
void SignalItself(Thread& thread, int signal);
// What a write to a pipe that nobody reads does to the writer, besides kPipe.
inline void RaiseSigPipe(Thread& thread) { SignalItself(thread, kSigPipe); }

// read(2), readv(2). kBadF: not open for reading.
CallResult StartRead(Thread& thread, DescriptionRef description, memory::UserBuffer&& to);
// write(2), writev(2). kBadF: not open for writing. Returns what was written if an error or a
// signal ends it in the middle. kPipe: SIGPIPE has been raised on the thread as
// FileDescription::broken_pipe() says (by a pipe also where a write was written in part).
CallResult StartWrite(Thread& thread, DescriptionRef description, memory::UserBuffer&& from);

// ---- poll(2), ppoll(2): one entry an element of the guest's array of struct pollfd.
struct PollEntry {
  DescriptionRef description;  // Empty: see `closed`.
  EventMask wanted = 0;        // pollfd.events.
  bool closed = false;  // The number is not open: POLLNVAL. Without description and not closed:
                        // negative, never ready.
};
// How long poll and select wait.
struct PollTimeout {
  std::optional<Nanos> span;  // nullopt: forever; 0 does not wait.
  // Where ppoll(2) and pselect6(2) put the time that is left (struct timespec) unless `span` is 0
  // or nothing; a failure is no error. Null: nowhere.
  GuestAddr remaining;
};
// Writes the revents of all elements at `pollfds` when it ends, also where it returns 0 or EINTR;
// kFault.
CallResult StartPoll(Thread& thread, std::vector<PollEntry> entries, GuestAddr pollfds,
                     PollTimeout timeout);

// ---- select(2), pselect6(2): one entry a number that is in any of the three sets.
struct SelectEntry {
  DescriptionRef description;
  uint32_t bit = 0;  // Its place in the sets.
  bool read = false;
  bool write = false;
  bool exceptional = false;
};
struct SelectSets {
  GuestAddr read, write, exceptional;  // Null: none.
  uint32_t bits = 0;                   // nfds: the sets are rewritten in whole words of 64 bits.
};
// Entries ascend by `bit`. Rewrites the sets when it ends with a value (0 clears them); leaves them
// alone at EINTR.
CallResult StartSelect(Thread& thread, std::vector<SelectEntry> entries, const SelectSets& sets,
                       PollTimeout timeout);

// ---- nanosleep(2), clock_nanosleep(2).
// Sleeps until `deadline` (CLOCK_MONOTONIC). Where a signal ends it, writes what remains as two
// 64-bit numbers to `remaining` (struct timespec) unless that is null; kFault. `absolute`: the
// program gave a point of time.
CallResult StartSleep(Thread& thread, Nanos deadline, GuestAddr remaining, bool absolute = false);
// The same on a clock of processor time, until it shows `deadline`: whoever computes on it wakes
// the thread, and nobody if nobody does (do_cpu_nanosleep()).
CallResult StartCpuSleep(Thread& thread, std::shared_ptr<CpuClock> clock, Nanos deadline,
                         GuestAddr remaining, bool absolute);
// pause(2), rt_sigsuspend(2): waits for a signal.
CallResult StartPause(Thread& thread);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_CALLS_H_
