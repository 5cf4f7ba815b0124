// FileSystem: the files of one machine: what a path means, and what may be done with it
// (fs/namei.c, fs/open.c).
//
// A tree of memory files, with host directories, /dev and /proc mounted in it. Nothing else of the
// host can be seen. Every answer comes from the machine: times from its Clock, inode numbers
// counted in order of first sight, directory order as said in memory_fs.h and host_fs.h. Memory
// that files use is charged to the machine's MemoryBudget.
//
// How the calls of path resolution are to be used:
//   - `base` is the directory that a relative path starts in: what dirfd refers to, or empty for
//   the working directory
//     (AT_FDCWD). It is not looked at where the path is absolute. For a dirfd that is not open give
//     NotOpen(): the call is kBadF then, at the moment at which Linux would have looked.
//   - `path` is what the guest gave, without the NUL. 4096 bytes or more are kNameTooLong. An empty
//   one is kNoEnt,
//     unless at_flags has kAtEmptyPath: then the call acts on `base` itself, whatever it is. So
//     fchmod(fd) is ChangeMode(caller, file, "", mode, kAtEmptyPath).
//   - flags are Linux's bits; unknown ones are kInval.
//   - the errors, and which comes first, are Linux's: kNoEnt, kNotDir, kLoop (more than 40 links),
//   kNameTooLong (255 bytes a
//     component), kAcces by mode bits (uid 0 passes, as with CAP_DAC_OVERRIDE), kRoFs, kXDev, kBusy
//     (mount points) ...
// Single-threaded. Descriptions must be let go before the FileSystem is destroyed.
#ifndef POLLUX_OS_EMU_VFS_FILE_SYSTEM_H_
#define POLLUX_OS_EMU_VFS_FILE_SYSTEM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "abi/result.h"
#include "abi/types.h"
#include "absl/status/status.h"
#include "memory/address_space.h"
#include "os_emu/file/description.h"
#include "os_emu/file/file_status.h"
#include "os_emu/file/size_limit.h"
#include "os_emu/time/clock.h"
#include "os_emu/vfs/caller.h"
#include "os_emu/vfs/dentry.h"
#include "os_emu/vfs/seals.h"

namespace pollux::os_emu {

class SpecialFileOpener;  // vfs/special_file.h

// AT_* of fcntl(2).
inline constexpr uint32_t kAtSymlinkNoFollow = 0x100, kAtEAccess = 0x200, kAtRemoveDir = 0x200,
                          kAtSymlinkFollow = 0x400, kAtNoAutomount = 0x800, kAtEmptyPath = 0x1000;
// RENAME_* of renameat2(2). kRenameWhiteout is refused: kInval, as by file systems without it.
inline constexpr uint32_t kRenameNoReplace = 1, kRenameExchange = 2, kRenameWhiteout = 4;
// FALLOC_FL_* of fallocate(2).
inline constexpr uint32_t kAllocateKeepSize = 1, kAllocatePunchHole = 2;
// What access(2) asks for.
inline constexpr uint32_t kAccessExecute = 1, kAccessWrite = 2, kAccessRead = 4;
// O_TMPFILE without the O_DIRECTORY that it always comes with.
inline constexpr uint32_t kOTmpFileBit = 020000000;

// One of the two times of utimensat(2).
struct TimeChange {
  enum Kind { kSet, kNow, kOmit };
  Kind kind = kNow;
  Nanos time;  // Of kSet.
};

// statfs(2).
struct FileSystemStatus {
  uint64_t type = 0;  // f_type, the magic number: 0x01021994 for memory files.
  uint64_t block_bytes = 4096;
  uint64_t blocks = 0, blocks_free = 0, blocks_available = 0;
  uint64_t files = 0, files_free = 0;
  uint64_t fsid = 0;
  uint64_t name_bytes = 255;
  uint64_t flags = 0;  // ST_*: 1 is ST_RDONLY.
};

class FileSystem {
 public:
  // An empty root directory, mode 0755, owner 0. default_tree.h fills it. `clock` and `budget` must
  // outlive it.
  FileSystem(const Clock* clock, memory::MemoryBudget* budget);
  ~FileSystem();
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;

  static DescriptionRef NotOpen();

