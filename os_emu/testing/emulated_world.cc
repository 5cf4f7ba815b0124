#include <algorithm>
#include <string>

#include "abi/check.h"
#include "os_emu/epoll/epoll.h"
#include "os_emu/eventfd/eventfd.h"
#include "os_emu/file/fd_table.h"
#include "os_emu/file/testing.h"
#include "os_emu/pipe/pipe.h"
#include "os_emu/testing/world.h"

namespace pollux::os_emu::testing {
namespace {

Answer Of(Errno error) { return {.value = -static_cast<int64_t>(error), .memory = {}}; }
Answer Of(int64_t value) { return {.value = value, .memory = {}}; }
template <typename T>
Answer Of(const Result<T>& result) {
  if (!result.ok()) return Of(result.error());
  if constexpr (std::is_void_v<T>) {
    return Of(int64_t{0});
  } else {
    return Of(static_cast<int64_t>(*result));
  }
}

// A number in use by the process that runs the test.
class PlaceHolder final : public FileDescription {
 public:
  PlaceHolder() : FileDescription(kORdWr) {}
  const char* TypeName() const override { return "place holder"; }
};

class EventVector final : public EpollInstance::Sink {
 public:
  bool Put(const EpollInstance::Event& event) override {
    events.push_back(event);
    return true;
  }
  std::vector<EpollInstance::Event> events;
};

class EmulatedWorld final : public World {
 public:
  EmulatedWorld(const std::vector<int>& numbers_in_use, Canary canary) : canary_(canary) {
    for (const int number : numbers_in_use) {
      POLLUX_CHECK(
          table_.InstallAt(static_cast<Fd>(number), MakeDescription<PlaceHolder>(), false).ok());
    }
  }

