// Historian: makes a machine's History. The machine tells it of calls, the kernel of what follows.
#ifndef POLLUX_MACHINE_HISTORY_HISTORIAN_H_
#define POLLUX_MACHINE_HISTORY_HISTORIAN_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "interp/engine/cpu.h"
#include "machine/history/history.h"
#include "os_emu/file/description.h"
#include "os_emu/file/witness.h"
#include "os_emu/task/thread.h"

namespace pollux::machine {

class Historian final : public os_emu::Witness {
 public:
  // `now` tells the step and the time since boot whenever it is asked; not owned.
  class Clock {
   public:
    virtual ~Clock() = default;
    virtual Step StepNow() = 0;
    virtual Nanos TimeNow() = 0;
  };
  explicit Historian(Clock& clock) : clock_(clock) {}

  const History& history() const { return *kept_; }
  // For who outlives the machine: without stacks, which are the machine's. The run is over.
  std::shared_ptr<const History> HandOut();

  // ---- Told by the machine.
  // The thread is about to make the call that its registers say.
  void OnCallBegins(os_emu::Thread& thread, const interp::Cpu& cpu);
  // A blocked call is looked at again.
  void OnCallGoesOn(os_emu::Thread& thread);
  // Behind either: the call waits, has returned what is in a0, or will never return.
  void OnCallWaits();
  void OnCallReturns(os_emu::Thread& thread, const interp::Cpu& cpu);
  void OnTaskGone(Tid tid);
  // A handler begins; what waited was interrupted.
  void OnHandler(os_emu::Thread& thread, int signal, bool interrupted);
  // `from` could run on.
  void OnPreempted(os_emu::Thread& from, const interp::Cpu& cpu, Tid to);
  // The thread has run, up to here.
  void OnRan(os_emu::Thread& thread) {
    if (!history_.words.empty()) LookAtWords(thread);
  }
  // Threads will wait there: what is done to it is remembered from now on. For others that begins
  // with the first wait.
  void Expect(FutexWord word) { history_.words.try_emplace(word); }
  // `waker`'s call woke `woken`, though `first` had come before it.
  void OnWokenOutOfOrder(os_emu::Thread& waker, const interp::Cpu& cpu, Tid woken, Tid first);
  // A line of the trace, of the thread's last call.
  void OnTraceLine(Tid tid, std::string_view line);

  // ---- os_emu::Witness
  void OnInterestSet(const os_emu::InterestFacts& facts) override;
  void OnInterestGone(const void* interest) override;
  void OnInterestReady(const void* interest, os_emu::EventMask key) override;
  void OnDelivered(const os_emu::InterestFacts& facts, os_emu::EventMask events) override;
  void OnReleased(const os_emu::FileDescription& description) override;
  void OnWoken(Tid thread) override;
  void OnProcessEnds(const os_emu::Process& process) override;
  // The process will make no call any more, as nothing goes on.
  void OnProcessHangs(const os_emu::Process& process);

  // The open description with that id; null: it is gone.
  os_emu::FileDescription* Open(DescriptionId id) const;
  // The living interest of `instance` in `target` with that label; null: it was not seen.
  const InterestRecord* Find(const os_emu::FileDescription& instance,
                             const os_emu::FileDescription& target, os_emu::FdLabel label) const;
  DescriptionId IdOf(os_emu::FileDescription& description);

 private:
  CallRecord* Find(CallId id);
  void LookAtWords(os_emu::Thread& thread);
  Moment Now(os_emu::EventMask events);
  void Note(InterestEvent::Kind kind, uint32_t interest, os_emu::EventMask events);
  void AddLint(LintRecord lint);
  void CheckNumbers(const CallRecord& call);
  void CheckStale(const CallRecord& call);
  void CheckClosing(const CallRecord& call);
  void CheckClosed(os_emu::Thread& thread, const CallRecord& call);
  void CheckWait(const CallRecord& call);
  void CheckProgram(os_emu::Thread& thread, const CallRecord& call);
  void CheckChildren(const os_emu::Process& process, const CallRecord& last, bool only_ended);

  Clock& clock_;
  const std::shared_ptr<History> kept_ = std::make_shared<History>();
  History& history_ = *kept_;
  CallId last_id_ = 0;
  uint32_t last_interest_ = 0;
  // The call under way; null thread: none.
  os_emu::Thread* acting_ = nullptr;
  CallId acting_call_ = 0;
  absl::flat_hash_map<const os_emu::FileDescription*, DescriptionId> ids_;  // Of open ones.
  std::map<DescriptionId, os_emu::FileDescription*> open_;
  absl::flat_hash_map<const void*, uint32_t> interests_;   // Of living ones.
  std::map<int32_t, std::set<uint32_t>> by_number_;        // Living ones, by label,
  std::map<DescriptionId, std::set<uint32_t>> by_target_;  // and by target.
  std::map<Tid, CallId> last_call_;                        // Of each thread.
  // Events that a thread was given and has not looked after yet: number -> interest.
  absl::flat_hash_map<Tid, std::map<int32_t, uint32_t>> given_;
  absl::flat_hash_map<Tid, uint32_t> stale_;      // It reads what it was not told of.
  absl::flat_hash_map<Tid, CallId> interrupted_;  // Calls that gave EINTR.
  std::deque<CallId> stacks_;                     // Who has one.
};

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_HISTORY_HISTORIAN_H_
