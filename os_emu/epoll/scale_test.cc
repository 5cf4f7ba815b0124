// What is idle costs nothing: a million registered descriptors, and what they cost.
#include <cstdlib>
#include <new>
#include <vector>

#include "gtest/gtest.h"
#include "os_emu/epoll/epoll.h"
#include "os_emu/file/fd_label.h"
#include "os_emu/file/testing.h"

namespace {

// What operator new has given and not got back, as its callers asked for it.
size_t g_allocated_bytes = 0;

}  // namespace

// The allocator is told the size when it is given back, and where not a header keeps it.
void* operator new(size_t bytes) {
  g_allocated_bytes += bytes;
  auto* block = static_cast<size_t*>(std::malloc(bytes + 16));
  if (block == nullptr) std::abort();
  *block = bytes;
  return block + 2;
}
void operator delete(void* pointer) noexcept {
  if (pointer == nullptr) return;
  size_t* block = static_cast<size_t*>(pointer) - 2;
  g_allocated_bytes -= *block;
  std::free(block);
}
void operator delete(void* pointer, size_t) noexcept { operator delete(pointer); }

namespace pollux::os_emu {
namespace {

constexpr int kMany = 1'000'000;

class CountingSink final : public EpollInstance::Sink {
 public:
  bool Put(const EpollInstance::Event& event) override {
    last_data = event.data;
    return true;
  }
  uint64_t last_data = 0;
};

TEST(EpollScaleTest, AMillionRegistrationsAt256BytesEachAndNoPollOfAnIdleOne) {
  std::vector<testing::FakeDescription*> fakes;
  std::vector<DescriptionRef> held;
  fakes.reserve(kMany);
  held.reserve(kMany);
  for (int i = 0; i < kMany; ++i) {
    fakes.push_back(new testing::FakeDescription());
    held.emplace_back(fakes.back());
  }
  DescriptionRef epoll = MakeDescription<EpollInstance>(nullptr);
  EpollInstance& instance = *EpollInstance::From(*epoll);
  const size_t before = g_allocated_bytes;
  for (int i = 0; i < kMany; ++i) {
    ASSERT_TRUE(EpollInstance::Control(*epoll, kEpollCtlAdd, *held[i], FdLabel(Fd{i + 3}), kIn,
                                       static_cast<uint64_t>(i))
                    .ok());
  }
  const size_t each = (g_allocated_bytes - before) / kMany;
  RecordProperty("bytes_a_registration", static_cast<int>(each));
  EXPECT_LE(each, 256u);
  EXPECT_EQ(instance.interest_count(), size_t{kMany});

  for (testing::FakeDescription* fake : fakes) fake->polls = 0;
  CountingSink sink;
  for (int round = 0; round < 1000; ++round) {
    const int active = round * 997 % kMany;
    fakes[active]->Become(kIn, kReadable);
    EXPECT_EQ(*instance.Collect(16, sink), 1u);
    EXPECT_EQ(sink.last_data, static_cast<uint64_t>(active));
    fakes[active]->Become(0, 0);
    // A level-triggered one is asked once more and found idle.
    EXPECT_EQ(*instance.Collect(16, sink), 0u);
  }
  int polled = 0;
  int polls = 0;
  for (testing::FakeDescription* fake : fakes) {
    polled += fake->polls != 0;
    polls += fake->polls;
  }
  EXPECT_LE(polled, 1000);
  EXPECT_LE(polls, 3000);
}

}  // namespace
}  // namespace pollux::os_emu
