#include "os_emu/inotify/inotify.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "os_emu/file/file_status.h"

namespace pollux::os_emu {
namespace {

constexpr uint32_t kFionRead = 0x541b;
// struct inotify_event without the name.
struct EventHeader {
  int32_t descriptor;
  uint32_t mask;
  uint32_t cookie;
  uint32_t name_bytes;
};
static_assert(sizeof(EventHeader) == 16);

// What the host holds for a queued event beside its name.
constexpr uint64_t kEventCost = 96;

constexpr uint32_t kAllInotifyBits = kInAllEvents | kInUnmount | kInQueueOverflow | kInIgnored |
                                     kInOnlyDir | kInDontFollow | kInExclUnlink | kInMaskCreate |
                                     kInMaskAdd | kInIsDir | kInOneShot;

}  // namespace

// A mark: one file in one instance.
class InotifyInstance::Watch final : public FileWatch {
 public:
  Watch(InotifyInstance& instance, WatchedFile& file, int32_t descriptor, uint32_t mask)
      : FileWatch(file), instance_(instance), descriptor_(descriptor), mask_(mask) {}

  // fsnotify_handle_inode_event()
  void OnEvent(const FileEvent& event) override {
    if ((mask_ & kInExclUnlink) != 0 && event.unlinked) return;
    if ((event.mask & mask_ & kInAllEvents) == 0) return;
    uint32_t told = event.mask;
    // inotify never told IN_ISDIR with these.
    if ((told & (kEventMoveSelf | kEventDeleteSelf)) != 0) told &= ~kEventIsDirectory;
    instance_.Queue({descriptor_, told, event.cookie, std::string(event.name)});
    if ((mask_ & kInOneShot) != 0) instance_.Drop(*this);
  }
  void OnGone() override { instance_.Drop(*this); }

  InotifyInstance& instance() const { return instance_; }
  int32_t descriptor() const { return descriptor_; }
  uint32_t mask() const { return mask_; }
  void set_mask(uint32_t mask) { mask_ = mask; }

