// What epoll_wait costs when one descriptor of N is ready: write an eventfd, wait, read it. N - 1
// idle ones are registered beside it.
//
// "emulated" is os_emu as a library; "kernel" the same calls on the host's kernel in the same run,
// where its limit of descriptors allows so many.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <span>
#include <vector>

#include "abi/check.h"
#include "benchmark/benchmark.h"
#include "memory/user_buffer.h"
#include "os_emu/epoll/epoll.h"
#include "os_emu/eventfd/eventfd.h"
#include "os_emu/file/fd_label.h"

namespace pollux::os_emu {
namespace {

class LastEvent final : public EpollInstance::Sink {
 public:
  bool Put(const EpollInstance::Event& event) override {
    data = event.data;
    return true;
  }
  uint64_t data = 0;
};

std::span<uint8_t> BytesOf(uint64_t& value) {
  return {reinterpret_cast<uint8_t*>(&value), sizeof(value)};
}

void Emulated(benchmark::State& state) {
  const int64_t registered = state.range(0);
  DescriptionRef epoll = MakeDescription<EpollInstance>(nullptr);
  EpollInstance& instance = *EpollInstance::From(*epoll);
  std::vector<DescriptionRef> eventfds;
  for (int64_t i = 0; i < registered; ++i) {
    eventfds.push_back(*EventFd::Create(0, kEfdNonBlock));
    POLLUX_CHECK(EpollInstance::Control(*epoll, kEpollCtlAdd, *eventfds.back(),
                                        FdLabel(Fd{static_cast<int32_t>(i) + 3}), kIn,
                                        static_cast<uint64_t>(i))
                     .ok())
        << i;
  }
  LastEvent sink;
  uint64_t one = 1;
  uint64_t at = 0;
  for (auto _ : state) {
    at = (at + 997) % static_cast<uint64_t>(registered);
    memory::UserBuffer from = memory::UserBuffer::HostConst(BytesOf(one));
    benchmark::DoNotOptimize(eventfds[at]->Write(from));
    const Result<size_t> events = instance.Collect(16, sink);
    POLLUX_CHECK(*events == 1 && sink.data == at) << "the one that is ready";
    uint64_t value = 0;
    memory::UserBuffer to = memory::UserBuffer::Host(BytesOf(value));
    benchmark::DoNotOptimize(eventfds[at]->Read(to));
  }
}

void Kernel(benchmark::State& state) {
  const int64_t registered = state.range(0);
  const rlim_t wanted = static_cast<rlim_t>(registered) + 64;
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < wanted) {
    limit.rlim_cur = wanted;
    if (limit.rlim_max < wanted) limit.rlim_max = wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
      state.SkipWithError("RLIMIT_NOFILE does not allow so many");
      return;
    }
  }
  const int epoll = epoll_create1(0);
  std::vector<int> eventfds;
  bool failed = false;
  for (int64_t i = 0; i < registered && !failed; ++i) {
    const int fd = eventfd(0, EFD_NONBLOCK);
    epoll_event event = {EPOLLIN, {.u64 = static_cast<uint64_t>(i)}};
    failed = fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0;
    if (fd >= 0) eventfds.push_back(fd);
  }
  if (failed) state.SkipWithError("the kernel does not register so many");
  uint64_t one = 1;
  uint64_t at = 0;
  for (auto _ : state) {
    at = (at + 997) % static_cast<uint64_t>(registered);
    benchmark::DoNotOptimize(write(eventfds[at], &one, sizeof(one)));
    epoll_event events[16];
    const int count = epoll_wait(epoll, events, 16, 0);
    POLLUX_CHECK(count == 1 && events[0].data.u64 == at) << "the one that is ready";
    uint64_t value = 0;
    benchmark::DoNotOptimize(read(eventfds[at], &value, sizeof(value)));
  }
  for (int fd : eventfds) close(fd);
  close(epoll);
}

BENCHMARK(Emulated)->Name("emulated")->Arg(1)->Arg(1000)->Arg(100'000)->Arg(1'000'000);
BENCHMARK(Kernel)->Name("kernel")->Arg(1)->Arg(1000)->Arg(100'000)->Arg(1'000'000);

}  // namespace
}  // namespace pollux::os_emu

BENCHMARK_MAIN();
