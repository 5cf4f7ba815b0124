#include "os_emu/task/pi_futex.h"

#include <algorithm>
#include <utility>

#include "abi/check.h"
#include "os_emu/task/kernel.h"

namespace pollux::os_emu {
namespace {

// The bits of a word (linux/futex.h).
constexpr uint32_t kTidMask = 0x3fffffff, kOwnerDied = 0x40000000, kWaiters = 0x80000000;

uint32_t TidOf(const Thread& thread) { return static_cast<uint32_t>(thread.tid()); }

}  // namespace

class PiFutexes::LockCall final : public BlockedCall {
 public:
  LockCall(PiFutexes& table, Thread& thread, GuestAddr word, FutexTable::Key key, Thread& owner)
      : table_(table), thread_(thread), word_(word), key_(std::move(key)), owner_(&owner) {}
  ~LockCall() override { Unpark(); }

  Result<int64_t> Resume(Thread&, bool timed_out) override {
    if (granted_) return int64_t{0};
    if (timed_out) return Errno::kTimedOut;
    return Errno::kAgain;
  }
  void Park(Thread&) override {
    State* state = table_.Find(key_);
    if (state == nullptr) {
      table_.states_.push_back(std::make_unique<State>(State{.key = key_, .owner = owner_}));
      state = table_.states_.back().get();
    }
    state->waiters.push_back(this);
    parked_ = true;
  }
  void Unpark() override {
    if (std::exchange(parked_, false)) table_.Forget(*this);
  }
  // ERESTARTNOINTR: begun again whatever the handler says.
  OnSignal on_signal() const override { return OnSignal::kNoIntr; }
  const char* TypeName() const override { return "futex"; }

  // futex_unlock_pi(), fixup_pi_state_owner(): the word says who has it now, and that the kernel is
  // to be asked when it is given back.
  void Grant(uint32_t word_bits) {
    granted_ = true;
    parked_ = false;
    (void)thread_.process()
        .memory->WriteObject<uint32_t>(word_, TidOf(thread_) | kWaiters | word_bits)
        .ok();
    thread_.Wake();
  }
  Thread& thread() const { return thread_; }
  const FutexTable::Key& key() const { return key_; }
  uint32_t Word() const {
    const Result<uint32_t> value = thread_.process().memory->ReadObject<uint32_t>(word_);
    return value.ok() ? *value : 0;
  }