  // ---- Set-up, by the machine.
  // Shows the host directory `host_path` at the absolute `guest_path`; missing directories on the
  // way are made (in memory, never on the host). Mounts nest, in whatever order they are made: the
  // longest prefix of a path wins. Files of the host are shown as owned by `uid` and `gid`. See
  // host_fs.h.
  absl::Status MountHostDirectory(std::string_view guest_path, const std::string& host_path,
                                  bool read_only, uint32_t uid, uint32_t gid);
  // As written on the command line: "GUESTPATH=HOSTDIR" or "GUESTPATH=HOSTDIR:ro".
  absl::Status MountFromFlag(std::string_view flag, uint32_t uid, uint32_t gid);
  // Puts another file system's root over the absolute `guest_path`. For this folder's own set-up
  // functions.
  absl::Status Mount(std::string_view guest_path, InodeRef root);
  // An empty file system in memory there.
  absl::Status MountMemory(std::string_view guest_path);
  // Puts `contents` into the file at `path`, as root: a new one with just this `mode`, or the one
  // that is there. Errors of openat(2) and write(2).
  Result<void> MakeFile(std::string_view path, std::string_view contents, uint32_t mode);
  // The same without a copy, where the file is in memory: `contents` must outlive this.
  Result<void> MakeLentFile(std::string_view path, std::string_view contents, uint32_t mode);
  // What is mounted, the root first, then by path.
  struct MountInfo {
    std::string path;
    const Super* super;
  };
  std::vector<MountInfo> Mounts() const;
  // Who opens FIFOs, sockets and device nodes (by st_rdev). Not owned; must outlive the FileSystem.
  // Without one: kNxio.
  void SetFifoOpener(SpecialFileOpener* opener);
  void SetDeviceOpener(uint64_t device, SpecialFileOpener* opener);
  // What writers are held to, and without one nothing.
  void SetSizeLimit(std::shared_ptr<SizeLimit> limit) { size_limit_ = std::move(limit); }
  // SizeLimit's, for who writes on behalf of a guest.
  Result<uint64_t> CheckWrite(uint64_t offset, uint64_t bytes) {
    return size_limit_ != nullptr ? size_limit_->CheckWrite(offset, bytes) : bytes;
  }
  Result<void> CheckSize(uint64_t now, uint64_t wanted) {
    return size_limit_ != nullptr ? size_limit_->CheckSize(now, wanted) : Result<void>();
  }
  // For objects that live as long as the file system (openers that this folder brings).
  void Keep(std::shared_ptr<void> object);

  // ---- Opening.
  // openat(2). `flags` are O_* bits (unknown ones are ignored, as openat does); `mode` counts for a
  // new file. A directory gives a description for ReadDirectory. kOCloExec is the caller's
  // business: it belongs to the number.
  Result<DescriptionRef> Open(const Caller& caller, const DescriptionRef& base,
                              std::string_view path, uint32_t flags, uint32_t mode = 0);
  // For chdir(2) (and fchdir with "" and kAtEmptyPath): what goes into Caller::cwd. kNotDir, kAcces
  // without execute permission.
  Result<DescriptionRef> OpenDirectory(const Caller& caller, const DescriptionRef& base,
                                       std::string_view path, uint32_t at_flags = 0);
  // For execve(2): a readable description of a regular file. kAcces: not regular, or not
  // executable. kTxtBsy: somebody writes it.
  Result<DescriptionRef> OpenExecutable(const Caller& caller, const DescriptionRef& base,
                                        std::string_view path, uint32_t at_flags = 0);
  // memfd_create(2)'s file: readable and writable, nameless, in memory. LinkText is "/memfd:NAME
  // (deleted)".
  // `seals`: what it begins with; kSealExec makes it not executable. By default none can be added.
  Result<DescriptionRef> OpenMemoryFile(const Caller& caller, std::string_view name,
                                        uint32_t seals = kSealSeal);

  // getcwd(2): the absolute path of an open directory or file. kNoEnt: it has been removed.
  // kNameTooLong: 4096 bytes or more.
  Result<std::string> PathOf(const DescriptionRef& file) const;

  // fallocate(2) of an open file: `mode` 0, kAllocateKeepSize or kAllocateKeepSize |
  // kAllocatePunchHole; kOpNotSupp otherwise.
  static Result<void> Allocate(const DescriptionRef& file, uint32_t mode, int64_t offset,
                               int64_t bytes);

  // inotify_add_watch(2): what is at `path`, which the caller may read. `follow`: a symbolic link
  // at the end.
  Result<InodeRef> FindForWatch(const Caller& caller, std::string_view path, bool follow,
                                bool must_be_directory);

