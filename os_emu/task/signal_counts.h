// SignalCounts: how many signals are queued and how many timers there are, by the user whom they
// count for: what RLIMIT_SIGPENDING is about (UCOUNT_RLIMIT_SIGPENDING). All of them together are
// charged to the machine's memory.
#ifndef POLLUX_OS_EMU_TASK_SIGNAL_COUNTS_H_
#define POLLUX_OS_EMU_TASK_SIGNAL_COUNTS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "memory/address_space.h"
#include "os_emu/file/quota.h"

namespace pollux::os_emu {

class SignalCounts {
 public:
  // One that counts, until it is destroyed.
  class Share {
   public:
    Share() = default;  // Of nothing.
    Share(Share&& other) noexcept
        : counts_(std::exchange(other.counts_, nullptr)), uid_(other.uid_) {}
    Share& operator=(Share&& other) noexcept {
      std::swap(counts_, other.counts_);
      std::swap(uid_, other.uid_);
      return *this;
    }
    ~Share() {
      if (counts_ != nullptr) counts_->Release(uid_);
    }

   private:
    friend class SignalCounts;
    Share(SignalCounts* counts, uint32_t uid) : counts_(counts), uid_(uid) {}
    SignalCounts* counts_ = nullptr;
    uint32_t uid_ = 0;
  };

  // `budget` may be null. Must outlive the shares.
  explicit SignalCounts(memory::MemoryBudget* budget)
      : all_(UINT64_MAX, Errno::kAgain, kBytesEach, budget) {}

  // sig_get_ucounts(): one more for the user, who then has `limit` at most. Nothing: that would be
  // too many, or memory has ended.
  std::optional<Share> Take(uint32_t uid, uint64_t limit) {
    if (Of(uid) >= limit || !all_.Charge().ok()) return std::nullopt;
    ++by_user_[uid];
    return Share(this, uid);
  }
  // SigQ of /proc/PID/status.
  uint64_t Of(uint32_t uid) const {
    const auto found = by_user_.find(uid);
    return found == by_user_.end() ? 0 : found->second;
  }

 private:
  // What a queued SignalInfo or a timer costs the host.
  static constexpr uint64_t kBytesEach = 512;

  void Release(uint32_t uid) {
    const auto found = by_user_.find(uid);
    if (--found->second == 0) by_user_.erase(found);
    all_.Release();
  }

  Quota all_;
  std::map<uint32_t, uint64_t> by_user_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_SIGNAL_COUNTS_H_
