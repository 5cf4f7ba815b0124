#include "os_emu/file/file_locks.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "os_emu/file/file_status.h"

namespace pollux::os_emu {
namespace {

constexpr uint64_t kLockBytes = 256;

bool Overlap(const RecordLock& a, const RecordLock& b) {
  return a.start <= b.end && b.start <= a.end;
}

// `locks` with `lock` in place of what it covers (posix_lock_inode()).
std::vector<RecordLock> Merged(const std::vector<RecordLock>& locks, const RecordLock& lock) {
  std::vector<RecordLock> result;
  RecordLock merged = lock;
  std::vector<RecordLock> after;
  for (const RecordLock& old : locks) {
    // Touching ones of the same kind become one.
    const bool same = old.kind == lock.kind;
    const bool below =
        same ? old.end < merged.start && merged.start - 1 > old.end : old.end < lock.start;
    const bool above =
        same ? merged.end != INT64_MAX && old.start > merged.end + 1 : old.start > lock.end;
    if (below) {
      result.push_back(old);
    } else if (above) {
      after.push_back(old);
    } else if (same) {
      merged.start = std::min(merged.start, old.start);
      merged.end = std::max(merged.end, old.end);
    } else {
      if (old.start < lock.start) {
        result.push_back(old);
        result.back().end = lock.start - 1;
      }
      if (old.end > lock.end) {
        after.push_back(old);
        after.back().start = lock.end + 1;
      }
    }
  }
  if (lock.kind != LockKind::kNone) result.push_back(merged);
  result.insert(result.end(), after.begin(), after.end());
  return result;
}

}  // namespace

Result<FileKey> FileKey::Of(FileDescription& file) {
  FileStatus status;
  POLLUX_RETURN_IF_ERROR(file.Stat(&status));
  return FileKey{status.dev, status.ino};
}

// Told when a description that locked something has gone.
class FileLocks::OwnerWatch final : public DescriptionWatch {
 public:
  OwnerWatch(FileLocks& locks, FileDescription& file)
      : DescriptionWatch(file), locks_(locks), file_(&file) {}

