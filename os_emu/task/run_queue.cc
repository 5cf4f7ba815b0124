#include "os_emu/task/run_queue.h"

#include <algorithm>

#include "abi/check.h"
#include "os_emu/task/thread.h"

namespace pollux::os_emu {
namespace {

bool Before(const Thread* thread, Tid tid) { return thread->tid() < tid; }

}  // namespace

void RunQueue::Add(Thread& thread) {
  if (threads_.empty() || Before(threads_.back(), thread.tid())) return threads_.push_back(&thread);
  const auto at = std::lower_bound(threads_.begin(), threads_.end(), thread.tid(), Before);
  POLLUX_CHECK(at == threads_.end() || *at != &thread) << "the thread can run already";
  threads_.insert(at, &thread);
}

void RunQueue::Remove(Thread& thread) {
  if (!threads_.empty() && threads_.back() == &thread) return threads_.pop_back();
  const auto at = std::lower_bound(threads_.begin(), threads_.end(), thread.tid(), Before);
  POLLUX_CHECK(at != threads_.end() && *at == &thread) << "the thread cannot run";
  threads_.erase(at);
}

}  // namespace pollux::os_emu
