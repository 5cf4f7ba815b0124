// Scenario: a fixture for tests that run in both worlds: what the test expects of os_emu is
// expected of the host's kernel too.
#ifndef POLLUX_OS_EMU_TESTING_SCENARIO_H_
#define POLLUX_OS_EMU_TESTING_SCENARIO_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "os_emu/file/events.h"
#include "os_emu/testing/world.h"

namespace pollux::os_emu::testing {

enum class Kind { kHost, kEmulated };

class Scenario : public ::testing::TestWithParam<Kind> {
 protected:
  // Events and their data, in order.
  using Seen = std::vector<std::pair<uint32_t, uint64_t>>;

  Scenario()
      : world_(GetParam() == Kind::kHost ? MakeHostWorld()
                                         : MakeEmulatedWorld(OpenHostNumbers(), Canary::kNone)) {}

  int EventFd(uint32_t initial = 0) { return Number(world_->EventFd(initial, false)); }
  int Epoll() { return Number(world_->EpollCreate()); }
  struct Ends {
    int reader;
    int writer;
  };
  Ends Pipe() {
    const Answer answer = world_->Pipe(false);
    EXPECT_EQ(answer.value, 0);
    return {static_cast<int>(answer.memory[0]), static_cast<int>(answer.memory[1])};
  }
  int Dup(int fd) { return Number(world_->Dup(fd)); }
  void Dup2(int fd, int to) { EXPECT_EQ(world_->Dup2(fd, to).value, to); }
  void Close(int fd) { EXPECT_EQ(world_->Close(fd).value, 0); }
  int64_t Add(int epoll, int fd, uint32_t events, uint64_t data = 0) {
    return world_->EpollCtl(epoll, 1, fd, events, data).value;
  }
  int64_t Delete(int epoll, int fd) { return world_->EpollCtl(epoll, 2, fd, 0, 0).value; }
  int64_t Modify(int epoll, int fd, uint32_t events, uint64_t data = 0) {
    return world_->EpollCtl(epoll, 3, fd, events, data).value;
  }
  Seen Wait(int epoll, int max_events = 16) {
    const Answer answer = world_->EpollWait(epoll, max_events);
    EXPECT_GE(answer.value, 0);
    Seen seen;
    for (size_t i = 0; i + 1 < answer.memory.size(); i += 2) {
      seen.emplace_back(static_cast<uint32_t>(answer.memory[i]), answer.memory[i + 1]);
    }
    return seen;
  }
  void Signal(int eventfd, uint64_t value = 1) {
    const uint8_t* bytes = reinterpret_cast<const uint8_t*>(&value);
    EXPECT_EQ(world_->Write(eventfd, {bytes, bytes + sizeof(value)}).value, 8);
  }
  int64_t Write(int fd, size_t bytes) {
    return world_->Write(fd, std::vector<uint8_t>(bytes, 'x')).value;
  }
  int64_t Read(int fd, size_t bytes) { return world_->Read(fd, bytes).value; }
  uint32_t Poll(int fd, uint32_t events) {
    return static_cast<uint32_t>(world_->Poll({{fd, events}}).memory[0]);
  }

  World& world() { return *world_; }

 private:
  static int Number(const Answer& answer) {
    EXPECT_GE(answer.value, 0);
    return static_cast<int>(answer.value);
  }
  std::unique_ptr<World> world_;
};

inline std::string KindName(const ::testing::TestParamInfo<Kind>& info) {
  return info.param == Kind::kHost ? "Host" : "Emulated";
}

#define POLLUX_IN_BOTH_WORLDS(fixture)                                                           \
  INSTANTIATE_TEST_SUITE_P(BothWorlds, fixture, ::testing::Values(Kind::kHost, Kind::kEmulated), \
                           KindName)

}  // namespace pollux::os_emu::testing

#endif  // POLLUX_OS_EMU_TESTING_SCENARIO_H_
