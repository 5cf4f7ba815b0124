// flock(2) and the record locks of fcntl(2) (fs/locks.c).
#include <memory>
#include <optional>
#include <utility>

#include "os_emu/file/file_locks.h"
#include "os_emu/file/file_status.h"
#include "os_emu/task/locks_of_machine.h"
#include "shims/context.h"
#include "shims/handlers.h"

namespace pollux::shims {
namespace {

using os_emu::FileLocks;
using os_emu::LockKind;
using os_emu::RecordLock;

FileLocks& Locks(os_emu::Kernel& kernel) { return kernel.Part<os_emu::LocksOfMachine>().locks; }

// A lock that somebody else has. Whoever is woken tries again.
class LockCall final : public os_emu::BlockedCall {
 public:
  // `table`: of a process's record lock; null for a description's, and for flock.
  LockCall(FileLocks& locks, DescriptionRef file, os_emu::FdTable* table,
           std::optional<RecordLock> record, LockKind flock, int32_t pid, bool waits)
      : locks_(locks),
        file_(std::move(file)),
        table_(table),
        record_(record),
        flock_(flock),
        pid_(pid),
        waits_(waits) {}
  ~LockCall() override { Unpark(); }

  bool waits() const { return waits_; }
  Result<void> Try() {
    if (!record_.has_value()) return locks_.Lock(*file_, flock_, pid_);
    const Result<void> locked = locks_.SetRecord(*file_, table_, *record_);
    if (locked.ok() || locked.error() != Errno::kAgain || table_ == nullptr || !waits_)
      return locked;
    POLLUX_RETURN_IF_ERROR(locks_.WaitsForRecord(*file_, *table_, *record_));
    return locked;
  }

  Result<int64_t> Resume(os_emu::Thread&, bool) override {
    const Result<void> locked = Try();
    if (locked.ok()) return int64_t{0};
    if (locked.error() == Errno::kAgain && !waiter_->waiting()) queue_->AddBack(*waiter_);
    return locked.error();
  }
  void Park(os_emu::Thread& thread) override {
    queue_ = locks_.Queue(*file_);
    POLLUX_CHECK(queue_ != nullptr) << "a locked file has a status";
    waiter_.emplace(thread, os_emu::EventMask{0}, os_emu::ThreadWaiter::OnWake::kLeave);
    queue_->AddBack(*waiter_);
  }
  void Unpark() override {
    waiter_.reset();
    queue_.reset();
    if (table_ != nullptr) locks_.WaitsNoMore(*table_);
  }
  const char* TypeName() const override { return record_.has_value() ? "fcntl" : "flock"; }

