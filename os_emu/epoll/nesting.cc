#include "os_emu/epoll/nesting.h"

#include <algorithm>

#include "os_emu/epoll/interest.h"

namespace pollux::os_emu {
namespace {

// The instance whose interest `watch` is; null if it is something else.
EpollInstance* Watcher(DescriptionWatch* watch) {
  auto* interest = dynamic_cast<EpollInterest*>(watch);
  return interest == nullptr ? nullptr : &interest->instance();
}

}  // namespace

int EpollInstance::NestingCheck::DepthBelow(EpollInstance& instance, int depth) {
  const auto [entry, first_visit] = depths_.try_emplace(&instance, 0);
  if (!first_visit) return entry->second;
  int result = 0;
  // The order of the walk does not show: all that is noted is a set and a maximum.
  for (EpollInterest* const interest : instance.interests_) {
    EpollInstance* below = From(*interest->target());
    if (below == nullptr) {
      NoteLeaf(*interest->target());
    } else if (below == &outer_ || depth > kMaxNests) {
      result = kMaxNests + 1;
    } else {
      result = std::max(result, DepthBelow(*below, depth + 1) + 1);
    }
    if (result > kMaxNests) break;
  }
  depths_[&instance] = result;
  return result;
}

int EpollInstance::NestingCheck::DepthAbove(EpollInstance& instance) {
  const auto found = depths_.find(&instance);
  if (found != depths_.end()) return found->second;
  int result = 0;
  for (DescriptionWatch* watch = DescriptionWatch::Newest(instance); watch != nullptr;
       watch = watch->Next()) {
    if (EpollInstance* above = Watcher(watch)) {
      result = std::max(result, DepthAbove(*above) + 1);
    }
  }
  depths_[&instance] = result;
  return result;
}

Result<void> EpollInstance::NestingCheck::CheckLoop(EpollInstance& target) {
  const int below = DepthBelow(target, 0);
  if (below > kMaxNests) return Errno::kLoop;
  if (below + 1 + DepthAbove(outer_) > kMaxNests) return Errno::kLoop;
  return {};
}

bool EpollInstance::NestingCheck::CountPaths(const FileDescription& watched, int depth,
                                             int counts[kMaxNests + 1]) {
  // path_limits of fs/eventpoll.c; paths of length one are not limited.
  constexpr int kLimits[kMaxNests + 1] = {1000, 500, 100, 50, 10};
  if (depth > kMaxNests) return false;
  for (DescriptionWatch* watch = DescriptionWatch::Newest(watched); watch != nullptr;
       watch = watch->Next()) {
    EpollInstance* above = Watcher(watch);
    if (above == nullptr) continue;
    if (above->IsWatched()) {
      if (!CountPaths(*above, depth + 1, counts)) return false;
    } else if (depth > 0 && ++counts[depth] > kLimits[depth]) {
      return false;
    }
  }
  return true;
}

Result<void> EpollInstance::NestingCheck::CheckPaths() const {
  for (const FileDescription* leaf : leaves_) {
    int counts[kMaxNests + 1] = {};
    if (!CountPaths(*leaf, 0, counts)) return Errno::kInval;
  }
  return {};
}

}  // namespace pollux::os_emu
