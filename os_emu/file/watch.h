// FileWatch: somebody who is told what happens to a file. WatchedFile: what can be watched so: an
// inode (Linux's fsnotify_mark and the list of them at an inode; fs/notify/).
//
// The file system raises the events at the places, and in the order, of Linux's fsnotify_*() calls
// (vfs/notify.h); inotify/ listens. A file that nobody watches costs a look at one pointer. A watch
// keeps its file alive, as an inode with a mark stays in memory; it does not keep a name or a
// description. Single-threaded.
#ifndef POLLUX_OS_EMU_FILE_WATCH_H_
#define POLLUX_OS_EMU_FILE_WATCH_H_

#include <cstdint>
#include <string_view>

namespace pollux::os_emu {

// What happened: inotify(7)'s bits.
inline constexpr uint32_t kEventAccess = 0x1, kEventModify = 0x2, kEventAttributes = 0x4,
                          kEventCloseWrite = 0x8, kEventCloseNoWrite = 0x10, kEventOpen = 0x20,
                          kEventMovedFrom = 0x40, kEventMovedTo = 0x80, kEventCreate = 0x100,
                          kEventDelete = 0x200, kEventDeleteSelf = 0x400, kEventMoveSelf = 0x800;
// With any of them: the file that it happened to is a directory.
inline constexpr uint32_t kEventIsDirectory = 0x40000000;

struct FileEvent {
  uint32_t mask = 0;
  // Of the entry of a watched directory that it happened to; empty: to the watched file itself.
  // Valid during the call.
  std::string_view name = {};
  uint32_t cookie = 0;    // Joins kEventMovedFrom and kEventMovedTo.
  bool unlinked = false;  // It came through an open file whose name is gone (d_unlinked()).
};

class WatchedFile;

class FileWatch {
 public:
  // The newest watch of `file`, told last.
  explicit FileWatch(WatchedFile& file);
  virtual ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  WatchedFile& file() const { return file_; }
  // May destroy this watch and no other.
  virtual void OnEvent(const FileEvent& event) = 0;
  // The file has lost its last name and its last user; kEventDeleteSelf was told. Destroys this
  // watch and no other.
  virtual void OnGone() = 0;
  // Who watches a file, the oldest first: WatchedFile::first_watch(), then Next() until null.
  FileWatch* Next() const { return next_; }

 private:
  friend class WatchedFile;
  WatchedFile& file_;
  FileWatch* previous_ = nullptr;
  FileWatch* next_ = nullptr;
};

class WatchedFile {
 public:
  WatchedFile() = default;
  WatchedFile(const WatchedFile&) = delete;
  WatchedFile& operator=(const WatchedFile&) = delete;

  bool watched() const { return first_watch_ != nullptr; }
  FileWatch* first_watch() const { return first_watch_; }
  void Tell(const FileEvent& event);
  void TellGone();

  // For reports.
  struct Identity {
    uint64_t device;
    uint64_t number;
  };
  virtual Identity WatchIdentity() const = 0;

 protected:
  virtual ~WatchedFile();
  // What keeps it alive while there are watches.
  virtual void HoldForWatch() = 0;
  virtual void LetGoForWatch() = 0;

 private:
  friend class FileWatch;
  FileWatch* first_watch_ = nullptr;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_FILE_WATCH_H_
