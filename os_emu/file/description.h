// FileDescription: the open file description of open(2): what file descriptors refer to, shared by
// dup and fork. It is the identity by which the kernel knows an open file; numbers are only ever
// looked up in an FdTable, once, when a call enters.
//
// DescriptionRef is a strong reference (a descriptor, a call under way). DescriptionWatch is a weak
// one (an epoll interest): it never keeps a description open, and is told when the description is
// released. Single-threaded: the scheduler serialises guests. No method blocks: what would block
// returns kAgain, and the caller parks on a wait queue (task/blocked_call.h).
#ifndef POLLUX_OS_EMU_FILE_DESCRIPTION_H_
#define POLLUX_OS_EMU_FILE_DESCRIPTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "abi/result.h"
#include "abi/types.h"
#include "memory/user_buffer.h"
#include "os_emu/file/async.h"
#include "os_emu/file/events.h"
#include "os_emu/file/wait_queue.h"

namespace pollux::os_emu {

class DescriptionRef;
class DescriptionWatch;
struct FileStatus;    // os_emu/file/file_status.h: what stat(2) tells.
class DirectorySink;  // os_emu/file/directory_sink.h: where getdents64(2) puts entries.

// O_* of open(2) as riscv64 (asm-generic/fcntl.h) numbers them.
inline constexpr uint32_t kORdOnly = 0, kOWrOnly = 1, kORdWr = 2, kOAccMode = 3;
inline constexpr uint32_t kOCreat = 0100, kOExcl = 0200, kONoCtty = 0400, kOTrunc = 01000,
                          kOAppend = 02000, kONonBlock = 04000, kODSync = 010000, kOAsync = 020000,
                          kODirect = 040000, kOLargeFile = 0100000, kODirectory = 0200000,
                          kONoFollow = 0400000, kONoAtime = 01000000, kOCloExec = 02000000,
                          kOPath = 010000000;
// What fcntl(F_SETFL) may change.
inline constexpr uint32_t kOSetFlMask = kOAppend | kONonBlock | kOAsync | kODirect | kONoAtime;

// How a call that could do nothing waits for a description.
struct WaitPlan {
  WaitQueue* queue = nullptr;
  WaitMode mode = WaitMode::kFront;
  EventMask keys = 0;  // What ends the wait; 0: any key, as Linux's default_wake_function does.
  Nanos limit = kNanosMax;  // Of the whole call: it is kAgain then, and signals never restart it
                            // (SO_RCVTIMEO, SO_SNDTIMEO).
  bool limit_restarts = false;  // Each wake-up begins the limit again; signals restart the call as
                                // ever (a terminal's VTIME).
};
// When a write to what nobody reads raises SIGPIPE.
enum class BrokenPipe { kRaises, kRaisesIfNothingWasWritten, kQuiet };

enum class Whence { kSet = 0, kCurrent = 1, kEnd = 2, kData = 3, kHole = 4 };

class FileDescription {
 public:
  FileDescription(const FileDescription&) = delete;
  FileDescription& operator=(const FileDescription&) = delete;

  // ---- Data. Defaults: kInval, as a file without the operation gives. The access mode has been
  // checked by the caller. Moves what can be moved now and returns the bytes. kAgain: nothing can
  // be moved now, try again after a wake-up, whether or not kONonBlock is set. kFault: the first
  // byte of `to`/`from` is not accessible.
  virtual Result<size_t> Read(memory::UserBuffer& to);
  virtual Result<size_t> Write(memory::UserBuffer& from);
  // Whether there is a read or write at all (FMODE_CAN_READ, FMODE_CAN_WRITE), whatever the access
  // mode: without, the call fails with kInval before it looks at its buffers.
  virtual bool HasRead() const { return true; }
  virtual bool HasWrite() const { return true; }
  // Whether there are positions to read at: whether ReadAt() does not fail with kSPipe.
  bool HasPositions();
  // pread/pwrite at `offset` without moving the file position. Default: kSPipe.
  virtual Result<size_t> ReadAt(memory::UserBuffer& to, uint64_t offset);
  virtual Result<size_t> WriteAt(memory::UserBuffer& from, uint64_t offset);
  // Default: kSPipe.
  virtual Result<uint64_t> Seek(int64_t offset, Whence whence);

