// OpenFile: a description of something that has a place in the file system. What open(2) gives.
//
// PathFile: opened with O_PATH, only good as a base. DirectoryFile: for getdents64(2). RegularFile:
// bytes with a position; the file system says where they are. ForwardedFile: a FIFO or device,
// which another folder's description implements. Regular files and directories are always ready and
// cannot be watched by epoll (EPERM).
#ifndef POLLUX_OS_EMU_VFS_OPEN_FILE_H_
#define POLLUX_OS_EMU_VFS_OPEN_FILE_H_

#include <cstdint>
#include <string>
#include <utility>

#include "abi/result.h"
#include "memory/user_buffer.h"
#include "os_emu/file/description.h"
#include "os_emu/file/directory_sink.h"
#include "os_emu/file/file_page.h"
#include "os_emu/file/file_status.h"
#include "os_emu/vfs/dentry.h"
#include "os_emu/vfs/inode.h"
#include "os_emu/vfs/seals.h"

namespace pollux::os_emu {

// s_maxbytes of file systems with 64-bit offsets.
inline constexpr uint64_t kMaxFileBytes = INT64_MAX;
// MAX_RW_COUNT: what one read or write moves at most.
inline constexpr uint64_t kMaxTransferBytes = 0x7ffff000;
// ioctl requests that every regular file answers (asm-generic/ioctls.h, uapi/linux/fs.h).
inline constexpr uint32_t kFionRead = 0x541b, kFioQSize = 0x5460, kFiGetBsz = 2;

class OpenFile : public FileDescription {
 public:
  const DentryRef& dentry() const { return dentry_; }
  Inode& inode() const { return dentry_->inode(); }

  Result<void> Stat(FileStatus* status) override;
  std::string LinkText() const override { return dentry_->LinkText(); }
  Result<int64_t> Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space) override;
  void NoteAccess() override;
  void NoteModify() override;
  // FMODE_NONOTIFY: nobody is told what is done through this description.
  void MakeQuiet() { quiet_ = true; }

 protected:
  OpenFile(DentryRef dentry, uint32_t status_flags)
      : FileDescription(status_flags),
        dentry_(std::move(dentry)),
        quiet_((status_flags & kOPath) != 0) {}
  // Tells watchers of the end, unless NoteClose() has.
  ~OpenFile() override { NoteClose(); }
  // fsnotify_close(), once, and then no more.
  void NoteClose();

 private:
  DentryRef dentry_;
  bool quiet_ = false;
};

// All reading and writing is kBadF.
class PathFile final : public OpenFile {
 public:
  PathFile(DentryRef dentry, uint32_t status_flags) : OpenFile(std::move(dentry), status_flags) {}

  Result<size_t> Read(memory::UserBuffer&) override { return Errno::kBadF; }
  Result<size_t> Write(memory::UserBuffer&) override { return Errno::kBadF; }
  Result<size_t> ReadAt(memory::UserBuffer&, uint64_t) override { return Errno::kBadF; }
  Result<size_t> WriteAt(memory::UserBuffer&, uint64_t) override { return Errno::kBadF; }
  Result<uint64_t> Seek(int64_t, Whence) override { return Errno::kBadF; }
  EventMask Poll() override { return kNval; }
  bool CanBeWatched() const override { return false; }
  Result<void> Truncate(uint64_t) override { return Errno::kBadF; }
  Result<void> ReadDirectory(DirectorySink&) override { return Errno::kBadF; }
  Result<int64_t> Ioctl(uint32_t, uint64_t, memory::AddressSpace*) override { return Errno::kBadF; }
  Result<std::shared_ptr<memory::SharedObject>> MapPages() override { return Errno::kBadF; }
  const char* TypeName() const override { return "path"; }
};

// FileSystem::NotOpen(): a dirfd without a description.
class NotOpenFile final : public FileDescription {
 public:
  NotOpenFile() : FileDescription(kOPath) {}
  Result<void> Stat(FileStatus*) override { return Errno::kBadF; }
  const char* TypeName() const override { return "none"; }
};

// Entry order and positions are the file system's; a position stays good while entries come and go.
class DirectoryFile final : public OpenFile {
 public:
  DirectoryFile(DentryRef dentry, uint32_t status_flags)
      : OpenFile(std::move(dentry), status_flags) {}

  Result<size_t> Read(memory::UserBuffer&) override { return Errno::kIsDir; }
  Result<size_t> ReadAt(memory::UserBuffer&, uint64_t) override { return Errno::kIsDir; }
  // rewinddir, seekdir: kSet and kCurrent only.
  Result<uint64_t> Seek(int64_t offset, Whence whence) override;
  bool CanBeWatched() const override { return false; }
  // kNoEnt: the directory has been removed.
  Result<void> ReadDirectory(DirectorySink& sink) override;
  const char* TypeName() const override { return "directory"; }

 private:
  void OnRelease() override;
  DirectoryCursor cursor_;
};

