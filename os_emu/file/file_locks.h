// FileLocks: the advisory locks of one machine (fs/locks.c): flock(2)'s, which belong to a
// description; record locks of fcntl(2), which belong to a process (POSIX) or a description (OFD).
// flock's and fcntl's know nothing of each other, as on Linux.
//
// A lock is on a file, whatever descriptor led to it: FileKey is its st_dev and st_ino. A
// description's locks go with it; a process's locks on a file go when it closes any descriptor of
// that file. None of this waits: kAgain, and the caller parks on Queue(), which is notified
// whenever a lock of the file has gone. Each lock is charged to the machine's MemoryBudget: kNoLck.
// Single-threaded. Must outlive the descriptions and tables that it knows.
#ifndef POLLUX_OS_EMU_FILE_FILE_LOCKS_H_
#define POLLUX_OS_EMU_FILE_FILE_LOCKS_H_

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "abi/result.h"
#include "memory/budget.h"
#include "os_emu/file/description.h"
#include "os_emu/file/fd_table.h"
#include "os_emu/file/wait_queue.h"

namespace pollux::os_emu {

struct FileKey {
  uint64_t device = 0;
  uint64_t inode = 0;
  friend auto operator<=>(const FileKey&, const FileKey&) = default;
  // Of what fstat(2) says.
  static Result<FileKey> Of(FileDescription& file);
};

enum class LockKind { kNone, kShared, kExclusive };

// Bytes [start, end], both included; end INT64_MAX: to the end of the file, wherever that is.
struct RecordLock {
  LockKind kind = LockKind::kNone;
  int64_t start = 0;
  int64_t end = INT64_MAX;
  int32_t pid = -1;                          // Of the process that made it, -1 for a description's.
  const FileDescription* made_by = nullptr;  // By which it was made; only to be compared.
};

class FileLocks final : public CloseListener {
 public:
  // `budget` must outlive it.
  explicit FileLocks(memory::MemoryBudget* budget);
  ~FileLocks() override;

  // flock(2); kNone unlocks. kAgain: another description has it, and what this one had is lost, as
  // on Linux. `pid`: who asks.
  Result<void> Lock(FileDescription& file, LockKind kind, int32_t pid = 0);

  // ---- Record locks. The owner is `table` (POSIX) or, where that is null, `file`.
  // F_SETLK, F_OFD_SETLK. kAgain: another owner has a part of it.
  Result<void> SetRecord(FileDescription& file, FdTable* table, const RecordLock& lock);
  // F_GETLK, F_OFD_GETLK: the first lock in the way; nothing: there is none. kNone asks for the
  // owner's own locks.
  Result<std::optional<RecordLock>> FindRecord(FileDescription& file, FdTable* table,
                                               const RecordLock& lock);
  // F_SETLKW of a process that has to wait: kDeadLk where it would wait for itself.
  Result<void> WaitsForRecord(FileDescription& file, FdTable& table, const RecordLock& lock);
  void WaitsNoMore(FdTable& table) { waiting_.erase(&table); }

  // What /proc/PID/fdinfo says of the locks that were made by `file`, by itself or for the process
  // of `table` (show_fd_locks()): a line each.
  std::string Lines(FileDescription& file, const FdTable& table);

  // Where to wait after kAgain; good as long as somebody waits.
  std::shared_ptr<WaitQueue> Queue(FileDescription& file);

  // CloseListener
  void OnClose(FdTable& table, FileDescription& file) override;

 private:
  struct Flock {
    FileDescription* owner;
    LockKind kind;
    int32_t pid;
  };
  // All that one owner has locked of a file, ascending and apart.
  struct Records {
    const void* owner;
    std::vector<RecordLock> locks;
  };
  struct File {
    std::vector<Flock> flocks;
    std::vector<Records> records;  // In the order of their owners' first locks.
    std::weak_ptr<WaitQueue> queue;
  };
  class OwnerWatch;

  Result<File*> Find(FileDescription& file, bool make);
  // The first lock of another owner that excludes it.
  static const RecordLock* Conflict(const File& file, const void* owner, const RecordLock& lock,
                                    const void** other = nullptr);
  // Whether `count` more fit into the budget; then they are charged.
  bool Charge(size_t count);
  void Refund(size_t count);
  void Watch(FileDescription& file);
  void Released(FileDescription* file);
  static void Changed(File& file);

  memory::MemoryBudget* budget_;
  std::map<FileKey, File> files_;
  // Which descriptions have locks or had some; looked up only.
  std::map<const FileDescription*, std::unique_ptr<OwnerWatch>> watches_;
  std::map<const void*, const void*> waiting_;  // A process's table and the one it waits for.
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_FILE_FILE_LOCKS_H_
