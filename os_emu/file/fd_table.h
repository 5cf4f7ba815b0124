// FdTable: a process's descriptors: numbers to open file descriptions and the close-on-exec flag
// (fs/file.c).
//
// The only place that turns a number into a description. Numbers are given lowest first. Shared by
// the threads of a process; fork copies it (the descriptions are shared).
#ifndef POLLUX_OS_EMU_FILE_FD_TABLE_H_
#define POLLUX_OS_EMU_FILE_FD_TABLE_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "abi/result.h"
#include "os_emu/file/description.h"

namespace pollux::os_emu {

// A file descriptor: an index into one process's FdTable. It may be closed and used again at any
// time, so nothing but an FdTable may turn it into a description, and nothing but reports may keep
// it.
enum class Fd : int32_t {};

class FdTable;

// Told of each descriptor that is closed, in whatever way, while its description still stands
// (filp_close(): record locks of a process end there).
class CloseListener {
 public:
  virtual ~CloseListener() = default;
  virtual void OnClose(FdTable& table, FileDescription& description) = 0;
};

class FdTable {
 public:
  // fs.nr_open's usual value: no number may be this large, whatever RLIMIT_NOFILE says.
  static constexpr int32_t kMaxOpen = 1048576;

  FdTable() = default;
  FdTable(const FdTable& other);  // fork(2): numbers reserved by calls under way are free in it.
  FdTable& operator=(const FdTable&) = delete;

  // RLIMIT_NOFILE's soft limit: no new number may be this large or larger. Open ones stay.
  void set_limit(int32_t limit) { limit_ = limit; }
  int32_t limit() const { return limit_; }

  // kBadF if the number is not open. The reference is the caller's to keep.
  Result<DescriptionRef> Get(Fd fd) const {
    if (!IsOpen(fd)) return Errno::kBadF;
    return slots_[static_cast<size_t>(fd)].description;
  }
  // Puts `description` at the lowest free number that is at least `from`. kMFile: none below the
  // limit. kInval: `from` is negative or not below the limit (F_DUPFD).
  Result<Fd> Install(DescriptionRef description, bool close_on_exec, int32_t from = 0);
  // kMFile: Install() would find no number below the limit.
  Result<void> CheckRoom() const;
  // As Install() of what is still to be opened: until Fill() or Cancel() the number is taken and
  // not open (get_unused_fd_flags()). For a call under way, and nobody else.
  Result<Fd> Reserve();
  void Fill(Fd fd, DescriptionRef description, bool close_on_exec);
  void Cancel(Fd fd);
  // dup2/dup3: replaces what was at `fd` (the old description is let go after the new one stands).
  // kBadF: negative or not below the limit. kBusy: reserved.
  Result<void> InstallAt(Fd fd, DescriptionRef description, bool close_on_exec);
  // Takes the number out and returns its description, so that the caller decides when it is let go.
  // kBadF.
  Result<DescriptionRef> Remove(Fd fd);
  Result<bool> CloseOnExec(Fd fd) const;
  Result<void> SetCloseOnExec(Fd fd, bool close_on_exec);
  // Closes what has the close-on-exec flag (execve).
  void CloseForExec();
  void CloseAll();
  // Null: nobody. Not owned.
  void set_close_listener(CloseListener* listener) { close_listener_ = listener; }
  // Open numbers, ascending.
  std::vector<Fd> OpenNumbers() const;

 private:
  struct Slot {
    DescriptionRef description;
    bool close_on_exec = false;
    bool reserved = false;  // Taken without a description.
  };
  bool IsOpen(Fd fd) const {
    // A negative one is a very large one.
    const auto number = static_cast<size_t>(static_cast<int32_t>(fd));
    return number < slots_.size() && slots_[number].description;
  }
  // Of the free numbers that are at least `from`, the lowest.
  int32_t LowestFree(int32_t from) const;
  // Puts `description` at a number below kMaxOpen and returns what was there.
  DescriptionRef Exchange(int32_t number, DescriptionRef description, bool close_on_exec);

  std::vector<Slot> slots_;
  CloseListener* close_listener_ = nullptr;
  std::vector<uint64_t> open_;  // Bit n % 64 of word n / 64: number n is open.
  int32_t lowest_free_ = 0;     // No free number is below it.
  int32_t limit_ = 1024;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_FILE_FD_TABLE_H_
