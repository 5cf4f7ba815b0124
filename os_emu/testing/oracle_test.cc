// The host's kernel is the oracle: a random walk over eventfd, pipe, epoll, dup and close makes
// each call in both worlds, and every result, error, byte and event must be the same, in the same
// order. Where they differ, os_emu is wrong.
//
// POLLUX_WALK_SEED and POLLUX_WALK_STEPS choose another walk. Its seed is printed first.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "os_emu/file/events.h"
#include "os_emu/task/random.h"
#include "os_emu/testing/world.h"

namespace pollux::os_emu::testing {
namespace {

constexpr uint64_t kDefaultSeed = 0x706f6c6c7578;
constexpr uint64_t kDefaultSteps = 400'000;
// The worlds begin anew after so many steps.
constexpr uint64_t kEpisodeSteps = 4'000;
constexpr size_t kNumbers = 28;
constexpr size_t kLogLines = 60;

// Makes the same calls in two worlds.
class Walk {
 public:
  Walk(uint64_t seed, Canary canary) : random_(seed), canary_(canary) { Begin(); }

  // False: the worlds differ; Report() says where.
  bool Step() {
    if (++steps_ % kEpisodeSteps == 0) Begin();
    switch (Pick({3, 4, 4, 5, 3, 6, 8, 40, 40, 30, 40, 10, 2, 1, 3})) {
      case 0: {
        const uint32_t initial = static_cast<uint32_t>(random_.Below(3));
        const bool semaphore = random_.Below(3) == 0;
        return Do("eventfd " + std::to_string(initial) + (semaphore ? " semaphore" : ""),
                  [&](World& world) { return world.EventFd(initial, semaphore); });
      }
      case 1: {
        const bool packets = random_.Below(6) == 0;
        return Do(packets ? "pipe packets" : "pipe",
                  [&](World& world) { return world.Pipe(packets); });
      }
      case 2:
        return Do("epoll_create", [](World& world) { return world.EpollCreate(); });
      case 3: {
        const int fd = Number();
        return Do("dup " + std::to_string(fd), [&](World& world) { return world.Dup(fd); });
      }
      case 4: {
        const int fd = Number();
        const int from = Number();
        return Do("dupfd " + std::to_string(fd) + " " + std::to_string(from),
                  [&](World& world) { return world.DupFrom(fd, from); });
      }
      case 5: {
        const int fd = Number();
        const int to = Number();
        return Do("dup2 " + std::to_string(fd) + " " + std::to_string(to),
                  [&](World& world) { return world.Dup2(fd, to); });
      }
      case 6: {
        const int fd = Number();
        return Do("close " + std::to_string(fd), [&](World& world) { return world.Close(fd); });
      }
      case 7: {
        const int fd = Number("er");
        const uint64_t bytes = Choose({8, 8, 8, 1, 0, 7, 100, 4096, 5000, 70000, 9});
        return Do("read " + std::to_string(fd) + " " + std::to_string(bytes),
                  [&](World& world) { return world.Read(fd, bytes); });
      }
      case 8: {
        const int fd = Number("ew");
        const std::vector<uint8_t> bytes = Bytes();
        return Do("write " + std::to_string(fd) + " " + std::to_string(bytes.size()),
                  [&](World& world) { return world.Write(fd, bytes); });
      }
      case 9: {
        const int epoll = Number("l");
        const int op = static_cast<int>(Choose({1, 1, 1, 1, 2, 3, 3, 3, 0, 4}));
        const int fd = Number("erwl");
        const uint32_t events = Events();
        const uint64_t data = steps_;
        return Do("ctl " + std::to_string(epoll) + " op " + std::to_string(op) + " " +
                      std::to_string(fd) + " events " + std::to_string(events),
                  [&](World& world) { return world.EpollCtl(epoll, op, fd, events, data); });
      }
      case 10: {
        const int epoll = Number("l");
        const int max_events = static_cast<int>(Choose({1, 2, 3, 8, 64, 64, 0}));
        return Do("wait " + std::to_string(epoll) + " " + std::to_string(max_events),
                  [&](World& world) { return world.EpollWait(epoll, max_events); });
      }
      case 11: {
        std::vector<std::pair<int, uint32_t>> entries;
        std::string text = "poll";
        for (uint64_t i = random_.Below(4); i > 0; --i) {
          entries.emplace_back(random_.Below(20) == 0 ? -1 : Number(), Events() & 0xffff);
          text += " " + std::to_string(entries.back().first);
        }
        return Do(text, [&](World& world) { return world.Poll(entries); });
      }
      case 12: {
        const int fd = Number("rw");
        const uint32_t bytes = static_cast<uint32_t>(
            Choose({0, 1, 4096, 8192, 65536, 65537, 1 << 20, (uint64_t{1} << 31) + 1}));
        return Do("set pipe size " + std::to_string(fd) + " " + std::to_string(bytes),
                  [&](World& world) { return world.SetPipeSize(fd, bytes); });
      }
      case 13: {
        const int fd = Number();
        return Do("get pipe size " + std::to_string(fd),
                  [&](World& world) { return world.GetPipeSize(fd); });
      }
      default: {
        const int fd = Number("rw");
        return Do("fionread " + std::to_string(fd),
                  [&](World& world) { return world.BytesToRead(fd); });
      }
    }
  }

