#include <string>

#include "os_emu/epoll/epoll.h"
#include "os_emu/epoll/epoll_wait.h"
#include "os_emu/eventfd/eventfd.h"
#include "os_emu/file/fd_table.h"
#include "os_emu/pipe/pipe.h"
#include "os_emu/task/calls.h"
#include "os_emu/task/testing.h"
#include "os_emu/testing/blocking_world.h"

namespace pollux::os_emu::testing {
namespace {

// Each thread has a part of the arena.
constexpr uint64_t kPartBytes = 1 << 17;

class BlockingEmulatedWorld final : public BlockingWorld {
 public:
  int EventFd(uint32_t initial) override { return Install(*os_emu::EventFd::Create(initial, 0)); }
  std::pair<int, int> Pipe() override {
    const PipeEnds ends = *MakePipe(PipeOptions());
    const int reader = Install(ends.reader);
    return {reader, Install(ends.writer)};
  }
  int Epoll() override {
    return Install(MakeDescription<EpollInstance>(&machine_.kernel().epoll_watches()));
  }
  int Dup(int fd) override { return Install(At(fd)); }
  void Close(int fd) override { (void)*fds().Remove(static_cast<Fd>(fd)); }
  int64_t EpollCtl(int epoll, int op, int fd, uint32_t events, uint64_t data) override {
    const pollux::Result<void> result =
        EpollInstance::Control(*At(epoll), op, *At(fd), FdLabel(static_cast<Fd>(fd)), events, data);
    return result.ok() ? 0 : -static_cast<int64_t>(result.error());
  }
  int64_t Read(int fd, uint64_t bytes) override {
    std::vector<uint8_t> storage(bytes);
    return StartRead(machine_.leader(), At(fd), memory::UserBuffer::Host(storage)).value();
  }
  int64_t Write(int fd, const std::vector<uint8_t>& bytes) override {
    return StartWrite(machine_.leader(), At(fd), memory::UserBuffer::HostConst(bytes)).value();
  }
  size_t Start(const BlockingCall& call) override {
    Caller caller{call, &machine_.NewThread(), kPartBytes * callers_.size()};
    machine_.Give(*caller.thread, Call(caller));
    callers_.push_back(caller);
    Settle();
    return callers_.size() - 1;
  }
  void Settle() override { machine_.Settle(); }
  void Pass(int64_t milliseconds) override { machine_.Pass(Nanos{milliseconds * 1'000'000}); }
  std::optional<Answer> Result(size_t index) override {
    const Caller& caller = callers_.at(index);
    const std::optional<int64_t> value = machine_.Answer(*caller.thread);
    if (!value.has_value()) return std::nullopt;
    Answer answer{.value = *value, .memory = {}};
    const GuestAddr part = kArena + caller.part;
    if (caller.call.kind == BlockingCall::kEpollWait) {
      for (uint64_t i = 0; static_cast<int64_t>(i) < *value; ++i) {
        answer.memory.push_back(*machine_.memory().ReadObject<uint32_t>(part + i * 16));
        answer.memory.push_back(*machine_.memory().ReadObject<uint64_t>(part + (i * 16 + 8)));
      }
    }
    if (caller.call.kind == BlockingCall::kPoll) {
      answer.memory.push_back(*machine_.memory().ReadObject<uint16_t>(part + 6));
    }
    return answer;
  }

 private:
  struct Caller {
    BlockingCall call;
    Thread* thread;
    uint64_t part;
  };

  FdTable& fds() { return machine_.process().fds(); }
  DescriptionRef At(int fd) { return *fds().Get(static_cast<Fd>(fd)); }
  int Install(DescriptionRef description) {
    return static_cast<int>(*fds().Install(std::move(description), false));
  }
  CallResult Call(const Caller& caller) {
    const BlockingCall& call = caller.call;
    std::optional<Nanos> timeout;
    if (call.timeout_ms >= 0) timeout = Nanos{call.timeout_ms * 1'000'000};
    switch (call.kind) {
      case BlockingCall::kRead:
        return StartRead(*caller.thread, At(call.fd), machine_.Buffer(caller.part, call.amount));
      case BlockingCall::kWrite: {
        const uint64_t value = call.amount == 8 ? 1 : 0x7878787878787878;
        (void)machine_.memory().WriteObject(kArena + caller.part, value);
        return StartWrite(*caller.thread, At(call.fd), machine_.Buffer(caller.part, call.amount));
      }
      case BlockingCall::kEpollWait:
        return StartEpollWait(*caller.thread, At(call.fd), kArena + caller.part,
                              static_cast<int32_t>(call.amount), timeout);
      case BlockingCall::kPoll: {
        PollEntry entry;
        entry.description = At(call.fd);
        entry.wanted = static_cast<EventMask>(call.amount);
        return StartPoll(*caller.thread, {entry}, kArena + caller.part,
                         {.span = timeout, .remaining = {}});
      }
    }
    return Errno::kNoSys;
  }

  TestMachine machine_;
  std::vector<Caller> callers_;
};

}  // namespace

std::unique_ptr<BlockingWorld> MakeBlockingEmulatedWorld() {
  return std::make_unique<BlockingEmulatedWorld>();
}

}  // namespace pollux::os_emu::testing
