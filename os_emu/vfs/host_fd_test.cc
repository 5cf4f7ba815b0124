// Descriptors of the host, of a machine that is put back.
#include "os_emu/vfs/host_fd.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace pollux::os_emu {
namespace {

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }
HostFd OpenNull() { return HostFd(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

// A machine that owns descriptors, and can be put back to Save().
class KeptHostFdsTest : public ::testing::Test {
 protected:
  struct Owner {
    std::vector<HostFd> fds;
  };

  void SetUp() override {
    ASSERT_NE(arena_, nullptr);
    const memory::Arena::Scope scope(arena_.get());
    owner_ = new Owner;
  }
  void TearDown() override {
    {
      const memory::Arena::Scope scope(arena_.get());
      delete owner_;
    }
    kept_.reset();
  }
  int Open() {
    const memory::Arena::Scope scope(arena_.get());
    owner_->fds.push_back(OpenNull());
    EXPECT_TRUE(owner_->fds.back().ok());
    return owner_->fds.back().get();
  }
  void CloseNewest() {
    const memory::Arena::Scope scope(arena_.get());
    owner_->fds.pop_back();
  }
  void Save() {
    image_ = arena_->Save();
    kept_ = std::make_unique<KeptHostFds>(*arena_);
  }
  void Restore() {
    const memory::Arena::Scope scope(arena_.get());
    arena_->Restore(*image_);
    kept_->Restore();
  }

  const std::unique_ptr<memory::Arena> arena_ = memory::Arena::Create();
  Owner* owner_ = nullptr;
  std::unique_ptr<memory::Arena::Image> image_;
  std::unique_ptr<KeptHostFds> kept_;
};

TEST_F(KeptHostFdsTest, WhatTheMachineHadStaysOpenToGoBackTo) {
  const int fd = Open();
  Save();
  for (int run = 0; run < 3; ++run) {
    CloseNewest();
    EXPECT_TRUE(IsOpen(fd));
    // Its number is not given to another.
    EXPECT_NE(Open(), fd);
    Restore();
    EXPECT_TRUE(IsOpen(fd));
    ASSERT_EQ(owner_->fds.size(), 1u);
    EXPECT_EQ(owner_->fds.back().get(), fd);
  }
}

TEST_F(KeptHostFdsTest, WhatItHasOpenedSinceIsClosed) {
  Save();
  const int first = Open(), second = Open();
  CloseNewest();
  EXPECT_FALSE(IsOpen(second));  // At once: it is not to come back.
  Restore();
  EXPECT_FALSE(IsOpen(first));
  EXPECT_TRUE(owner_->fds.empty());
  EXPECT_EQ(Open(), first);
}

TEST_F(KeptHostFdsTest, WhatItHadLetGoOfIsClosedWhenNobodyGoesBackAnyMore) {
  const int fd = Open();
  Save();
  CloseNewest();
  kept_.reset();
  EXPECT_FALSE(IsOpen(fd));
}

TEST_F(KeptHostFdsTest, OthersDescriptorsAreTheirOwn) {
  HostFd before = OpenNull();
  const int fd = before.get();
  Save();
  const int later = OpenNull().get();
  EXPECT_FALSE(IsOpen(later));
  before = HostFd();
  EXPECT_FALSE(IsOpen(fd));
  HostFd after = OpenNull();
  Restore();
  EXPECT_TRUE(IsOpen(after.get()));
}

// How many more may be opened.
int Room() {
  std::vector<HostFd> fds;
  while (HostFd::CheckRoom().ok()) fds.push_back(OpenNull());
  return static_cast<int>(fds.size());
}

TEST_F(KeptHostFdsTest, AreCountedAsTheyAre) {
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = 200;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  Open();
  Open();
  const int room = Room();
  Save();
  for (int run = 0; run < 10; ++run) {
    CloseNewest();
    for (int i = 0; i < 5; ++i) Open();
    Restore();
    ASSERT_EQ(Room(), room) << "after run " << run;
  }
}

}  // namespace
}  // namespace pollux::os_emu