// The file position, O_APPEND and the limits of offsets; subclasses move the bytes.
class RegularFile : public OpenFile {
 public:
  Result<size_t> Read(memory::UserBuffer& to) final;
  Result<size_t> Write(memory::UserBuffer& from) final;
  Result<size_t> ReadAt(memory::UserBuffer& to, uint64_t offset) final;
  Result<size_t> WriteAt(memory::UserBuffer& from, uint64_t offset) final;
  Result<uint64_t> Seek(int64_t offset, Whence whence) final;
  bool CanBeWatched() const override { return false; }
  // ftruncate(2). kInval: not open for writing. kFBig: past kMaxFileBytes.
  Result<void> Truncate(uint64_t bytes) final;
  Result<int64_t> Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space) final;
  Result<void> Allocate(uint32_t mode, uint64_t offset, uint64_t bytes) override = 0;
  // F_GET_SEALS, F_ADD_SEALS of checked bits.
  // Default: kInval, the file system knows no seals. kPerm: no more may be added. kBusy: kSealWrite
  // of a mapped file.
  virtual Result<uint32_t> Seals() const { return Errno::kInval; }
  virtual Result<void> AddSeals(uint32_t /*seals*/) { return Errno::kInval; }
  // The page with the byte at `offset`, for a pipe to refer to. Null: bytes have to be copied.
  virtual FilePageRef PageAt(uint64_t /*offset*/) { return nullptr; }
  // The pages that mappings show, if there have been any.
  virtual const memory::SharedObject* SharedPages() const { return nullptr; }
  bool CanSpliceFrom() const override { return true; }
  bool CanSpliceTo() const override { return true; }
  // alloc_file_pseudo(): it is no writer of its file, although it writes.
  void DoNotCount() {
    if (std::exchange(writer_, false)) inode().RemoveWriter();
  }
  const char* TypeName() const override { return "file"; }

 protected:
  // Whoever opens it for writing has looked whether it is executed (kTxtBsy).
  RegularFile(DentryRef dentry, uint32_t status_flags) : OpenFile(std::move(dentry), status_flags) {
    if (writer_) inode().AddWriter();
  }
  ~RegularFile() override { DoNotCount(); }

  // ---- The bytes. Offsets and ends are at most kMaxFileBytes; counts are not 0 and at most
  // kMaxTransferBytes.
  virtual Result<uint64_t> Size() = 0;
  // Less than asked for: the end, or (with nothing copied: kFault) an inaccessible byte.
  virtual Result<size_t> ReadBytes(memory::UserBuffer& to, uint64_t offset) = 0;
  // `append`: at the end, which becomes *offset.
  virtual Result<size_t> WriteBytes(memory::UserBuffer& from, uint64_t* offset, bool append) = 0;
  virtual Result<void> SetSize(uint64_t bytes) = 0;
  // lseek(SEEK_DATA), lseek(SEEK_HOLE) for offset < Size().
  virtual Result<uint64_t> NextData(uint64_t offset);  // Default: all is data.
  virtual Result<uint64_t> NextHole(uint64_t offset);

 private:
  Result<size_t> WriteFrom(memory::UserBuffer& from, uint64_t* offset);
  uint64_t position_ = 0;
  bool writer_ = writable();
};

// Passes everything but its place in the file system on to `target`.
class ForwardedFile final : public OpenFile {
 public:
  ForwardedFile(DentryRef dentry, uint32_t status_flags, DescriptionRef target)
      : OpenFile(std::move(dentry), status_flags), target_(std::move(target)) {}

  Result<size_t> Read(memory::UserBuffer& to) override { return target().Read(to); }
  Result<size_t> Write(memory::UserBuffer& from) override { return target().Write(from); }
  Result<size_t> ReadAt(memory::UserBuffer& to, uint64_t offset) override {
    return target().ReadAt(to, offset);
  }
  Result<size_t> WriteAt(memory::UserBuffer& from, uint64_t offset) override {
    return target().WriteAt(from, offset);
  }
  Result<uint64_t> Seek(int64_t offset, Whence whence) override {
    return target().Seek(offset, whence);
  }
  EventMask Poll() override { return target().Poll(); }
  EventMask PollFor(EventMask wanted) override { return target().PollFor(wanted); }
  int PollQueues(WaitQueue* queues[2]) override { return target().PollQueues(queues); }
  bool CanBeWatched() const override { return target_->CanBeWatched(); }
  WaitQueue* ReadQueue() override { return target().ReadQueue(); }
  WaitQueue* WriteQueue() override { return target().WriteQueue(); }
  WaitMode wait_mode() const override { return target_->wait_mode(); }
  WaitPlan ReadWait() override { return target().ReadWait(); }
  WaitPlan WriteWait() override { return target().WriteWait(); }
  BrokenPipe broken_pipe() const override { return target_->broken_pipe(); }
  Result<size_t> ResumeRead(memory::UserBuffer& to) override { return target().ResumeRead(to); }
  Result<size_t> ReadAtLimit(memory::UserBuffer& to) override { return target().ReadAtLimit(to); }
  std::string FdInfo() const override { return target_->FdInfo(); }
  Result<size_t> ResumeWrite(memory::UserBuffer& from) override {
    return target().ResumeWrite(from);
  }
  Result<int64_t> Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space) override {
    return target().Ioctl(request, argument, space);
  }
  Result<std::shared_ptr<memory::SharedObject>> MapPages() override { return target().MapPages(); }
  const char* TypeName() const override { return target_->TypeName(); }
  FileDescription& Behind() override { return target(); }
  // Reading and writing special files tells who watches the file, and not who watches its
  // directory.
  void NoteAccess() override;
  void NoteModify() override;
  bool HasRead() const override { return target_->HasRead(); }
  bool HasWrite() const override { return target_->HasWrite(); }
  bool CanSpliceFrom() const override { return target_->CanSpliceFrom(); }
  bool CanSpliceTo() const override { return target_->CanSpliceTo(); }

 private:
  void OnRelease() override {
    NoteClose();
    ReleasePart(target_);
  }
  // F_SETFL changes this description's flags; the one behind it must know.
  FileDescription& target() {
    target_->set_status_flags(status_flags());
    return *target_;
  }
  DescriptionRef target_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_OPEN_FILE_H_