 private:
  FileLocks& locks_;
  DescriptionRef file_;
  os_emu::FdTable* table_;  // The caller's own.
  std::optional<RecordLock> record_;
  LockKind flock_;
  int32_t pid_;
  bool waits_;
  std::shared_ptr<os_emu::WaitQueue> queue_;
  std::optional<os_emu::ThreadWaiter> waiter_;
};

CallResult Start(std::unique_ptr<LockCall> call) {
  const Result<void> locked = call->Try();
  if (locked.ok() || locked.error() != Errno::kAgain || !call->waits()) return locked;
  return std::unique_ptr<os_emu::BlockedCall>(std::move(call));
}

constexpr int16_t kReadLock = 0, kWriteLock = 1, kUnlock = 2;

// flock_to_posix_lock()
Result<RecordLock> RecordOf(os_emu::FileDescription& file, const GuestFlock& guest) {
  int64_t base = 0;
  if (guest.whence == 1) {
    const Result<uint64_t> position = file.Seek(0, os_emu::Whence::kCurrent);
    base = position.ok() ? static_cast<int64_t>(*position) : 0;
  } else if (guest.whence == 2) {
    os_emu::FileStatus status;
    if (file.Stat(&status).ok()) base = static_cast<int64_t>(status.size);
  } else if (guest.whence != 0) {
    return Errno::kInval;
  }
  RecordLock lock;
  if (guest.start > INT64_MAX - base) return Errno::kOverflow;
  lock.start = base + guest.start;
  if (lock.start < 0) return Errno::kInval;
  if (guest.length > 0) {
    if (guest.length - 1 > INT64_MAX - lock.start) return Errno::kOverflow;
    lock.end = lock.start + (guest.length - 1);
  } else if (guest.length < 0) {
    if (lock.start + guest.length < 0) return Errno::kInval;
    lock.end = lock.start - 1;
    lock.start += guest.length;
  }
  switch (guest.type) {
    case kReadLock:
      lock.kind = LockKind::kShared;
      return lock;
    case kWriteLock:
      lock.kind = LockKind::kExclusive;
      return lock;
    case kUnlock:
      return lock;
    default:
      return Errno::kInval;
  }
}

}  // namespace

CallResult SysFlock(SyscallContext& context) {
  constexpr uint32_t kShared = 1, kExclusive = 2, kNonBlocking = 4, kUnlocks = 8, kMandatory = 32;
  const uint32_t operation = context.UInt(1) & ~kNonBlocking;
  // Was taken out in Linux 5.18, and does nothing since.
  if ((context.UInt(1) & kMandatory) != 0) return 0;
  if (operation != kShared && operation != kExclusive && operation != kUnlocks)
    return Errno::kInval;
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  if (operation != kUnlocks && !(*file)->readable() && !(*file)->writable()) return Errno::kBadF;
  const LockKind kind = operation == kShared      ? LockKind::kShared
                        : operation == kExclusive ? LockKind::kExclusive
                                                  : LockKind::kNone;
  return Start(std::make_unique<LockCall>(
      Locks(context.kernel()), *std::move(file), nullptr, std::nullopt, kind,
      static_cast<int32_t>(context.process().pid()), (context.UInt(1) & kNonBlocking) == 0));
}

// fcntl_getlk()
CallResult GetRecordLock(SyscallContext& context, DescriptionRef file, bool of_description) {
  Result<GuestFlock> guest = context.In<GuestFlock>(context.Addr(2));
  if (!guest.ok()) return guest.error();
  if (!of_description && guest->type != kReadLock && guest->type != kWriteLock)
    return Errno::kInval;
  const Result<RecordLock> wanted = RecordOf(*file, *guest);
  if (!wanted.ok()) return wanted.error();
  if (of_description && guest->pid != 0) return Errno::kInval;
  const Result<std::optional<RecordLock>> found =
      Locks(context.kernel()).FindRecord(*file, of_description ? nullptr : &context.fds(), *wanted);
  if (!found.ok()) return found.error();
  guest->type = kUnlock;
  if (found->has_value()) {
    const RecordLock& lock = **found;
    guest->type = lock.kind == LockKind::kShared ? kReadLock : kWriteLock;
    guest->whence = 0;
    guest->start = lock.start;
    guest->length = lock.end == INT64_MAX ? 0 : lock.end - lock.start + 1;
    guest->pid = lock.pid;
  }
  return context.Out(context.Addr(2), *guest);
}

// fcntl_setlk()
CallResult SetRecordLock(SyscallContext& context, DescriptionRef file, bool of_description,
                         bool waits) {
  const Result<GuestFlock> guest = context.In<GuestFlock>(context.Addr(2));
  if (!guest.ok()) return guest.error();
  Result<RecordLock> lock = RecordOf(*file, *guest);
  if (!lock.ok()) return lock.error();
  if (guest->type == kReadLock && !file->readable()) return Errno::kBadF;
  if (guest->type == kWriteLock && !file->writable()) return Errno::kBadF;
  if (of_description && guest->pid != 0) return Errno::kInval;
  os_emu::Process& process = context.process();
  if (!of_description) lock->pid = static_cast<int32_t>(process.pid());
  return Start(std::make_unique<LockCall>(Locks(context.kernel()), std::move(file),
                                          of_description ? nullptr : &context.fds(), *lock,
                                          LockKind::kNone, lock->pid, waits));
}

}  // namespace pollux::shims
