// InotifyInstance: what inotify_init1(2) gives: a queue of what happened to watched files
// (fs/notify/inotify/).
//
// Read: whole events (struct inotify_event with the name padded to 16 bytes), as many as fit;
// kAgain: none queued; kInval: the first does not fit; kFault: an inaccessible buffer loses the
// event that was to go there (measured on Linux 6.18). An event that equals the last one in the
// queue is merged with it. Each event that is queued is a wake-up with the key 0, as Linux's
// wake_up() gives; a merged one is none. With kMaxQueuedEvents events one IN_Q_OVERFLOW follows and
// the rest is lost. Watch descriptors are counted up from 1 and not used again.
// The queue is charged to the machine's memory budget; where that is spent, it overflows.
#ifndef POLLUX_OS_EMU_INOTIFY_INOTIFY_H_
#define POLLUX_OS_EMU_INOTIFY_INOTIFY_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "abi/result.h"
#include "memory/address_space.h"
#include "memory/user_buffer.h"
#include "os_emu/file/description.h"
#include "os_emu/file/quota.h"
#include "os_emu/file/watch.h"

namespace pollux::os_emu {

// Flags of inotify_init1(2).
inline constexpr uint32_t kInNonBlock = kONonBlock, kInCloExec = kOCloExec;
// What inotify_add_watch(2) may be given and read(2) may tell beside the kEvent bits.
inline constexpr uint32_t kInAllEvents = 0xfff, kInUnmount = 0x2000, kInQueueOverflow = 0x4000,
                          kInIgnored = 0x8000, kInOnlyDir = 0x1000000, kInDontFollow = 0x2000000,
                          kInExclUnlink = 0x4000000, kInMaskCreate = 0x10000000,
                          kInMaskAdd = 0x20000000, kInIsDir = 0x40000000, kInOneShot = 0x80000000;

class InotifyInstance final : public FileDescription {
 public:
  static constexpr size_t kMaxQueuedEvents = 16384;  // fs.inotify.max_queued_events

  // Who pays: the quotas of instances and of watches, and the budget for queued events. All outlive
  // the instance.
  struct Limits {
    Quota* instances;
    Quota* watches;
    memory::MemoryBudget* budget;
  };
  // inotify_init1(2) without the number. kInval: an unknown flag. kMFile, kNoMem.
  static Result<DescriptionRef> Create(const Limits& limits, uint32_t flags);
  // Null: it is something else.
  static InotifyInstance* From(FileDescription& description);

  // The checks of inotify_add_watch(2) before the path is looked at: kInval.
  static Result<void> CheckMask(uint32_t mask);
  // Watches `file`, or changes the watch that is there; gives its descriptor. kExist
  // (kInMaskCreate), kNoSpc, kNoMem.
  Result<int32_t> AddWatch(WatchedFile& file, uint32_t mask);
  // kInval: no such watch.
  Result<void> RemoveWatch(int32_t descriptor);

  Result<size_t> Read(memory::UserBuffer& to) override;
  Result<uint64_t> Seek(int64_t, Whence) override { return uint64_t{0}; }  // noop_llseek.
  EventMask Poll() override { return queue_.empty() ? 0 : kReadable; }
  int PollQueues(WaitQueue* queues[2]) override;
  // FIONREAD: the bytes that reading all would give.
  Result<int64_t> Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space) override;
  const char* TypeName() const override { return "inotify"; }
  std::string LinkText() const override { return "anon_inode:inotify"; }
  std::string FdInfo() const override;

 private:
  class Watch;
  struct Event {
    int32_t descriptor;
    uint32_t mask;
    uint32_t cookie;
    std::string name;

    size_t Bytes() const;  // As read(2) gives it.
    uint64_t Cost() const;
  };
  template <typename T, typename... Args>
  friend DescriptionRef MakeDescription(Args&&... args);
  InotifyInstance(const Limits& limits, uint32_t flags);
  void OnRelease() override;
  // fsnotify_fasync()
  int AsyncLists(AsyncList* lists[2]) override {
    lists[0] = &async_;
    return 1;
  }
  void WakeReaders();
  void Queue(Event event);
  void QueueOverflow();
  Event TakeFirst();
  // inotify_freeing_mark(): tells IN_IGNORED and forgets it.
  void Drop(Watch& watch);

  Limits limits_;
  std::map<int32_t, std::unique_ptr<Watch>> watches_;
  int32_t last_descriptor_ = 0;
  std::deque<Event> queue_;
  bool overflowed_ = false;  // IN_Q_OVERFLOW is queued.
  WaitQueue readers_;
  AsyncList async_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_INOTIFY_INOTIFY_H_
