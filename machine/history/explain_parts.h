// The parts of Explain: one for each thing that a thread waits for. For machine/history alone.
#ifndef POLLUX_MACHINE_HISTORY_EXPLAIN_PARTS_H_
#define POLLUX_MACHINE_HISTORY_EXPLAIN_PARTS_H_

#include <map>
#include <span>
#include <vector>

#include "machine/history/calls.h"
#include "machine/history/explain.h"

namespace pollux::machine {

Explanation::Cited Cite(const CallRecord& call);
Explanation::Cited Cite(const History& history, const Moment& moment);

// The calls that move bytes, by description, in their order: found once, as there may be many calls
// and many interests.
class MoveIndex {
 public:
  explicit MoveIndex(const History& history) {
    for (const CallRecord& call : history.calls) {
      if (call.description == 0) continue;
      if (GivesBytes(call)) last_write_[call.description] = &call;
      if (GivesBytes(call) || TakesBytes(call) || NameOf(call) == "splice")
        moves_[call.description].push_back(&call);
    }
  }

  std::span<const CallRecord* const> MovesOf(DescriptionId description) const {
    const auto found = moves_.find(description);
    if (found == moves_.end()) return {};
    return found->second;
  }
  // Null: nobody has written to it.
  const CallRecord* LastWriteTo(DescriptionId description) const {
    const auto found = last_write_.find(description);
    return found == last_write_.end() ? nullptr : found->second;
  }

 private:
  std::map<DescriptionId, std::vector<const CallRecord*>> moves_;
  std::map<DescriptionId, const CallRecord*> last_write_;
};

// ---- Of one wait each.
void ExplainEpollWait(const Historian& historian, const MoveIndex& index, const CallRecord& wait,
                      std::vector<Explanation>& explanations);
Explanation ExplainOther(const Historian& historian, const MoveIndex& index,
                         const CallRecord& call);

struct FutexWaitFacts {
  const CallRecord* call = nullptr;
  os_emu::Thread* thread = nullptr;
  // Where it waits: at the word that the call names, or at another one to which it was moved.
  GuestAddr at;
  bool moved = false;
  enum class What { kLock, kJoin, kWord } what = What::kWord;
  // Of kLock and kJoin, if it lives; of a lock that names no owner it is last_locker.
  os_emu::Thread* holder = nullptr;
  uint32_t word = 0;
  // Of a word that names no owner: who holds it if it is a lock, as far as that can be told; null:
  // nobody is known.
  os_emu::Thread* last_locker = nullptr;
  Step locked = 0;

  os_emu::Thread* waits_for() const { return holder != nullptr ? holder : last_locker; }
};

FutexWaitFacts LookAtFutex(const History& history, const CallRecord& call, os_emu::Thread& thread);
Explanation ExplainFutex(const Historian& historian, const FutexWaitFacts& facts);
// Threads that wait for each other, in a ring: one explanation each.
void FindCycles(const std::map<Tid, FutexWaitFacts>& waits, std::vector<Explanation>& explanations);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_HISTORY_EXPLAIN_PARTS_H_
