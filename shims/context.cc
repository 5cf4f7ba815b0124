#include "shims/context.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "os_emu/vfs/file_system.h"

namespace pollux::shims {

Result<std::string> SyscallContext::PathFrom(GuestAddr address) {
  return memory().ReadString(address, kPathMax);
}

Result<DescriptionRef> SyscallContext::Base(int i, const std::string& path) {
  if (Int(i) == kAtFdCwd || (!path.empty() && path[0] == '/')) return DescriptionRef();
  return AnyFile(i);
}

Result<SyscallContext::Place> SyscallContext::PlaceAt(int dirfd, int path, uint32_t at_flags) {
  Place place;
  POLLUX_ASSIGN_OR_RETURN(place.path, Path(path));
  if (place.path.empty() && (at_flags & os_emu::kAtEmptyPath) == 0) return Errno::kNoEnt;
  POLLUX_ASSIGN_OR_RETURN(place.base, Base(dirfd, place.path));
  return place;
}

Result<Nanos> SyscallContext::Timespec(GuestAddr address) {
  POLLUX_ASSIGN_OR_RETURN(const GuestTimespec time, In<GuestTimespec>(address));
  if (time.seconds < 0 || time.nanoseconds < 0 || time.nanoseconds >= kNanosPerSecond)
    return Errno::kInval;
  // timespec64_to_ktime() saturates at KTIME_MAX.
  if (time.seconds >= INT64_MAX / kNanosPerSecond) return kNanosMax;
  return Nanos{time.seconds * kNanosPerSecond + time.nanoseconds};
}

Result<std::optional<Nanos>> SyscallContext::OptionalTimespec(GuestAddr address) {
  if (address.IsNull()) return std::optional<Nanos>();
  POLLUX_ASSIGN_OR_RETURN(const Nanos time, Timespec(address));
  return std::optional<Nanos>(time);
}

Result<memory::UserBuffer> SyscallContext::Vectors(GuestAddr address, uint64_t count) {
  return VectorsFrom(memory(), address, count);
}

Result<memory::UserBuffer> VectorsFrom(memory::AddressSpace& memory, GuestAddr address,
                                       uint64_t count) {
  if (count > kMaxVectors) return Errno::kInval;
  std::vector<GuestIovec> vectors(count);
  const size_t size = count * sizeof(GuestIovec);
  if (memory.Read(address, {reinterpret_cast<uint8_t*>(vectors.data()), size}) != size)
    return Errno::kFault;
  // copy_iovec_from_user() looks at all lengths first; __import_iovec() then at the addresses.
  for (const GuestIovec& vector : vectors) {
    if (static_cast<int64_t>(vector.bytes) < 0) return Errno::kInval;
  }
  std::vector<memory::UserBuffer::Range> ranges;
  uint64_t total = 0;
  for (const GuestIovec& vector : vectors) {
    if (!SyscallContext::AccessOk(vector.start, vector.bytes)) return Errno::kFault;
    const uint64_t bytes = std::min(vector.bytes, kMaxTransfer - total);
    total += bytes;
    // An empty one counts at the start only: see UserBuffer::remaining_in_range().
    if (bytes > 0 || ranges.empty()) ranges.push_back({vector.start, bytes});
  }
  return memory::UserBuffer(&memory, ranges);
}

Result<void> SyscallContext::SetMask(GuestAddr mask, uint64_t size) {
  if (size != sizeof(os_emu::SignalSet)) return Errno::kInval;
  POLLUX_ASSIGN_OR_RETURN(const os_emu::SignalSet set, In<os_emu::SignalSet>(mask));
  thread_.saved_mask = thread_.signal_mask();
  thread_.SetSignalMask(set & ~os_emu::kUnblockable);
  return {};
}

Errno SyscallContext::Refuse(Errno error, const std::string& what) {
  abi_.WarnOnce(SyscallName(call_.number) + ": " + what + " is not supported, returns " +
                std::string(ErrnoName(error)));
  return error;
}

std::string SyscallName(uint64_t number) {
  const SyscallRow* row = FindSyscall(number);
  return row != nullptr ? row->name : absl::StrFormat("syscall_0x%x", number);
}

GuestTimespec ToTimespec(Nanos time) {
  int64_t seconds = time.value / kNanosPerSecond;
  int64_t rest = time.value % kNanosPerSecond;
  if (rest < 0) {
    rest += kNanosPerSecond;
    --seconds;
  }
  return {seconds, rest};
}

}  // namespace pollux::shims
