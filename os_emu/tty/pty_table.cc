// Which pseudo terminals there are, and how /dev leads to them (fs/devpts/, tty_open()).
#include <utility>

#include "absl/strings/str_cat.h"
#include "os_emu/tty/pty.h"
#include "os_emu/vfs/file_system.h"

namespace pollux::os_emu {
namespace {

constexpr uint32_t kSlaveMajor = 136;  // UNIX98_PTY_SLAVE_MAJOR; 256 minors each.

uint64_t SlaveDevice(int index) {
  return MakeDevice(kSlaveMajor + static_cast<uint32_t>(index) / 256,
                    static_cast<uint32_t>(index) % 256);
}
int IndexOf(uint64_t device) {
  return static_cast<int>(((device >> 8 & 0xfff) - kSlaveMajor) * 256 + (device & 0xff));
}
std::string SlavePath(int index) { return absl::StrCat("/dev/pts/", index); }

absl::Status StatusOf(const Result<void>& result, const char* path) {
  if (result.ok()) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(path, ": ", std::string(ErrnoText(result.error()))));
}

}  // namespace

class PtyTable::PtmxOpener final : public SpecialFileOpener {
 public:
  explicit PtmxOpener(PtyTable& table) : table_(table) {}
  Result<DescriptionRef> Open(SpecialFile&, uint32_t flags) override {
    return table_.OpenMaster(flags);
  }

 private:
  PtyTable& table_;
};

class PtyTable::SlaveOpener final : public SpecialFileOpener {
 public:
  explicit SlaveOpener(PtyTable& table) : table_(table) {}
  Result<DescriptionRef> Open(SpecialFile& file, uint32_t flags) override {
    return table_.OpenSlave(IndexOf(file.device), flags);
  }

 private:
  PtyTable& table_;
};

class PtyTable::TtyOpener final : public SpecialFileOpener {
 public:
  explicit TtyOpener(PtyTable& table) : table_(table) {}
  Result<DescriptionRef> Open(SpecialFile&, uint32_t flags) override {
    return table_.OpenTty(flags);
  }

 private:
  PtyTable& table_;
};

PtyTable::PtyTable(Kernel& kernel)
    : kernel_(kernel),
      ptmx_opener_(std::make_unique<PtmxOpener>(*this)),
      slave_opener_(std::make_unique<SlaveOpener>(*this)),
      tty_opener_(std::make_unique<TtyOpener>(*this)) {}

PtyTable::~PtyTable() = default;

absl::Status PtyTable::Install() {
  FileSystem& files = kernel_.files();
  const Caller root = RootCaller();
  absl::Status done = StatusOf(
      files.MakeNode(root, {}, "/dev/ptmx", kModeCharacter | 0666, kPtmxDevice), "/dev/ptmx");
  if (done.ok()) done = files.MountMemory("/dev/pts");
  files.SetDeviceOpener(kPtmxDevice, ptmx_opener_.get());
  files.SetDeviceOpener(kTtyDevice, tty_opener_.get());
  return done;
}

uint64_t PtyPair::device() const { return SlaveDevice(index_); }

Result<DescriptionRef> PtyTable::OpenMaster(uint32_t flags) {
  int index = 0;
  while (pairs_.contains(index)) ++index;
  if (index >= kMaxPtys) return Errno::kNoSpc;
  memory::MemoryBudget& budget = kernel_.budget();
  if (!budget.FitsObject(PtyPair::kCostBytes)) {
    return Errno::kNoMem;
  }
  FileSystem& files = kernel_.files();
  const Caller root = RootCaller();
  const std::string path = SlavePath(index);
  POLLUX_RETURN_IF_ERROR(files.MakeNode(root, {}, path, kModeCharacter | 0600, SlaveDevice(index)));
  if (Thread* current = kernel_.current()) {
    // devpts_pty_new(): the user who opened the master owns it.
    const Credentials& ids = current->credentials();
    (void)files.ChangeOwner(root, {}, path, ids.fsuid, ids.fsgid).ok();
  }
  files.SetDeviceOpener(SlaveDevice(index), slave_opener_.get());
  budget.used_bytes += PtyPair::kCostBytes;
  auto pair = std::make_shared<PtyPair>(*this, index);
  pairs_.emplace(index, pair);
  return MakeDescription<PtyMaster>(std::move(pair), flags);
}

void PtyTable::Remove(int index) {
  pairs_.erase(index);
  (void)kernel_.files().Unlink(RootCaller(), {}, SlavePath(index)).ok();
}

// pty_open() and tty_open_proc_set_tty()
Result<DescriptionRef> PtyTable::OpenSlave(int index, uint32_t flags) {
  const auto found = pairs_.find(index);
  std::shared_ptr<PtyPair> pair = found != pairs_.end() ? found->second.lock() : nullptr;
  if (pair == nullptr || pair->locked) return Errno::kIo;
  Thread* current = kernel_.current();
  if (pair->exclusive && current != nullptr && !current->credentials().Has(Capability::kSysAdmin))
    return Errno::kBusy;
  const bool readable = (flags & kOAccMode) != kOWrOnly;
  if ((flags & kONoCtty) == 0 && current != nullptr && readable && pair->session() == Tid{0} &&
      current->process().LeadsSession() && current->process().terminal == nullptr) {
    pair->Control(current->process());
  }
  return MakeDescription<PtySlave>(std::move(pair), flags & ~kONoCtty);
}

Result<DescriptionRef> PtyTable::OpenTty(uint32_t flags) {
  Thread* current = kernel_.current();
  if (current == nullptr || current->process().terminal == nullptr) return Errno::kNxio;
  // Pseudo terminals are all the terminals that there are.
  auto pair = std::static_pointer_cast<PtyPair>(current->process().terminal);
  return MakeDescription<PtySlave>(std::move(pair), flags & ~kONoCtty);
}

Result<DescriptionRef> PtyTable::OpenPeer(PtyPair& pair, uint32_t flags) {
  return kernel_.files().Open(RootCaller(), {}, SlavePath(pair.index()), flags);
}

}  // namespace pollux::os_emu