  // ---- Asking.
  Result<FileStatus> Stat(const Caller& caller, const DescriptionRef& base, std::string_view path,
                          uint32_t at_flags = 0);
  // The whole target; the system call cuts it. kInval: not a symbolic link. An empty path reads the
  // link that `base` is (O_PATH | O_NOFOLLOW), kNoEnt where it is none.
  Result<std::string> ReadLink(const Caller& caller, const DescriptionRef& base,
                               std::string_view path);
  // faccessat2(2), for caller.uid: without kAtEAccess that has to be the real one. `wanted`:
  // kAccess* bits or 0.
  Result<void> Access(const Caller& caller, const DescriptionRef& base, std::string_view path,
                      uint32_t wanted, uint32_t at_flags = 0);
  Result<FileSystemStatus> StatFileSystem(const Caller& caller, const DescriptionRef& base,
                                          std::string_view path, uint32_t at_flags = 0);

  // ---- Changing names.
  Result<void> MakeDirectory(const Caller& caller, const DescriptionRef& base,
                             std::string_view path, uint32_t mode);
  // mknodat(2): regular files, FIFOs and sockets; device nodes for uid 0 in memory only.
  Result<void> MakeNode(const Caller& caller, const DescriptionRef& base, std::string_view path,
                        uint32_t mode, uint64_t device);
  Result<void> MakeSymlink(const Caller& caller, std::string_view target,
                           const DescriptionRef& base, std::string_view path);
  Result<void> Link(const Caller& caller, const DescriptionRef& old_base, std::string_view old_path,
                    const DescriptionRef& new_base, std::string_view new_path,
                    uint32_t at_flags = 0);
  // unlinkat(2): kAtRemoveDir makes it rmdir(2).
  Result<void> Unlink(const Caller& caller, const DescriptionRef& base, std::string_view path,
                      uint32_t at_flags = 0);
  Result<void> Rename(const Caller& caller, const DescriptionRef& old_base,
                      std::string_view old_path, const DescriptionRef& new_base,
                      std::string_view new_path, uint32_t flags = 0);

  // ---- Changing inodes.
  Result<void> ChangeMode(const Caller& caller, const DescriptionRef& base, std::string_view path,
                          uint32_t mode, uint32_t at_flags = 0);
  // UINT32_MAX leaves an id as it is.
  Result<void> ChangeOwner(const Caller& caller, const DescriptionRef& base, std::string_view path,
                           uint32_t uid, uint32_t gid, uint32_t at_flags = 0);
  Result<void> ChangeTimes(const Caller& caller, const DescriptionRef& base, std::string_view path,
                           TimeChange access, TimeChange modification, uint32_t at_flags = 0);
  // truncate(2). kInval: negative. (ftruncate(2) is FileDescription::Truncate.)
  Result<void> Truncate(const Caller& caller, std::string_view path, int64_t bytes);

  // ---- For the file systems of this folder.
  const Clock& clock() const { return *clock_; }
  memory::MemoryBudget& budget() { return *budget_; }
  // What "/" is.
  const DentryRef& root() const { return root_; }
  // A number that no other Super has.
  uint64_t NextDevice();
  SpecialFileOpener* OpenerFor(uint32_t mode, uint64_t device) const;
  // For memfd_create(2): a file without a name, of a file system that is mounted nowhere. Null: the
  // memory limit is reached.
  InodeRef NewMemfdInode(const NewNode& node);

 private:
  struct Impl;

  // What `path` is, or with an empty path and kAtEmptyPath what `base` is.
  Result<DentryRef> Find(const Caller& caller, const DescriptionRef& base, std::string_view path,
                         uint32_t at_flags, bool follow) const;
  Result<DentryRef> MountPointFor(const std::vector<std::string>& names);
  absl::Status AttachMounts();
  void DetachMounts();

  // fsnotify_get_cookie(): 0 is none.
  uint32_t NextMoveCookie() { return ++last_move_cookie_; }

  const Clock* clock_;
  memory::MemoryBudget* budget_;
  std::shared_ptr<SizeLimit> size_limit_;
  uint32_t last_move_cookie_ = 0;
  DentryRef root_;
  std::unique_ptr<Impl> impl_;
};

// The file of OpenExecutable() is executed while the result lives: nobody may open it for writing
// (kTxtBsy). kTxtBsy: somebody writes it.
Result<std::shared_ptr<void>> ExecuteFile(const DescriptionRef& file);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_FILE_SYSTEM_H_