  // ---- Readiness.
  // What is ready now (vfs_poll): a file without its own answer is always readable and writable.
  virtual EventMask Poll();
  // The same, for who looks at these bits alone (poll_requested_events()). Default: Poll().
  virtual EventMask PollFor(EventMask /*wanted*/) { return Poll(); }
  // The queues that a poller must wait on; at most 2. `queues` has room for 2. Returns how many. 0:
  // the state never changes (regular files).
  virtual int PollQueues(WaitQueue* queues[2]);
  // Whether epoll accepts it; regular files and directories do not (EPERM).
  virtual bool CanBeWatched() const { return true; }
  // The queue a blocking Read or Write waits on, and how the thread joins it. Any key ends the
  // wait, as Linux's default_wake_function does. Default: the first poll queue.
  virtual WaitQueue* ReadQueue();
  virtual WaitQueue* WriteQueue();
  virtual WaitMode wait_mode() const { return WaitMode::kFront; }
  // All that is said of the wait after Read or Write gave kAgain, asked at once. Default: of the
  // functions above, without limit.
  virtual WaitPlan ReadWait();
  virtual WaitPlan WriteWait();
  virtual BrokenPipe broken_pipe() const { return BrokenPipe::kRaises; }
  // Read and Write once more after a wait. They differ where Linux passes the wake-up on to the
  // next exclusive waiter, or goes on in the middle of a write. Default: Read and Write.
  virtual Result<size_t> ResumeRead(memory::UserBuffer& to) { return Read(to); }
  // What a read gives when ReadWait()'s limit has passed. Default: kAgain.
  virtual Result<size_t> ReadAtLimit(memory::UserBuffer&) { return Errno::kAgain; }
  virtual Result<size_t> ResumeWrite(memory::UserBuffer& from) { return Write(from); }

  // ---- Everything else that is asked of an open file.
  virtual Result<void> Stat(FileStatus* status);  // Default: an anonymous inode's status.
  virtual Result<void> Truncate(uint64_t bytes);  // Default: kInval.
  // fallocate(2) with checked arguments; `mode`: kAllocate* of vfs/file_system.h. Default: kNoDev.
  virtual Result<void> Allocate(uint32_t mode, uint64_t offset, uint64_t bytes);
  virtual Result<void> ReadDirectory(DirectorySink& sink);  // Default: kNotDir.
  // ioctl(2): `argument` as given; `space` for its memory. Default: kNotTy.
  virtual Result<int64_t> Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space);
  // The pages that mmap(2) of the file shows. Null: zeros of the mapping's own (/dev/zero).
  // Default: kNoDev. kAcces: not open for reading. kNoMem.
  virtual Result<std::shared_ptr<memory::SharedObject>> MapPages();
  // fsync(2): brings what was stored to mappings of the file to where it belongs. kIo.
  virtual Result<void> Sync() { return {}; }

  // A read waits, or does so no more (ReaderWait). Default: nothing.
  virtual void OnReaderWaits(bool /*waits*/) {}

  // ---- Signals (async.h).
  // F_SETFL and FIOASYNC: registers this description where its state is, or takes that back; its
  // kOAsync says which. False: its kind has no such signals, and nothing was changed. Errors:
  // ChangeAsync()'s.
  Result<bool> SetAsync(FdLabel fd, bool on);
  // The owner, null as long as none was needed.
  const SignalOwner* signal_owner() const { return signal_owner_.get(); }
  SignalOwner& MakeSignalOwner();

  // ---- Told by the calls that move bytes, once a call, after it: fsnotify_access() and
  // fsnotify_modify(). A file that has a place in the file system tells who watches it.
  virtual void NoteAccess() {}
  virtual void NoteModify() {}

  // S_ISSOCK of its inode: calls that move bytes do it otherwise then.
  virtual bool IsSocket() const { return false; }

  // For reports and /proc/self/fd: "eventfd", "pipe", or a path. The link text is LinkText().
  virtual const char* TypeName() const = 0;
  // What readlink of /proc/self/fd/N says: "anon_inode:[eventfd]", "pipe:[17]", "/etc/passwd".
  virtual std::string LinkText() const;
  // What its kind adds to /proc/self/fdinfo/N, whole lines (Linux's show_fdinfo()). Default: none.
  virtual std::string FdInfo() const { return ""; }

  // Whether splice(2) may read from it or write to it (file_operations' splice_read and
  // splice_write); pipes are asked for nothing.
  virtual bool CanSpliceFrom() const { return false; }
  virtual bool CanSpliceTo() const { return false; }

  // What does the work: this, or what a file with a place in the file system forwards to. For calls
  // that want one kind of description (splice).
  virtual FileDescription& Behind() { return *this; }

  // Access mode and status flags (O_*), without the creation flags.
  uint32_t status_flags() const { return status_flags_; }
  void set_status_flags(uint32_t flags) { status_flags_ = flags; }
  bool nonblocking() const { return (status_flags_ & kONonBlock) != 0; }
  bool readable() const {
    return (status_flags_ & kOPath) == 0 && (status_flags_ & kOAccMode) != kOWrOnly;
  }
  bool writable() const {
    return (status_flags_ & kOPath) == 0 && (status_flags_ & kOAccMode) != kORdOnly;
  }
  // How many strong references there are: for who looks for references that nobody can use.
  uint32_t references() const { return references_; }

 protected:
  explicit FileDescription(uint32_t status_flags) : status_flags_(status_flags) {}
  // The lists that SetAsync() puts a description into which this is Behind(); at most 2, `lists`
  // has room for 2. 0: its kind has none (file_operations without fasync).
  virtual int AsyncLists(AsyncList* lists[2]);
  // SetAsync() of `file`. Default: as AsyncLists() says.
  virtual Result<bool> ChangeAsync(FileDescription& file, FdLabel fd, bool on);
  virtual ~FileDescription();
  // The last reference has gone: wake the peers, drop what is held. Called once, before destruction
  // and after all watches have been told; the object is whole. May drop references to other
  // descriptions: they are released after it returns, one after the other, so that a chain of any
  // length takes no stack (Linux's fput() delays too).
  virtual void OnRelease() {}
  // For OnRelease() of what is one file with `part`: if this was the last reference, the part is
  // released now, and not after what else goes together with this.
  static void ReleasePart(DescriptionRef& part);