 private:
  PiFutexes& table_;
  Thread& thread_;
  GuestAddr word_;
  FutexTable::Key key_;
  Thread* owner_;
  bool parked_ = false;
  bool granted_ = false;
};

PiFutexes::~PiFutexes() = default;

PiFutexes::State* PiFutexes::Find(const FutexTable::Key& key) const {
  for (const std::unique_ptr<State>& state : states_) {
    if (state->key == key) return state.get();
  }
  return nullptr;
}

void PiFutexes::Forget(LockCall& call) {
  State* state = Find(call.key());
  if (state == nullptr) return;
  std::erase(state->waiters, &call);
  if (!state->waiters.empty()) return;
  std::erase_if(states_, [state](const auto& each) { return each.get() == state; });
}

// Whether `thread` waits for `whom`, directly or through others.
bool PiFutexes::WaitsFor(const Thread& thread, const Thread& whom) const {
  const Thread* at = &thread;
  for (size_t steps = 0; steps <= states_.size(); ++steps) {
    const Thread* next = nullptr;
    for (const std::unique_ptr<State>& state : states_) {
      for (const LockCall* call : state->waiters) {
        if (&call->thread() == at) next = state->owner;
      }
    }
    if (next == nullptr) return false;
    if (next == &whom) return true;
    at = next;
  }
  return false;
}

Result<bool> PiFutexes::Acquire(Thread& thread, GuestAddr word, const FutexTable::Key& key,
                                Thread** owner) {
  memory::AddressSpace& memory = *thread.process().memory;
  POLLUX_ASSIGN_OR_RETURN(const uint32_t value, memory.ReadObject<uint32_t>(word));
  const uint32_t holder = value & kTidMask;
  if (holder == TidOf(thread)) return Errno::kDeadLk;
  // Who waits there with FUTEX_WAIT knows another protocol.
  if (kernel_.futexes().Waiters(key) > 0) return Errno::kInval;
  State* state = Find(key);
  if (state != nullptr) {
    // attach_to_pi_state()
    const bool died = (value & kOwnerDied) != 0 && holder == 0;
    if (!died && holder != TidOf(*state->owner)) return Errno::kInval;
    *owner = state->owner;
  } else if (holder == 0) {
    POLLUX_RETURN_IF_ERROR(memory.WriteObject(word, (value & kOwnerDied) | TidOf(thread)));
    return true;
  } else {
    // From here on the kernel has to be asked when the lock is given back.
    POLLUX_RETURN_IF_ERROR(memory.WriteObject(word, value | kWaiters));
    *owner = kernel_.FindThread(Tid{static_cast<int32_t>(holder)});
    if (*owner == nullptr) return Errno::kSrch;
  }
  if (WaitsFor(**owner, thread)) return Errno::kDeadLk;
  return false;
}

CallResult PiFutexes::Lock(Thread& thread, GuestAddr word, FutexScope scope, Nanos deadline) {
  const Result<FutexTable::Key> key = FutexKeyOf(thread, word, scope);
  if (!key.ok()) return key.error();
  Thread* owner = nullptr;
  const Result<bool> acquired = Acquire(thread, word, *key, &owner);
  if (!acquired.ok()) return acquired.error();
  if (*acquired) return int64_t{0};
  auto call = std::make_unique<LockCall>(*this, thread, word, *key, *owner);
  call->set_deadline(deadline);
  return std::unique_ptr<BlockedCall>(std::move(call));
}

Result<int64_t> PiFutexes::TryLock(Thread& thread, GuestAddr word, FutexScope scope) {
  POLLUX_ASSIGN_OR_RETURN(const FutexTable::Key key, FutexKeyOf(thread, word, scope));
  Thread* owner = nullptr;
  POLLUX_ASSIGN_OR_RETURN(const bool acquired, Acquire(thread, word, key, &owner));
  if (!acquired) return Errno::kAgain;
  return int64_t{0};
}

void PiFutexes::HandOver(State& state, uint32_t word_bits) {
  LockCall* next = state.waiters.front();
  state.waiters.erase(state.waiters.begin());
  state.owner = &next->thread();
  if (state.waiters.empty())
    std::erase_if(states_, [&state](const auto& each) { return each.get() == &state; });
  next->Grant(word_bits);
}

Result<int64_t> PiFutexes::Unlock(Thread& thread, GuestAddr word, FutexScope scope) {
  memory::AddressSpace& memory = *thread.process().memory;
  POLLUX_ASSIGN_OR_RETURN(const uint32_t value, memory.ReadObject<uint32_t>(word));
  if ((value & kTidMask) != TidOf(thread)) return Errno::kPerm;
  POLLUX_ASSIGN_OR_RETURN(const FutexTable::Key key, FutexKeyOf(thread, word, scope));
  if (kernel_.futexes().Waiters(key) > 0) return Errno::kInval;
  if (State* state = Find(key)) {
    if (state->owner != &thread) return Errno::kInval;
    HandOver(*state, 0);
    return int64_t{0};
  }
  POLLUX_RETURN_IF_ERROR(memory.WriteObject<uint32_t>(word, 0));
  return int64_t{0};
}

void PiFutexes::OnOwnerEnds(Thread& owner) {
  for (;;) {
    const auto held = std::find_if(states_.begin(), states_.end(),
                                   [&owner](const auto& state) { return state->owner == &owner; });
    if (held == states_.end()) return;
    HandOver(**held, kOwnerDied);
  }
}

}  // namespace pollux::os_emu
