// PosixTimer: what timer_create(2) makes (kernel/time/posix-timers.c).
//
// It has one signal, which pends at most once; while it does, the intervals that go by are counted
// (the overrun). The timer runs again when its signal is taken. A signal whose timer was set anew
// or deleted meanwhile is dropped when it is taken (measured on Linux 6.18). One on a clock of
// processor time (kernel/time/posix-cpu-timers.c) lasts until it is deleted, but says nothing and
// cannot be set once the task of its clock is gone.
#ifndef POLLUX_OS_EMU_TASK_POSIX_TIMER_H_
#define POLLUX_OS_EMU_TASK_POSIX_TIMER_H_

#include <cstdint>
#include <memory>

#include "abi/types.h"
#include "os_emu/task/cpu_clock.h"
#include "os_emu/task/interval_timer.h"
#include "os_emu/task/signal.h"
#include "os_emu/task/signal_counts.h"
#include "os_emu/time/clock.h"
#include "os_emu/time/timer_queue.h"

namespace pollux::os_emu {

class Process;

class PosixTimer final : private Timer, public std::enable_shared_from_this<PosixTimer> {
 public:
  enum class Notify { kSignal, kNone };
  struct Options {
    ClockId clock = ClockId::kMonotonic;  // Realtime or one that goes as CLOCK_MONOTONIC does.
    std::shared_ptr<CpuClock> cpu_clock;  // It goes by this one instead.
    Notify notify = Notify::kSignal;
    int signal = kSigAlrm;
    uint64_t value = 0;  // sigval
    Tid thread{0};       // SIGEV_THREAD_ID; 0: the process.
  };
  // `share`: what it counts for its user, as a queued signal does.
  PosixTimer(Process& process, int32_t id, const Options& options, SignalCounts::Share share);
  ~PosixTimer() override;

  int32_t id() const { return id_; }
  TimerSetting Get();
  // timer_settime(2). `absolute`: `setting.value` is a point of the clock's time. A value of 0
  // disarms. Returns what was set before.
  TimerSetting Set(TimerSetting setting, bool absolute);
  // timer_getoverrun(2): of the signal that was taken last.
  int32_t overrun() const;
  // timer_delete(2), or the process ends: it does nothing any more. Who created it lets it go.
  void Delete();
  // posixtimer_deliver_signal(): its signal is being taken: fills in the overrun, and begins the
  // next interval. False: the signal is not wanted any more.
  bool OnSignalTaken(SignalInfo* info);
  // Its signal was forgotten before anybody took it: the action is SIG_IGN now.
  void OnSignalForgotten();
  // The signal's action is not SIG_IGN any more: what expired meanwhile is sent now
  // (posixtimer_sig_unignore()).
  void OnSignalNotIgnored();
  // The task of its processor time is gone: it cannot be set any more (ESRCH).
  bool clock_is_gone() const { return options_.cpu_clock != nullptr && options_.cpu_clock->gone; }
  int signal() const { return options_.signal; }

 private:
  void OnExpire() override;
  void Send();
  // The clock that it goes by.
  TimerQueue& queue() const;
  bool is_none() const { return options_.notify == Notify::kNone; }

  Process& process_;
  int32_t id_;
  Options options_;
  SignalCounts::Share share_;
  Nanos interval_{0};
  enum class State { kDisarmed, kArmed, kSignalPends } state_ = State::kDisarmed;
  bool deleted_ = false;
  bool queued_ = false;   // The signal is in a queue.
  bool ignored_ = false;  // It expired while its signal was ignored.
  // Which setting the timer has, and of which one the signal is.
  uint64_t setting_sequence_ = 0, signal_sequence_ = 0;
  int64_t overrun_ = -1;  // Of the signal to come: expiries less one.
  int64_t overrun_last_ = 0;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_POSIX_TIMER_H_