  std::string Report() const {
    std::string text;
    for (const std::string& line : log_) text += line + "\n";
    return text;
  }
  // How often each call ended how: shows what the walk does not reach.
  const std::map<std::string, uint64_t>& coverage() const { return coverage_; }

 private:
  void Begin() {
    // The host's old descriptors are closed before the new numbers are looked at.
    host_.reset();
    emulated_.reset();
    const std::vector<int> in_use = OpenHostNumbers();
    numbers_.clear();
    for (int number = 0; numbers_.size() < kNumbers; ++number) {
      if (std::find(in_use.begin(), in_use.end(), number) == in_use.end()) {
        numbers_.push_back(number);
      }
    }
    host_ = MakeHostWorld();
    emulated_ = MakeEmulatedWorld(in_use, canary_);
    kinds_.clear();
    log_.push_back("begin");
  }

  template <typename Call>
  bool Do(const std::string& text, Call call) {
    const Answer host = call(*host_);
    const Answer emulated = call(*emulated_);
    ++coverage_[text.substr(0, text.find(' ')) + (host.value < 0 ? " " + std::to_string(host.value)
                                                  : host.value == 0 ? " 0"
                                                                    : " +")];
    log_.push_back(std::to_string(steps_) + ": " + text + " = " + host.Text());
    if (log_.size() > kLogLines) log_.pop_front();
    Note(text, host);
    if (host == emulated) return true;
    log_.push_back("the host says " + host.Text() + ", os_emu says " + emulated.Text());
    return false;
  }

  size_t Pick(const std::vector<uint64_t>& weights) {
    uint64_t sum = 0;
    for (const uint64_t weight : weights) sum += weight;
    uint64_t at = random_.Below(sum);
    size_t i = 0;
    while (at >= weights[i]) at -= weights[i++];
    return i;
  }
  uint64_t Choose(const std::vector<uint64_t>& values) {
    return values[random_.Below(values.size())];
  }
  // Remembers what stands where, so that calls mostly meet what they are for.
  void Note(const std::string& text, const Answer& answer) {
    if (answer.value < 0) return;
    const int value = static_cast<int>(answer.value);
    if (text.starts_with("eventfd")) kinds_[value] = 'e';
    if (text.starts_with("epoll_create")) kinds_[value] = 'l';
    if (text.starts_with("pipe")) {
      kinds_[static_cast<int>(answer.memory[0])] = 'r';
      kinds_[static_cast<int>(answer.memory[1])] = 'w';
    }
    if (text.starts_with("dup")) {
      const int from = std::stoi(text.substr(text.find(' ') + 1));
      kinds_[value] = kinds_[from];
    }
    if (text.starts_with("close")) kinds_.erase(std::stoi(text.substr(6)));
  }