 private:
  friend class DescriptionRef;
  friend class DescriptionWatch;
  friend class ReleaseBatch;
  friend class PostponedReleases;
  void Unref() {
    if (--references_ == 0) LetGo();
  }
  // The last reference has gone: releases it, or leaves that to a ReleaseBatch.
  void LetGo();
  void Release();

  uint32_t references_ = 0;
  uint32_t status_flags_;
  DescriptionWatch* watches_ = nullptr;
  std::unique_ptr<SignalOwner> signal_owner_;
  FileDescription* next_released_ = nullptr;  // In the list of those whose OnRelease is due.
};

// A strong reference. Copying shares, as dup(2) does. May be empty.
class DescriptionRef {
 public:
  DescriptionRef() = default;
  // Takes a fresh description (no reference yet) or shares a living one.
  explicit DescriptionRef(FileDescription* description) : description_(description) {
    if (description_ != nullptr) ++description_->references_;
  }
  DescriptionRef(const DescriptionRef& other) : DescriptionRef(other.description_) {}
  DescriptionRef(DescriptionRef&& other) noexcept
      : description_(std::exchange(other.description_, nullptr)) {}
  DescriptionRef& operator=(DescriptionRef other) noexcept {
    std::swap(description_, other.description_);
    return *this;
  }
  ~DescriptionRef() {
    if (description_ != nullptr) description_->Unref();
  }

  FileDescription* get() const { return description_; }
  FileDescription* operator->() const { return description_; }
  FileDescription& operator*() const { return *description_; }
  explicit operator bool() const { return description_ != nullptr; }
  friend bool operator==(const DescriptionRef&, const DescriptionRef&) = default;

 private:
  friend class FileDescription;
  FileDescription* description_ = nullptr;
};

template <typename T, typename... Args>
DescriptionRef MakeDescription(Args&&... args) {
  return DescriptionRef(new T(std::forward<Args>(args)...));
}

// While one lives, a call waits for something to read. The description outlives it.
class ReaderWait {
 public:
  explicit ReaderWait(FileDescription& description) : description_(description) {
    description_.OnReaderWaits(true);
  }
  ~ReaderWait() { description_.OnReaderWaits(false); }
  ReaderWait(const ReaderWait&) = delete;
  ReaderWait& operator=(const ReaderWait&) = delete;

 private:
  FileDescription& description_;
};

// Releases that are due and come after something else (ReleaseBatch::PostponeRest()).
class PostponedReleases {
 public:
  PostponedReleases() = default;
  // They happen now, and nothing is postponed any more.
  ~PostponedReleases();
  PostponedReleases(const PostponedReleases&) = delete;
  PostponedReleases& operator=(const PostponedReleases&) = delete;

  // They happen now; one of them may postpone what comes after it.
  void Go();

 private:
  friend class ReleaseBatch;
  FileDescription* first_ = nullptr;
};

// While one lives, descriptions whose last reference goes are not released yet: they are when it
// ends, the last one first. For what lets go of several at once, as close_range(2), execve(2) and
// exit do: fput() leaves them to task_work_run(). One within another does nothing.
class ReleaseBatch {
 public:
  ReleaseBatch();
  ~ReleaseBatch();
  ReleaseBatch(const ReleaseBatch&) = delete;
  ReleaseBatch& operator=(const ReleaseBatch&) = delete;

  // For OnRelease(): what else is due is released by `rest`, as a release that sleeps holds up
  // those after it. False: it may not.
  static bool PostponeRest(PostponedReleases& rest);

 private:
  friend class PostponedReleases;
  static void Run(FileDescription* batch);

  const bool outermost_;
};

// A weak reference that is told of the end.
class DescriptionWatch {
 public:
  explicit DescriptionWatch(FileDescription& target);
  virtual ~DescriptionWatch();
  DescriptionWatch(const DescriptionWatch&) = delete;
  DescriptionWatch& operator=(const DescriptionWatch&) = delete;

  // Null after the release.
  FileDescription* target() const { return target_; }
  // Who watches a description, the newest first: Newest(), then Next() until null.
  static DescriptionWatch* Newest(const FileDescription& description) {
    return description.watches_;
  }
  DescriptionWatch* Next() const { return next_; }

 protected:
  // The target's last reference has gone; target() is null already. May delete this watch and no
  // other.
  virtual void OnTargetReleased() = 0;

 private:
  friend class FileDescription;
  FileDescription* target_;
  DescriptionWatch* previous_ = nullptr;
  DescriptionWatch* next_ = nullptr;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_FILE_DESCRIPTION_H_
