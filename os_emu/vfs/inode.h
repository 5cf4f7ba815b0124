// Inode: a file of some kind, whatever its names are. Super: the file system that it belongs to.
//
// The functions are what path resolution and the calls need of a file system (Linux's
// inode_operations). The caller (file_system.cc) has resolved the path, checked permissions, types,
// read-only file systems and mount points; an inode does the act itself and answers what only it
// can know (kNotEmpty, kNoSpc, kFBig, what the host says). A directory's functions get its Dentry,
// because children are named relative to it.
#ifndef POLLUX_OS_EMU_VFS_INODE_H_
#define POLLUX_OS_EMU_VFS_INODE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "abi/result.h"
#include "abi/types.h"
#include "os_emu/file/description.h"
#include "os_emu/file/directory_sink.h"
#include "os_emu/file/file_status.h"
#include "os_emu/file/watch.h"
#include "os_emu/vfs/caller.h"
#include "os_emu/vfs/ref.h"

namespace pollux::os_emu {

class Dentry;
class FileSystem;
class Inode;
using DentryRef = Ref<Dentry>;
using InodeRef = Ref<Inode>;
struct FileSystemStatus;

// Longest name of a directory entry and longest path with its NUL (uapi/linux/limits.h).
inline constexpr size_t kNameMax = 255, kPathMax = 4096;

// One mounted file system. Kept alive by its inodes.
class Super {
 public:
  Super(FileSystem* files, uint64_t device, bool read_only)
      : files_(files), device_(device), read_only_(read_only) {}
  virtual ~Super() = default;
  Super(const Super&) = delete;
  Super& operator=(const Super&) = delete;

  FileSystem& files() const { return *files_; }
  uint64_t device() const { return device_; }
  bool read_only() const { return read_only_; }
  virtual void FillStatus(FileSystemStatus* status) = 0;
  // As /proc/mounts calls it: "tmpfs".
  virtual const char* TypeName() const = 0;

 private:
  FileSystem* files_;
  uint64_t device_;
  bool read_only_;
};

// What a new directory entry shall be.
struct NewNode {
  uint32_t mode = 0;  // With the type; the umask has been applied.
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint64_t device = 0;  // Of a device node.
  std::string target;   // Of a symbolic link.
};

// What to change of an inode; what is absent stays. The change time becomes the machine's now.
struct AttributeChange {
  std::optional<uint32_t> mode;  // Permission bits only.
  std::optional<uint32_t> uid;
  std::optional<uint32_t> gid;
  std::optional<Nanos> access_time;
  std::optional<Nanos> modification_time;
};

// A line of a directory listing.
struct ListedEntry {
  uint64_t ino = 0;
  EntryType type = EntryType::kUnknown;
  std::string name;
};

// Where a reader of a directory is, and what a file system without stable positions of its own
// remembers for it.
struct DirectoryCursor {
  uint64_t position = 0;  // 0: ".", 1: "..", from 2 on the entries.
  bool listed = false;
  std::vector<ListedEntry> listing;
  uint64_t charged_bytes = 0;
};

class Inode : public WatchedFile {
 public:
  Inode(std::shared_ptr<Super> super, uint64_t number, uint32_t type)
      : super_(std::move(super)), number_(number), type_(type) {}
  Inode(const Inode&) = delete;
  Inode& operator=(const Inode&) = delete;

  Super& super() const { return *super_; }
  const std::shared_ptr<Super>& shared_super() const { return super_; }
  uint64_t number() const { return number_; }
  Identity WatchIdentity() const final { return {.device = super_->device(), .number = number_}; }
  // One of the kMode types; never changes.
  uint32_t type() const { return type_; }
  bool IsDirectory() const { return type_ == kModeDirectory; }
  bool IsLink() const { return type_ == kModeLink; }
  bool IsRegular() const { return type_ == kModeRegular; }

  // ---- Any inode.
  virtual Result<FileStatus> GetStatus() = 0;
  virtual Result<void> SetAttributes(const AttributeChange& change) = 0;
  // A description for `flags`, which have been checked against permissions; `self` is the name it
  // is opened by. Truncation is done by the caller.
  virtual Result<DescriptionRef> Open(const Caller& caller, const DentryRef& self,
                                      uint32_t flags) = 0;
  // truncate(2) of a regular file. Default: kInval.
  virtual Result<void> Truncate(uint64_t bytes);
  // Whether linkat(2) may give it one more name: not where it has none left, unless it is an
  // O_TMPFILE. Default: yes.
  virtual bool IsLinkable() { return true; }

  // ---- Who writes its bytes, and who executes them: never both (inode::i_writecount). Of regular
  // files. Each RegularFile that is open for writing is a writer.
  bool IsWritten() const { return writers_ > 0; }
  bool IsExecuted() const { return executions_ > 0; }
  void AddWriter();
  void RemoveWriter() { --writers_; }
  // deny_write_access(): while the result lives it is executed. kTxtBsy: somebody writes it.
  Result<std::shared_ptr<void>> Execute();

  // ---- Symbolic links.
  virtual Result<std::string> ReadLink(const Caller& caller);
  // A link of procfs that leads to an open file and not to a path: gives where. Null: an ordinary
  // link.
  virtual Result<DentryRef> FollowMagic(const Caller& caller);

  // ---- Directories.
  // Removed: nothing is found in it, and nothing can be made in it.
  virtual bool IsDead() { return false; }
  // Of a directory: a name that Lookup() does not find cannot be made either, and Linux says kNoEnt
  // of it before it looks at permissions (/proc: its lookup functions answer so themselves).
  virtual bool LookupIsFinal() const { return false; }
  // Names have been checked for length; they are never empty, "." or "..".
  // kNoEnt: no such name.
  virtual Result<DentryRef> Lookup(const DentryRef& self, std::string_view name);
  virtual Result<DentryRef> Create(const DentryRef& self, std::string_view name,
                                   const NewNode& node);
  // A nameless regular file of this file system (O_TMPFILE). Default: kOpNotSupp.
  virtual Result<DentryRef> CreateNameless(const DentryRef& self, const NewNode& node,
                                           bool linkable);
  virtual Result<void> Link(const DentryRef& self, std::string_view name, const DentryRef& source);
  // Removes a file, or a directory (kNotEmpty).
  virtual Result<void> Remove(const DentryRef& self, const DentryRef& child);
  // Moves `source` from this directory to `name` in `new_parent`, over `target` if that is not
  // null; or swaps both. Both directories belong to this file system.
  virtual Result<void> Rename(const DentryRef& self, const DentryRef& source,
                              const DentryRef& new_parent, std::string_view name,
                              const DentryRef& target, bool exchange);
  // getdents64. The default takes "." and ".." from `self` and the rest from List(), once for each
  // pass from the start.
  virtual Result<void> ReadEntries(const DentryRef& self, DirectoryCursor& cursor,
                                   DirectorySink& sink);
  // All entries but "." and "..", in the order that a guest shall see.
  virtual Result<std::vector<ListedEntry>> List(const DentryRef& self);

 protected:
  ~Inode() override = default;
  void HoldForWatch() final { AddReference(); }
  void LetGoForWatch() final { DropReference(); }

 private:
  template <typename T>
  friend class Ref;
  void AddReference() { ++references_; }
  void DropReference() {
    if (--references_ == 0) delete this;
  }

  std::shared_ptr<Super> super_;
  uint64_t number_;
  uint32_t type_;
  uint32_t references_ = 0;
  uint32_t writers_ = 0, executions_ = 0;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_INODE_H_
