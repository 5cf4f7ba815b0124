// SyscallContext: one system call as its handler sees it. Arguments are decoded when the handler
// asks for them, so that errors come in Linux's order (ARCHITECTURE.md).
//
// Lives on the stack for one call of a handler. What a blocked call needs later is copied into its
// record.
#ifndef POLLUX_SHIMS_CONTEXT_H_
#define POLLUX_SHIMS_CONTEXT_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "abi/result.h"
#include "abi/types.h"
#include "interp/engine/cpu.h"
#include "memory/address_space.h"
#include "memory/user_buffer.h"
#include "os_emu/file/fd_table.h"
#include "os_emu/task/kernel.h"
#include "shims/linux_abi.h"
#include "shims/shims.h"

namespace pollux::shims {

using os_emu::CallResult;
using os_emu::DescriptionRef;
using os_emu::Fd;

inline constexpr int32_t kAtFdCwd = -100;
inline constexpr size_t kPathMax = 4096;  // With the NUL.
inline constexpr uint64_t kMaxTransfer =
    0x7ffff000;                                // MAX_RW_COUNT: one read or write moves no more.
inline constexpr uint64_t kMaxVectors = 1024;  // UIO_MAXIOV

class SyscallContext {
 public:
  SyscallContext(SyscallAbi& abi, os_emu::Thread& thread, interp::Cpu& cpu, const Call& call)
      : abi_(abi), thread_(thread), cpu_(cpu), call_(call) {}
  SyscallContext(const SyscallContext&) = delete;
  SyscallContext& operator=(const SyscallContext&) = delete;

  SyscallAbi& abi() { return abi_; }
  os_emu::Thread& thread() { return thread_; }
  os_emu::Process& process() { return thread_.process(); }
  os_emu::FdTable& fds() { return thread_.fds(); }
  os_emu::Kernel& kernel() { return thread_.process().kernel(); }
  os_emu::Clock& clock() { return kernel().clock(); }
  memory::AddressSpace& memory() { return *thread_.process().memory; }
  interp::Cpu& cpu() { return cpu_; }
  const Call& call() const { return call_; }
  // capable()
  bool Has(os_emu::Capability capability) { return thread().credentials().Has(capability); }

  // ---- Arguments, counted from 0, as C's types would take them from the register.
  uint64_t Arg(int i) const { return call_.args[i]; }
  int64_t Long(int i) const { return static_cast<int64_t>(call_.args[i]); }
  int32_t Int(int i) const { return static_cast<int32_t>(call_.args[i]); }
  uint32_t UInt(int i) const { return static_cast<uint32_t>(call_.args[i]); }
  GuestAddr Addr(int i) const { return GuestAddr{call_.args[i]}; }
  Fd FdAt(int i) const { return Fd{Int(i)}; }

  // ---- Decoding that can fail.
  // fget(): EBADF where the number is not open, and where it was opened with O_PATH.
  Result<DescriptionRef> File(int i) {
    Result<DescriptionRef> file = AnyFile(i);
    if (file.ok() && ((*file)->status_flags() & os_emu::kOPath) != 0) return Errno::kBadF;
    return file;
  }
  // fget_raw(): O_PATH is all right.
  Result<DescriptionRef> AnyFile(int i) { return fds().Get(FdAt(i)); }
  // getname(): EFAULT, ENAMETOOLONG; an empty path is the callee's to refuse.
  Result<std::string> Path(int i) { return PathFrom(Addr(i)); }
  Result<std::string> PathFrom(GuestAddr address);
  // The directory that `path` starts in: what the dirfd argument refers to, empty for AT_FDCWD. An
  // absolute path does not look at it (EBADF cannot come then), as Linux's path_init().
  Result<DescriptionRef> Base(int i, const std::string& path);

  // get_unused_fd_flags() and fd_install(): the number, the lowest free one that is not below
  // `from`; EMFILE, EINVAL (`from`).
  CallResult Install(DescriptionRef file, bool close_on_exec, int32_t from = 0) {
    Result<Fd> fd = fds().Install(std::move(file), close_on_exec, from);
    if (!fd.ok()) return fd.error();
    return static_cast<int64_t>(*fd);
  }

