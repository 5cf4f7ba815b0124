// What may watch what: epoll instances that watch epoll instances form a graph without cycles, at
// most 5 deep, in which the number of paths that one wake-up can take is limited (ep_loop_check()
// and reverse_path_check() of fs/eventpoll.c).
#ifndef POLLUX_OS_EMU_EPOLL_NESTING_H_
#define POLLUX_OS_EMU_EPOLL_NESTING_H_

#include <vector>

#include "abi/result.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "os_emu/epoll/epoll.h"

namespace pollux::os_emu {

// One check before and after `outer` watches `target`.
class EpollInstance::NestingCheck {
 public:
  static constexpr int kMaxNests = 4;

  explicit NestingCheck(EpollInstance& outer) : outer_(outer) {}

  // Before: kLoop if `target` leads to `outer`, or the chain would be too long. Notes the
  // descriptions that are reached.
  Result<void> CheckLoop(EpollInstance& target);
  // Notes a description that is no instance.
  void NoteLeaf(FileDescription& leaf) { leaves_.insert(&leaf); }
  // After: kInval if a wake-up of a noted description now takes too many paths.
  Result<void> CheckPaths() const;

 private:
  // The length of the longest chain below, or more than kMaxNests.
  int DepthBelow(EpollInstance& instance, int depth);
  // The length of the longest chain above.
  int DepthAbove(EpollInstance& instance);
  static bool CountPaths(const FileDescription& watched, int depth, int counts[kMaxNests + 1]);

  EpollInstance& outer_;
  absl::flat_hash_map<const EpollInstance*, int> depths_;
  absl::flat_hash_set<FileDescription*> leaves_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_EPOLL_NESTING_H_