 private:
  void OnTargetReleased() override { locks_.Released(file_); }  // Deletes this.
  FileLocks& locks_;
  FileDescription* file_;
};

FileLocks::FileLocks(memory::MemoryBudget* budget) : budget_(budget) {}

FileLocks::~FileLocks() {
  for (const auto& [key, file] : files_) {
    Refund(file.flocks.size());
    for (const Records& records : file.records) Refund(records.locks.size());
  }
}

bool FileLocks::Charge(size_t count) {
  const uint64_t bytes = count * kLockBytes;
  if (budget_ == nullptr) return true;
  if (!budget_->FitsObject(bytes)) {
    return false;
  }
  budget_->used_bytes += bytes;
  return true;
}

void FileLocks::Refund(size_t count) {
  if (budget_ != nullptr) budget_->used_bytes -= count * kLockBytes;
}

Result<FileLocks::File*> FileLocks::Find(FileDescription& file, bool make) {
  POLLUX_ASSIGN_OR_RETURN(const FileKey key, FileKey::Of(file));
  const auto found = files_.find(key);
  if (found != files_.end()) return &found->second;
  if (!make) return static_cast<File*>(nullptr);
  // What nobody locks any more goes when something else is locked.
  std::erase_if(files_, [](const auto& known) {
    return known.second.flocks.empty() && known.second.records.empty() &&
           known.second.queue.expired();
  });
  return &files_[key];
}

void FileLocks::Watch(FileDescription& file) {
  std::unique_ptr<OwnerWatch>& watch = watches_[&file];
  if (watch == nullptr) watch = std::make_unique<OwnerWatch>(*this, file);
}

void FileLocks::Changed(File& file) {
  if (const std::shared_ptr<WaitQueue> queue = file.queue.lock()) queue->NotifyAll(0);
}

std::shared_ptr<WaitQueue> FileLocks::Queue(FileDescription& file) {
  Result<File*> found = Find(file, /*make=*/true);
  if (!found.ok()) return nullptr;
  std::shared_ptr<WaitQueue> queue = (*found)->queue.lock();
  if (queue == nullptr) {
    queue = std::make_shared<WaitQueue>();
    (*found)->queue = queue;
  }
  return queue;
}

// ---- flock

// flock_lock_inode(): a lock of another kind is let go first.
Result<void> FileLocks::Lock(FileDescription& file, LockKind kind, int32_t pid) {
  FileDescription* owner = &file;
  POLLUX_ASSIGN_OR_RETURN(File * found, Find(file, kind != LockKind::kNone));
  if (found == nullptr) return {};
  const auto old = std::find_if(found->flocks.begin(), found->flocks.end(),
                                [&](const Flock& lock) { return lock.owner == owner; });
  if (old != found->flocks.end()) {
    if (old->kind == kind) return {};
    found->flocks.erase(old);
    Refund(1);
    Changed(*found);
  }
  if (kind == LockKind::kNone) return {};
  for (const Flock& lock : found->flocks) {
    if (kind == LockKind::kExclusive || lock.kind == LockKind::kExclusive) return Errno::kAgain;
  }
  if (!Charge(1)) return Errno::kNoLck;
  found->flocks.push_back({owner, kind, pid});
  Watch(*owner);
  return {};
}

// ---- Record locks

const RecordLock* FileLocks::Conflict(const File& file, const void* owner, const RecordLock& lock,
                                      const void** other) {
  for (const Records& records : file.records) {
    const bool own = records.owner == owner;
    if (own != (lock.kind == LockKind::kNone)) continue;
    for (const RecordLock& held : records.locks) {
      if (!Overlap(held, lock)) continue;
      if (!own && lock.kind == LockKind::kShared && held.kind == LockKind::kShared) continue;
      if (other != nullptr) *other = records.owner;
      return &held;
    }
  }
  return nullptr;
}

Result<void> FileLocks::SetRecord(FileDescription& file, FdTable* table, const RecordLock& lock) {
  FileDescription* description = &file;
  const void* owner = table != nullptr ? static_cast<const void*>(table) : description;
  const bool unlocks = lock.kind == LockKind::kNone;
  POLLUX_ASSIGN_OR_RETURN(File * found, Find(file, !unlocks));
  if (found == nullptr) return {};
  if (!unlocks && Conflict(*found, owner, lock) != nullptr) return Errno::kAgain;
  auto records = std::find_if(found->records.begin(), found->records.end(),
                              [&](const Records& known) { return known.owner == owner; });
  if (records == found->records.end()) {
    if (unlocks) return {};
    records = found->records.insert(found->records.end(), Records{owner, {}});
  }
  RecordLock made = lock;
  made.made_by = description;
  std::vector<RecordLock> locks = Merged(records->locks, made);
  const size_t before = records->locks.size();
  if (locks.size() > before && !Charge(locks.size() - before)) {
    if (before == 0) found->records.erase(records);
    return Errno::kNoLck;
  }
  if (locks.size() < before) Refund(before - locks.size());
  records->locks = std::move(locks);
  if (records->locks.empty()) found->records.erase(records);
  if (table != nullptr) {
    table->set_close_listener(this);
  } else {
    Watch(*description);
  }
  // A write lock that became a read lock lets others in, too.
  Changed(*found);
  return {};
}

Result<std::optional<RecordLock>> FileLocks::FindRecord(FileDescription& file, FdTable* table,
                                                        const RecordLock& lock) {
  const void* owner = table != nullptr ? static_cast<const void*>(table) : &file;
  POLLUX_ASSIGN_OR_RETURN(File * found, Find(file, false));
  if (found == nullptr) return std::optional<RecordLock>();
  const RecordLock* held = Conflict(*found, owner, lock);
  return held != nullptr ? std::optional<RecordLock>(*held) : std::nullopt;
}

// posix_locks_deadlock()
Result<void> FileLocks::WaitsForRecord(FileDescription& file, FdTable& table,
                                       const RecordLock& lock) {
  POLLUX_ASSIGN_OR_RETURN(File * found, Find(file, false));
  const void* other = nullptr;
  if (found == nullptr || Conflict(*found, &table, lock, &other) == nullptr) return {};
  constexpr int kMaxSteps = 10;  // MAX_DEADLK_ITERATIONS
  const void* at = other;
  for (int step = 0; step < kMaxSteps; ++step) {
    if (at == &table) return Errno::kDeadLk;
    const auto next = waiting_.find(at);
    if (next == waiting_.end()) break;
    at = next->second;
  }
  waiting_[&table] = other;
  return {};
}

// lock_get_status()
std::string FileLocks::Lines(FileDescription& file, const FdTable& table) {
  std::string text;
  const Result<FileKey> key = FileKey::Of(file);
  const Result<File*> found = Find(file, false);
  if (!key.ok() || !found.ok() || *found == nullptr) return text;
  const uint64_t device = KernelDevice(key->device);
  int number = 0;
  const auto add = [&](const char* type, LockKind kind, int32_t pid) {
    absl::StrAppendFormat(&text, "lock:\t%d: %s ADVISORY  %s %d %02x:%02x:%d ", ++number, type,
                          kind == LockKind::kExclusive ? "WRITE" : "READ", pid, device >> 20,
                          device & 0xfffff, key->inode);
  };
  for (const Flock& lock : (*found)->flocks) {
    if (lock.owner != &file) continue;
    add("FLOCK ", lock.kind, lock.pid);
    text += "0 EOF\n";
  }
  for (const Records& records : (*found)->records) {
    const bool of_description = records.owner == &file;
    if (!of_description && records.owner != &table) continue;
    for (const RecordLock& lock : records.locks) {
      if (lock.made_by != &file) continue;
      add(of_description ? "OFDLCK" : "POSIX ", lock.kind, lock.pid);
      absl::StrAppend(&text, lock.start, " ");
      absl::StrAppend(&text, lock.end == INT64_MAX ? "EOF" : absl::StrCat(lock.end), "\n");
    }
  }
  return text;
}

// ---- Ends

void FileLocks::Released(FileDescription* file) {
  for (auto& [key, known] : files_) {
    bool changed = false;
    std::erase_if(known.flocks, [&](const Flock& lock) {
      if (lock.owner != file) return false;
      Refund(1);
      return changed = true;
    });
    std::erase_if(known.records, [&](const Records& records) {
      if (records.owner != file) return false;
      Refund(records.locks.size());
      return changed = true;
    });
    if (changed) Changed(known);
  }
  watches_.erase(file);
}

// locks_remove_posix(): whichever descriptor of the file it was.
void FileLocks::OnClose(FdTable& table, FileDescription& file) {
  Result<File*> found = Find(file, false);
  if (!found.ok() || *found == nullptr) return;
  const size_t gone = std::erase_if((*found)->records, [&](const Records& records) {
    if (records.owner != &table) return false;
    Refund(records.locks.size());
    return true;
  });
  if (gone > 0) Changed(**found);
}

}  // namespace pollux::os_emu
