#include "os_emu/vfs/dev_fs.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "memory/user_buffer.h"
#include "os_emu/vfs/special_file.h"

namespace pollux::os_emu {
namespace {

enum class Kind { kNull, kZero, kFull, kRandom, kUrandom };

bool IsRandom(Kind kind) { return kind == Kind::kRandom || kind == Kind::kUrandom; }

class CharacterDevice final : public FileDescription {
 public:
  CharacterDevice(uint32_t status_flags, Kind kind, RandomStream* random)
      : FileDescription(status_flags), kind_(kind), random_(random) {}

  Result<size_t> Read(memory::UserBuffer& to) override {
    if (kind_ == Kind::kNull || to.remaining() == 0) return size_t{0};
    const size_t copied = IsRandom(kind_) ? FillRandom(to) : to.ZeroTo(to.remaining());
    if (copied == 0) return Errno::kFault;
    return copied;
  }
  Result<size_t> Write(memory::UserBuffer& from) override {
    if (kind_ == Kind::kFull) return Errno::kNoSpc;
    const uint64_t bytes = from.remaining();
    // What is written to random is mixed into nothing: the machine's random numbers come from its
    // seed. It is read all the same, so that a bad address is told; null and zero never look.
    if (IsRandom(kind_) && bytes > 0) {
      std::array<uint8_t, 256> buffer;
      uint64_t taken = 0;
      while (from.remaining() > 0) {
        const size_t wanted = std::min<uint64_t>(buffer.size(), from.remaining());
        const size_t got = from.CopyFrom({buffer.data(), wanted});
        taken += got;
        if (got < wanted) break;
      }
      if (taken == 0) return Errno::kFault;
      return size_t{taken};
    }
    from.Skip(bytes);
    return size_t{bytes};
  }
  Result<size_t> ReadAt(memory::UserBuffer& to, uint64_t) override { return Read(to); }
  Result<size_t> WriteAt(memory::UserBuffer& from, uint64_t) override { return Write(from); }
  // null_lseek(): the position is always 0. random has noop_llseek(), which says the same.
  Result<uint64_t> Seek(int64_t, Whence) override { return uint64_t{0}; }
  // random_poll(): never anything to write for, as what is written counts for nothing.
  EventMask Poll() override { return kind_ == Kind::kRandom ? kReadable : FileDescription::Poll(); }
  // random_ioctl(); the entropy is always all there.
  Result<int64_t> Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space) override {
    constexpr uint32_t kRndGetEntCnt = 0x80045200;
    constexpr int32_t kPoolBits = 256;
    if (!IsRandom(kind_)) return Errno::kNotTy;
    if (request != kRndGetEntCnt) return Errno::kInval;
    if (space == nullptr) return Errno::kFault;
    POLLUX_RETURN_IF_ERROR(space->WriteObject(GuestAddr{argument}, kPoolBits));
    return int64_t{0};
  }
  // Of these only random_fops has a poll function.
  bool CanBeWatched() const override { return kind_ == Kind::kRandom; }
  bool CanSpliceFrom() const override { return kind_ != Kind::kNull; }
  bool CanSpliceTo() const override { return kind_ != Kind::kFull; }
  const char* TypeName() const override {
    constexpr const char* kNames[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                                      "/dev/urandom"};
    return kNames[static_cast<int>(kind_)];
  }
  Result<std::shared_ptr<memory::SharedObject>> MapPages() override {
    if (kind_ != Kind::kZero) return Errno::kNoDev;
    return std::shared_ptr<memory::SharedObject>();
  }

 private:
  // random_fasync(): told when the generator is ready, which it always was.
  int AsyncLists(AsyncList* lists[2]) override {
    if (!IsRandom(kind_)) return 0;
    lists[0] = &async_;
    return 1;
  }
  size_t FillRandom(memory::UserBuffer& to) {
    std::array<uint8_t, 256> buffer;
    size_t copied = 0;
    while (to.remaining() > 0) {
      const size_t wanted = std::min<uint64_t>(buffer.size(), to.remaining());
      random_->Fill({buffer.data(), wanted});
      const size_t done = to.CopyTo({buffer.data(), wanted});
      copied += done;
      if (done < wanted) break;
    }
    return copied;
  }

  Kind kind_;
  RandomStream* random_;
  AsyncList async_;
};

class DeviceOpener final : public SpecialFileOpener {
 public:
  DeviceOpener(Kind kind, RandomStream* random) : kind_(kind), random_(random) {}
  Result<DescriptionRef> Open(SpecialFile&, uint32_t flags) override {
    if (IsRandom(kind_) && random_ == nullptr) return Errno::kNxio;
    return MakeDescription<CharacterDevice>(flags, kind_, random_);
  }

 private:
  Kind kind_;
  RandomStream* random_;
};

struct Device {
  const char* name;
  uint64_t number;
  Kind kind;
};
constexpr Device kDevices[] = {
    {"null", MakeDevice(1, 3), Kind::kNull},       {"zero", MakeDevice(1, 5), Kind::kZero},
    {"full", MakeDevice(1, 7), Kind::kFull},       {"random", MakeDevice(1, 8), Kind::kRandom},
    {"urandom", MakeDevice(1, 9), Kind::kUrandom},
};

struct DeviceLink {
  const char* name;
  const char* target;
};
constexpr DeviceLink kDeviceLinks[] = {
    {"fd", "/proc/self/fd"},
    {"stdin", "/proc/self/fd/0"},
    {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"},
};

absl::Status StatusOf(const Result<void>& result, const char* what) {
  if (result.ok()) return absl::OkStatus();
  return absl::ResourceExhaustedError(std::string("/dev/") + what + ": " +
                                      std::string(ErrnoText(result.error())));
}

}  // namespace

absl::Status MountDev(FileSystem& files, RandomStream* random) {
  if (absl::Status mounted = files.MountMemory("/dev"); !mounted.ok()) return mounted;
  const Caller root = RootCaller();
  const DescriptionRef base;
  for (const Device& device : kDevices) {
    auto opener = std::make_shared<DeviceOpener>(device.kind, random);
    files.SetDeviceOpener(device.number, opener.get());
    files.Keep(opener);
    absl::Status made = StatusOf(files.MakeNode(root, base, std::string("/dev/") + device.name,
                                                kModeCharacter | 0666, device.number),
                                 device.name);
    if (!made.ok()) return made;
  }
  // No opener: a process without a controlling terminal gets ENXIO.
  absl::Status made = StatusOf(
      files.MakeNode(root, base, "/dev/tty", kModeCharacter | 0666, MakeDevice(5, 0)), "tty");
  for (const DeviceLink& link : kDeviceLinks) {
    if (!made.ok()) return made;
    made = StatusOf(files.MakeSymlink(root, link.target, base, std::string("/dev/") + link.name),
                    link.name);
  }
  if (made.ok()) made = StatusOf(files.MakeDirectory(root, base, "/dev/shm", 01777), "shm");
  if (made.ok()) made = StatusOf(files.ChangeMode(root, base, "/dev/shm", 01777), "shm");
  return made;
}

}  // namespace pollux::os_emu