  // A number under which one of `kinds` stands ('e' eventfd, 'r' and 'w' pipe ends, 'l' epoll); now
  // and then any.
  int Number(const char* kinds) {
    std::vector<int> fitting;
    for (const auto& [number, kind] : kinds_) {
      if (std::strchr(kinds, kind) != nullptr) fitting.push_back(number);
    }
    if (fitting.empty() || random_.Below(12) == 0) return Number();
    return fitting[random_.Below(fitting.size())];
  }
  // Mostly open ones: they are the lowest.
  int Number() { return numbers_[random_.Below(random_.Below(2) == 0 ? kNumbers : kNumbers / 2)]; }
  std::vector<uint8_t> Bytes() {
    if (random_.Below(2) == 0) {
      // An eventfd's value.
      const uint64_t value =
          Choose({0, 0, 1, 1, 2, UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 2, uint64_t{1} << 63});
      const uint8_t* bytes = reinterpret_cast<const uint8_t*>(&value);
      return {bytes, bytes + sizeof(value)};
    }
    std::vector<uint8_t> bytes(
        Choose({0, 1, 5, 7, 9, 100, 4000, 4095, 4096, 4097, 5000, 20000, 65536, 70000}));
    uint8_t value = static_cast<uint8_t>(steps_);
    for (uint8_t& byte : bytes) byte = value++;
    return bytes;
  }
  uint32_t Events() {
    uint32_t events = 0;
    for (const uint32_t bit : {kIn, kIn, kIn, kOut, kOut, kEdge, kEdge, kOneShot}) {
      if (random_.Below(3) == 0) events |= bit;
    }
    for (const uint32_t bit : {kRdHup, kPri, kErr, kHup, kRdNorm, kWrNorm, kRdBand, kWrBand, kMsg,
                               kExclusive, kWakeup, kNval}) {
      if (random_.Below(16) == 0) events |= bit;
    }
    return events;
  }

  RandomStream random_;
  Canary canary_;
  std::vector<int> numbers_;  // What the walk uses: not in use by this process.
  std::map<int, char> kinds_;
  uint64_t steps_ = 0;
  std::unique_ptr<World> host_;
  std::unique_ptr<World> emulated_;
  std::deque<std::string> log_;
  std::map<std::string, uint64_t> coverage_;
};

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

TEST(Oracle, ARandomWalkSaysTheSameInBothWorlds) {
  const uint64_t seed = FromEnvironment("POLLUX_WALK_SEED", kDefaultSeed);
  const uint64_t steps = FromEnvironment("POLLUX_WALK_STEPS", kDefaultSteps);
  std::cout << "seed " << seed << ", " << steps << " steps" << std::endl;
  Walk walk(seed, Canary::kNone);
  for (uint64_t i = 0; i < steps; ++i) {
    ASSERT_TRUE(walk.Step()) << "seed " << seed << " differs at its step " << i << ":\n"
                             << walk.Report();
  }
  for (const auto& [what, count] : walk.coverage()) {
    std::cout << "  " << what << ": " << count << "\n";
  }
  // What the walk must not miss: each of Linux's answers to epoll_ctl, events, full and empty
  // pipes.
  for (const char* what :
       {"ctl 0", "ctl -2", "ctl -9", "ctl -17", "ctl -22", "ctl -40", "wait +", "wait 0",
        "write -11", "write -32", "write -22", "read -11", "read 0", "read +", "poll +"}) {
    EXPECT_GT(walk.coverage().count(what), 0u) << what;
  }
}

class OracleCanaryTest : public ::testing::TestWithParam<Canary> {};

TEST_P(OracleCanaryTest, IsFound) {
  Walk walk(kDefaultSeed, GetParam());
  for (uint64_t i = 0; i < kDefaultSteps; ++i) {
    if (!walk.Step()) {
      std::cout << "found after " << i << " steps" << std::endl;
      return;
    }
  }
  FAIL() << "a mistake made on purpose was not found";
}

INSTANTIATE_TEST_SUITE_P(Mistakes, OracleCanaryTest,
                         ::testing::Values(Canary::kZeroIsNoEdge, Canary::kClosedNumberForgets,
                                           Canary::kReadyListIsAStack));

}  // namespace
}  // namespace pollux::os_emu::testing