  Answer EventFd(uint32_t initial, bool semaphore) override {
    return Install(*os_emu::EventFd::Create(initial, kONonBlock | (semaphore ? kEfdSemaphore : 0)));
  }
  Answer Pipe(bool packets) override {
    PipeOptions options;
    options.flags = kONonBlock | (packets ? kODirect : 0);
    const Result<PipeEnds> ends = MakePipe(options);
    const Answer reader = Install(ends->reader);
    const Answer writer = Install(ends->writer);
    return {.value = 0,
            .memory = {static_cast<uint64_t>(reader.value), static_cast<uint64_t>(writer.value)}};
  }
  Answer EpollCreate() override { return Install(MakeDescription<EpollInstance>(nullptr)); }
  Answer Dup(int fd) override {
    const Result<DescriptionRef> description = table_.Get(static_cast<Fd>(fd));
    if (!description.ok()) return Of(description.error());
    return Install(*description);
  }
  Answer DupFrom(int fd, int from) override {
    const Result<DescriptionRef> description = table_.Get(static_cast<Fd>(fd));
    if (!description.ok()) return Of(description.error());
    return Of(table_.Install(*description, false, from));
  }
  Answer Dup2(int fd, int to) override {
    const Result<DescriptionRef> description = table_.Get(static_cast<Fd>(fd));
    if (!description.ok()) return Of(description.error());
    if (fd == to) return Of(int64_t{to});
    const Result<void> installed = table_.InstallAt(static_cast<Fd>(to), *description, false);
    if (!installed.ok()) return Of(installed.error());
    return Of(int64_t{to});
  }
  Answer Close(int fd) override {
    const Result<DescriptionRef> removed = table_.Remove(static_cast<Fd>(fd));
    if (!removed.ok()) return Of(removed.error());
    if (canary_ == Canary::kClosedNumberForgets) {
      for (const Fd open : table_.OpenNumbers()) {
        (void)EpollInstance::Control(**table_.Get(open), kEpollCtlDel, **removed,
                                     FdLabel(static_cast<Fd>(fd)), 0, 0);
      }
    }
    return Of(int64_t{0});
  }
  Answer Read(int fd, uint64_t bytes) override {
    const Result<DescriptionRef> description = table_.Get(static_cast<Fd>(fd));
    if (!description.ok()) return Of(description.error());
    if (!(*description)->readable()) return Of(Errno::kBadF);
    std::vector<uint8_t> storage(bytes);
    memory::UserBuffer buffer = memory::UserBuffer::Host(storage);
    const Result<size_t> count = (*description)->Read(buffer);
    Answer answer = Of(count);
    if (answer.value > 0) answer.memory = Digest(storage, *count);
    return answer;
  }
  Answer Write(int fd, const std::vector<uint8_t>& bytes) override {
    const Result<DescriptionRef> description = table_.Get(static_cast<Fd>(fd));
    if (!description.ok()) return Of(description.error());
    if (!(*description)->writable()) return Of(Errno::kBadF);
    if (canary_ == Canary::kZeroIsNoEdge && bytes == std::vector<uint8_t>(8) &&
        dynamic_cast<os_emu::EventFd*>(description->get()) != nullptr) {
      return Of(int64_t{8});
    }
    memory::UserBuffer buffer = memory::UserBuffer::HostConst(bytes);
    return Of((*description)->Write(buffer));
  }
  Answer EpollCtl(int epoll, int op, int fd, uint32_t events, uint64_t data) override {
    const Result<DescriptionRef> instance = table_.Get(static_cast<Fd>(epoll));
    if (!instance.ok()) return Of(instance.error());
    const Result<DescriptionRef> target = table_.Get(static_cast<Fd>(fd));
    if (!target.ok()) return Of(target.error());
    return Of(EpollInstance::Control(**instance, op, **target, FdLabel(static_cast<Fd>(fd)), events,
                                     data));
  }
  Answer EpollWait(int epoll, int max_events) override {
    const Result<DescriptionRef> description = table_.Get(static_cast<Fd>(epoll));
    if (!description.ok()) return Of(description.error());
    EpollInstance* instance = EpollInstance::From(**description);
    if (max_events <= 0 || instance == nullptr) return Of(Errno::kInval);
    EventVector found;
    Answer answer = Of(instance->Collect(static_cast<size_t>(max_events), found));
    if (canary_ == Canary::kReadyListIsAStack) {
      std::reverse(found.events.begin(), found.events.end());
    }
    for (const EpollInstance::Event& event : found.events) {
      answer.memory.push_back(event.events);
      answer.memory.push_back(event.data);
    }
    return answer;
  }
  Answer Poll(const std::vector<std::pair<int, uint32_t>>& entries) override {
    Answer answer;
    for (const auto& [fd, events] : entries) {
      EventMask ready = 0;
      if (fd >= 0) {
        const Result<DescriptionRef> description = table_.Get(static_cast<Fd>(fd));
        ready = description.ok() ? (*description)->Poll() & (events | kErr | kHup) : kNval;
      }
      if (ready != 0) ++answer.value;
      answer.memory.push_back(ready);
    }
    return answer;
  }
  Answer SetPipeSize(int fd, uint32_t bytes) override {
    const Result<DescriptionRef> description = table_.Get(static_cast<Fd>(fd));
    if (!description.ok()) return Of(description.error());
    PipeEnd* end = PipeEnd::From(**description);
    if (end == nullptr) return Of(Errno::kBadF);
    return Of(end->pipe().SetCapacity(bytes));
  }
  Answer GetPipeSize(int fd) override {
    const Result<DescriptionRef> description = table_.Get(static_cast<Fd>(fd));
    if (!description.ok()) return Of(description.error());
    PipeEnd* end = PipeEnd::From(**description);
    if (end == nullptr) return Of(Errno::kBadF);
    return Of(int64_t{end->pipe().capacity_bytes()});
  }
  Answer BytesToRead(int fd) override {
    const Result<DescriptionRef> description = table_.Get(static_cast<Fd>(fd));
    if (!description.ok()) return Of(description.error());
    PipeEnd* end = PipeEnd::From(**description);
    if (end == nullptr) return Of((*description)->Ioctl(0x541b, 0, nullptr));
    return {.value = 0, .memory = {end->pipe().buffered_bytes()}};
  }

 private:
  static std::vector<uint64_t> Digest(const std::vector<uint8_t>& bytes, size_t count) {
    uint64_t digest = 14695981039346656037u;
    for (size_t i = 0; i < count; ++i) digest = (digest ^ bytes[i]) * 1099511628211u;
    return {digest};
  }
  Answer Install(DescriptionRef description) {
    return Of(table_.Install(std::move(description), false));
  }

  Canary canary_;
  FdTable table_;
};

}  // namespace

std::unique_ptr<World> MakeEmulatedWorld(const std::vector<int>& numbers_in_use, Canary canary) {
  return std::make_unique<EmulatedWorld>(numbers_in_use, canary);
}

}  // namespace pollux::os_emu::testing