  // The same of one that the call has just made: alloc_file() comes behind the number. kNFile: no
  // memory for it (a fault).
  CallResult InstallNew(DescriptionRef file, bool close_on_exec) {
    const Result<void> number = fds().CheckRoom();
    if (!number.ok()) return number.error();
    if (!kernel().budget().FitsObject(0)) return Errno::kNFile;
    return Install(std::move(file), close_on_exec);
  }

  // Both at once, in the order of getname() and path_init(): EFAULT, ENAMETOOLONG, ENOENT (empty
  // without kAtEmptyPath), EBADF.
  struct Place {
    DescriptionRef base;
    std::string path;
  };
  Result<Place> PlaceAt(int dirfd, int path, uint32_t at_flags = 0);

  template <typename T>
  Result<T> In(GuestAddr address) {
    return memory().ReadObject<T>(address);
  }
  template <typename T>
  Result<void> Out(GuestAddr address, const T& object) {
    return memory().WriteObject(address, object);
  }

  // find_process_by_pid() of the sched_*(2) calls: 0 is the caller; ESRCH.
  Result<os_emu::Thread*> Task(int i) {
    os_emu::Thread* task = Int(i) == 0 ? &thread_ : kernel().FindTask(Tid{Int(i)});
    if (task == nullptr) return Errno::kSrch;
    return task;
  }

  // A pointer to an offset in a file, of any sign; nothing: it is null. EFAULT.
  Result<std::optional<int64_t>> OffsetAt(int i) {
    if (Addr(i).IsNull()) return std::optional<int64_t>();
    POLLUX_ASSIGN_OR_RETURN(const int64_t offset, In<int64_t>(Addr(i)));
    return std::optional<int64_t>(offset);
  }
  // get_timespec64() and timespec64_valid(): EFAULT, EINVAL.
  Result<Nanos> Timespec(GuestAddr address);
  // The same where a null pointer means "none".
  Result<std::optional<Nanos>> OptionalTimespec(GuestAddr address);

  // access_ok() of 64-bit riscv, whose TASK_SIZE_MAX is LONG_MAX: only the sign bit is looked at.
  static bool AccessOk(uint64_t address, uint64_t bytes) {
    return bytes <= static_cast<uint64_t>(INT64_MAX) &&
           address <= static_cast<uint64_t>(INT64_MAX) - bytes;
  }
  // import_ubuf(): EFAULT; cut to kMaxTransfer.
  Result<memory::UserBuffer> Buffer(GuestAddr address, uint64_t bytes) {
    if (!AccessOk(address.value, bytes)) return Errno::kFault;
    return memory::UserBuffer(&memory(), address, std::min(bytes, kMaxTransfer));
  }
  // import_iovec(): EINVAL (count above kMaxVectors, a negative length), EFAULT; cut to
  // kMaxTransfer.
  Result<memory::UserBuffer> Vectors(GuestAddr address, uint64_t count);

  // set_user_sigmask() of epoll_pwait, ppoll and pselect6: no mask leaves all as it is. EINVAL
  // (size), EFAULT.
  Result<void> SetTemporaryMask(GuestAddr mask, uint64_t size) {
    if (mask.IsNull()) return {};
    return SetMask(mask, size);
  }

  // ---- Refusals. Prints once "pollux: warning: NAME: WHAT is not supported, returns EINVAL" and
  // returns the error.
  Errno Refuse(Errno error, const std::string& what);

 private:
  Result<void> SetMask(GuestAddr mask, uint64_t size);

  SyscallAbi& abi_;
  os_emu::Thread& thread_;
  interp::Cpu& cpu_;
  const Call& call_;
};

// ns_to_timespec64(): the nanoseconds are never negative.
GuestTimespec ToTimespec(Nanos time);

// SyscallContext::Vectors() for calls that decode more of them later.
Result<memory::UserBuffer> VectorsFrom(memory::AddressSpace& memory, GuestAddr address,
                                       uint64_t count);

// The name of a call for messages: "read", or "syscall_0x1f4".
std::string SyscallName(uint64_t number);

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_CONTEXT_H_
