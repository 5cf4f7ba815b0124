#include "os_emu/file/description.h"

#include <utility>

#include "abi/check.h"
#include "os_emu/file/directory_sink.h"
#include "os_emu/file/fd_label.h"
#include "os_emu/file/file_status.h"
#include "os_emu/file/witness.h"

namespace pollux::os_emu {
namespace {

// The descriptions whose last reference has gone, the last one first: fput() leaves them to
// task_work_run(), which takes what has come since the last time from the end. One host thread runs
// one machine, and the list is empty between calls.
struct ReleaseQueue {
  FileDescription* first = nullptr;
  bool open = false;                  // A ReleaseBatch will see to it.
  PostponedReleases* rest = nullptr;  // Who is to release what comes after the one under way.
  bool may_postpone = true;
};
thread_local ReleaseQueue release_queue;

}  // namespace

FileDescription::~FileDescription() {
  POLLUX_CHECK(references_ == 0) << "a description was destroyed with references";
  POLLUX_CHECK(watches_ == nullptr) << "a description was destroyed with watches";
}

void FileDescription::LetGo() {
  const ReleaseBatch batch;
  next_released_ = release_queue.first;
  release_queue.first = this;
}

// __fput(): who watches it is told first.
void FileDescription::Release() {
  while (DescriptionWatch* const watch = watches_) {
    watches_ = watch->next_;
    if (watch->next_ != nullptr) watch->next_->previous_ = nullptr;
    watch->next_ = nullptr;
    watch->target_ = nullptr;
    watch->OnTargetReleased();  // May delete the watch.
  }
  if ((status_flags_ & kOAsync) != 0) (void)SetAsync(FdLabel(), false).ok();
  OnRelease();
  if (Witness* const witness = Witness::Present()) witness->OnReleased(*this);
  POLLUX_CHECK(references_ == 0) << "a released description was referenced again";
  delete this;
}

void FileDescription::ReleasePart(DescriptionRef& part) {
  FileDescription* const description = std::exchange(part.description_, nullptr);
  if (description != nullptr && --description->references_ == 0) description->Release();
}

ReleaseBatch::ReleaseBatch() : outermost_(!release_queue.open) { release_queue.open = true; }

ReleaseBatch::~ReleaseBatch() {
  if (!outermost_) return;
  Run(nullptr);
  release_queue.open = false;
}

void ReleaseBatch::Run(FileDescription* batch) {
  while (true) {
    // What goes while one is being released comes after all that went before.
    if (batch == nullptr) batch = std::exchange(release_queue.first, nullptr);
    if (batch == nullptr) return;
    std::exchange(batch, batch->next_released_)->Release();
    PostponedReleases* const rest = std::exchange(release_queue.rest, nullptr);
    if (rest == nullptr) continue;
    FileDescription** end = &batch;
    while (*end != nullptr) end = &(*end)->next_released_;
    *end = std::exchange(release_queue.first, nullptr);
    rest->first_ = batch;
    return;
  }
}

bool ReleaseBatch::PostponeRest(PostponedReleases& rest) {
  if (!release_queue.open || !release_queue.may_postpone) return false;
  release_queue.rest = &rest;
  return true;
}

void PostponedReleases::Go() {
  FileDescription* const batch = std::exchange(first_, nullptr);
  if (batch == nullptr) return;
  const ReleaseBatch guard;
  ReleaseBatch::Run(batch);
}

PostponedReleases::~PostponedReleases() {
  const bool could = std::exchange(release_queue.may_postpone, false);
  Go();
  release_queue.may_postpone = could;
}

Result<bool> FileDescription::SetAsync(FdLabel fd, bool on) {
  return Behind().ChangeAsync(*this, fd, on);
}

SignalOwner& FileDescription::MakeSignalOwner() {
  if (signal_owner_ == nullptr) signal_owner_ = std::make_unique<SignalOwner>();
  return *signal_owner_;
}

int FileDescription::AsyncLists(AsyncList* [2]) { return 0; }

Result<bool> FileDescription::ChangeAsync(FileDescription& file, FdLabel fd, bool on) {
  AsyncList* lists[2];
  const int count = AsyncLists(lists);
  for (int i = 0; i < count; ++i) lists[i]->Set(file, fd, on);
  return count > 0;
}

Result<size_t> FileDescription::Read(memory::UserBuffer&) { return Errno::kInval; }
Result<size_t> FileDescription::Write(memory::UserBuffer&) { return Errno::kInval; }
Result<size_t> FileDescription::ReadAt(memory::UserBuffer&, uint64_t) { return Errno::kSPipe; }
Result<size_t> FileDescription::WriteAt(memory::UserBuffer&, uint64_t) { return Errno::kSPipe; }
bool FileDescription::HasPositions() {
  memory::UserBuffer nothing;
  const Result<size_t> result = ReadAt(nothing, 0);
  return result.ok() || result.error() != Errno::kSPipe;
}

Result<uint64_t> FileDescription::Seek(int64_t, Whence) { return Errno::kSPipe; }

// DEFAULT_POLLMASK of include/linux/poll.h.
EventMask FileDescription::Poll() { return kReadable | kWritable; }
int FileDescription::PollQueues(WaitQueue* [2]) { return 0; }

WaitQueue* FileDescription::ReadQueue() {
  WaitQueue* queues[2];
  return PollQueues(queues) > 0 ? queues[0] : nullptr;
}

WaitQueue* FileDescription::WriteQueue() { return ReadQueue(); }

WaitPlan FileDescription::ReadWait() { return {.queue = ReadQueue(), .mode = wait_mode()}; }
WaitPlan FileDescription::WriteWait() { return {.queue = WriteQueue(), .mode = wait_mode()}; }

Result<void> FileDescription::Stat(FileStatus* status) {
  *status = FileStatus();
  // All anonymous descriptions share one inode of the anon_inodefs, without a file type
  // (fs/anon_inodes.c).
  status->dev = kAnonymousDevice;
  status->ino = kAnonymousInode;
  status->mode = 0600;
  return {};
}

Result<void> FileDescription::Truncate(uint64_t) { return Errno::kInval; }
Result<void> FileDescription::Allocate(uint32_t, uint64_t, uint64_t) { return Errno::kNoDev; }
Result<void> FileDescription::ReadDirectory(DirectorySink&) { return Errno::kNotDir; }
Result<int64_t> FileDescription::Ioctl(uint32_t, uint64_t, memory::AddressSpace*) {
  return Errno::kNotTy;
}
Result<std::shared_ptr<memory::SharedObject>> FileDescription::MapPages() { return Errno::kNoDev; }

std::string FileDescription::LinkText() const {
  return std::string("anon_inode:[") + TypeName() + "]";
}

DescriptionWatch::DescriptionWatch(FileDescription& target)
    : target_(&target), next_(target.watches_) {
  if (next_ != nullptr) next_->previous_ = this;
  target.watches_ = this;
}

DescriptionWatch::~DescriptionWatch() {
  if (target_ == nullptr) return;
  (previous_ != nullptr ? previous_->next_ : target_->watches_) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
}

}  // namespace pollux::os_emu
