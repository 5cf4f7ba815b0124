// TimerFd: the timer behind timerfd_create(2) (fs/timerfd.c).
//
// Read: 8 bytes, the number of expiries since the last read or setting; kInval for a smaller
// buffer, kAgain while there is none, kCanceled after a discontinuous change of CLOCK_REALTIME
// where kTfdCancelOnSet asked for that. Once it has expired, a timer with an interval stands still
// until somebody reads or asks: the intervals that went by are counted then. So expiries wake
// pollers once (kIn), not once each.
#ifndef POLLUX_OS_EMU_TIMERFD_TIMERFD_H_
#define POLLUX_OS_EMU_TIMERFD_TIMERFD_H_

#include <cstdint>
#include <string>

#include "abi/result.h"
#include "abi/types.h"
#include "memory/user_buffer.h"
#include "os_emu/file/description.h"
#include "os_emu/file/wait_queue.h"
#include "os_emu/task/interval_timer.h"
#include "os_emu/time/clock.h"
#include "os_emu/time/timer_queue.h"

namespace pollux::os_emu {

class Kernel;

// Flags of timerfd_create(2) and timerfd_settime(2); the request that sets the number of expiries.
inline constexpr uint32_t kTfdNonBlock = kONonBlock, kTfdCloExec = kOCloExec;
inline constexpr uint32_t kTfdAbsolute = 1, kTfdCancelOnSet = 2;
inline constexpr uint32_t kTfdIocSetTicks = 0x40085400;

class TimerFd final : public FileDescription {
 public:
  TimerFd(Kernel& kernel, ClockId clock, uint32_t flags);
  // timerfd_create(2) without the number. kInval: an unknown flag, a clock without such timers.
  // kPerm: the clocks that wake the machine; nobody here has CAP_WAKE_ALARM.
  static Result<DescriptionRef> Create(Kernel& kernel, int32_t clock, uint32_t flags);
  // Null if `description` is none.
  static TimerFd* From(FileDescription& description) {
    return dynamic_cast<TimerFd*>(&description);
  }

  // timerfd_settime(2) of checked values. Returns what was set before. kCanceled: the timer is set,
  // but CLOCK_REALTIME has jumped since the last one that could be cancelled was read.
  Result<TimerSetting> Set(uint32_t flags, TimerSetting setting);
  // timerfd_gettime(2).
  TimerSetting Get();

  Result<size_t> Read(memory::UserBuffer& to) override;
  Result<uint64_t> Seek(int64_t, Whence) override { return uint64_t{0}; }  // noop_llseek.
  EventMask Poll() override { return ticks_ > 0 ? kIn : 0; }
  int PollQueues(WaitQueue* queues[2]) override {
    queues[0] = &queue_;
    return 1;
  }
  WaitMode wait_mode() const override { return WaitMode::kBack; }
  Result<int64_t> Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space) override;
  bool HasWrite() const override { return false; }
  const char* TypeName() const override { return "timerfd"; }
  std::string FdInfo() const override;

 private:
  class Expiry final : public Timer {
   public:
    Expiry(TimerQueue& queue, TimerFd& owner) : Timer(queue), owner_(owner) {}

   private:
    void OnExpire() override { owner_.OnExpire(); }
    TimerFd& owner_;
  };
  class ClockChange final : public Waiter {
   public:
    explicit ClockChange(TimerFd& owner) : owner_(owner) {}
    bool OnNotify(EventMask) override {
      owner_.OnClockSet();
      return true;
    }

   private:
    TimerFd& owner_;
  };

  void OnRelease() override;
  void OnExpire();
  void OnClockSet();
  // Counts the intervals that went by since it expired; it runs again if `restarts`.
  void CatchUp(bool restarts);
  TimerSetting Left() const;
  // timerfd_canceled(): whether the clock has jumped; told once.
  bool TakeCancelled();

  Kernel& kernel_;
  ClockId clock_;
  Expiry timer_;
  ClockChange clock_change_;  // In the kernel's queue while it may be cancelled.
  Nanos interval_{0};
  uint64_t ticks_ = 0;
  bool expired_ = false;  // And with an interval: stands still since.
  bool set_ = false;      // A deadline was given.
  bool cancelled_ = false;
  Nanos realtime_ahead_;  // When cancellation was last looked at.
  uint32_t settime_flags_ = 0;
  WaitQueue queue_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TIMERFD_TIMERFD_H_