 private:
  InotifyInstance& instance_;
  int32_t descriptor_;
  uint32_t mask_;  // Events, kInExclUnlink, kInOneShot.
};

// ---- Making and watching.

InotifyInstance::InotifyInstance(const Limits& limits, uint32_t flags)
    : FileDescription(kORdOnly | (flags & kInNonBlock)), limits_(limits) {}

Result<DescriptionRef> InotifyInstance::Create(const Limits& limits, uint32_t flags) {
  if ((flags & ~(kInNonBlock | kInCloExec)) != 0) return Errno::kInval;
  POLLUX_RETURN_IF_ERROR(limits.instances->Charge());
  return MakeDescription<InotifyInstance>(limits, flags);
}

InotifyInstance* InotifyInstance::From(FileDescription& description) {
  return dynamic_cast<InotifyInstance*>(&description);
}

Result<void> InotifyInstance::CheckMask(uint32_t mask) {
  if ((mask & ~kAllInotifyBits) != 0 || mask == 0) return Errno::kInval;
  return {};
}

Result<int32_t> InotifyInstance::AddWatch(WatchedFile& file, uint32_t mask) {
  constexpr uint32_t kKept = kInAllEvents | kInExclUnlink | kInOneShot;
  for (FileWatch* other = file.first_watch(); other != nullptr; other = other->Next()) {
    auto* watch = dynamic_cast<Watch*>(other);
    if (watch == nullptr || &watch->instance() != this) continue;
    if ((mask & kInMaskCreate) != 0) return Errno::kExist;
    const uint32_t kept = (mask & kInMaskAdd) != 0 ? watch->mask() : 0;
    watch->set_mask(kept | (mask & kKept));
    return watch->descriptor();
  }
  // idr_alloc_cyclic() comes before the limit: a watch too many costs a number.
  if (last_descriptor_ == INT32_MAX) return Errno::kNoSpc;
  const int32_t descriptor = ++last_descriptor_;
  POLLUX_RETURN_IF_ERROR(limits_.watches->Charge());
  watches_.emplace(descriptor, std::make_unique<Watch>(*this, file, descriptor, mask & kKept));
  return descriptor;
}

Result<void> InotifyInstance::RemoveWatch(int32_t descriptor) {
  const auto found = watches_.find(descriptor);
  if (found == watches_.end()) return Errno::kInval;
  Drop(*found->second);
  return {};
}

void InotifyInstance::Drop(Watch& watch) {
  const int32_t descriptor = watch.descriptor();
  Queue({descriptor, kInIgnored, 0, ""});
  watches_.erase(descriptor);
  limits_.watches->Release();
}

void InotifyInstance::OnRelease() {
  while (!queue_.empty()) TakeFirst();
  for (size_t i = 0; i < watches_.size(); ++i) limits_.watches->Release();
  watches_.clear();
  limits_.instances->Release();
}

// ---- The queue.

size_t InotifyInstance::Event::Bytes() const {
  // round_event_name_len(): with at least one NUL.
  return sizeof(EventHeader) + (name.empty() ? 0 : (name.size() / 16 + 1) * 16);
}

uint64_t InotifyInstance::Event::Cost() const {
  return mask == kInQueueOverflow ? 0 : kEventCost + name.size();
}

// fsnotify_insert_event()
void InotifyInstance::Queue(Event event) {
  if (queue_.size() >= kMaxQueuedEvents) return QueueOverflow();
  if (!queue_.empty()) {
    const Event& last = queue_.back();
    // The cookie does not count.
    if (last.mask != kInIgnored && last.mask == event.mask && last.descriptor == event.descriptor &&
        last.name == event.name) {
      return;
    }
  }
  memory::MemoryBudget& budget = *limits_.budget;
  if (!budget.Fits(event.Cost()))
    return QueueOverflow();
  budget.used_bytes += event.Cost();
  queue_.push_back(std::move(event));
  WakeReaders();
}

void InotifyInstance::WakeReaders() {
  readers_.Notify(0);
  async_.Signal(IoReason::kIn);
}

void InotifyInstance::QueueOverflow() {
  if (overflowed_) return;
  overflowed_ = true;
  queue_.push_back({-1, kInQueueOverflow, 0, ""});
  WakeReaders();
}

InotifyInstance::Event InotifyInstance::TakeFirst() {
  Event event = std::move(queue_.front());
  queue_.pop_front();
  if (event.mask == kInQueueOverflow) overflowed_ = false;
  limits_.budget->used_bytes -= event.Cost();
  return event;
}

// inotify_read(). It has no read_iter: readv(2) reads each segment by itself, and no event lies
// across two.
Result<size_t> InotifyInstance::Read(memory::UserBuffer& to) {
  size_t copied = 0;
  while (!queue_.empty()) {
    const size_t bytes = queue_.front().Bytes();
    if (bytes > to.remaining_in_range()) {
      if (copied == 0) return Errno::kInval;
      return copied;
    }
    const Event event = TakeFirst();
    std::vector<uint8_t> record(bytes);
    const EventHeader header = {event.descriptor, event.mask, event.cookie,
                                static_cast<uint32_t>(bytes - sizeof(EventHeader))};
    std::memcpy(record.data(), &header, sizeof(header));
    std::memcpy(record.data() + sizeof(header), event.name.data(), event.name.size());
    if (to.CopyTo(record) != bytes) return Errno::kFault;
    copied += bytes;
  }
  if (copied == 0) return Errno::kAgain;
  return copied;
}

int InotifyInstance::PollQueues(WaitQueue* queues[2]) {
  queues[0] = &readers_;
  return 1;
}

Result<int64_t> InotifyInstance::Ioctl(uint32_t request, uint64_t argument,
                                       memory::AddressSpace* space) {
  if (request != kFionRead) return Errno::kNotTy;
  if (space == nullptr) return Errno::kFault;
  uint64_t bytes = 0;
  for (const Event& event : queue_) bytes += event.Bytes();
  POLLUX_RETURN_IF_ERROR(space->WriteObject(GuestAddr{argument}, static_cast<int32_t>(bytes)));
  return int64_t{0};
}

// inotify_fdinfo() of fs/notify/fdinfo.c: the newest watch first.
std::string InotifyInstance::FdInfo() const {
  std::string text;
  for (auto at = watches_.rbegin(); at != watches_.rend(); ++at) {
    const Watch& watch = *at->second;
    const WatchedFile::Identity file = watch.file().WatchIdentity();
    absl::StrAppendFormat(&text, "inotify wd:%x ino:%x sdev:%x mask:%x ignored_mask:0 \n",
                          watch.descriptor(), file.number, KernelDevice(file.device), watch.mask());
  }
  return text;
}

}  // namespace pollux::os_emu
