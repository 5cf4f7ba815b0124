// Quota: how many objects of a kind a machine may have, and the host memory that they are charged
// for. What a guest can make without bound has one, so that it can never grow the host's memory
// past the machine's limit. Must outlive everything that is charged to it.
#ifndef POLLUX_OS_EMU_FILE_QUOTA_H_
#define POLLUX_OS_EMU_FILE_QUOTA_H_

#include <cstdint>

#include "abi/check.h"
#include "abi/result.h"
#include "memory/address_space.h"

namespace pollux::os_emu {

class Quota {
 public:
  // `exceeded`: the error of the object too many. `bytes_each` are charged to `budget`, which may
  // be null.
  Quota(uint64_t limit, Errno exceeded, uint64_t bytes_each, memory::MemoryBudget* budget)
      : limit_(limit), exceeded_(exceeded), bytes_each_(bytes_each), budget_(budget) {}
  Quota(const Quota&) = delete;
  Quota& operator=(const Quota&) = delete;

  // kNoMem: the budget is spent.
  Result<void> Charge() {
    if (used_ >= limit_) return exceeded_;
    if (budget_ != nullptr) {
      if (!budget_->FitsObject(bytes_each_)) return Errno::kNoMem;
      budget_->used_bytes += bytes_each_;
    }
    ++used_;
    return {};
  }
  void Release() {
    POLLUX_CHECK(used_ > 0) << "more was released than charged";
    --used_;
    if (budget_ != nullptr) budget_->used_bytes -= bytes_each_;
  }
  uint64_t used() const { return used_; }

 private:
  uint64_t limit_;
  Errno exceeded_;
  uint64_t bytes_each_;
  memory::MemoryBudget* budget_;
  uint64_t used_ = 0;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_FILE_QUOTA_H_
