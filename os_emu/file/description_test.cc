#include "os_emu/file/description.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "os_emu/file/file_status.h"
#include "os_emu/file/testing.h"

namespace pollux::os_emu {
namespace {

using testing::FakeDescription;
using Names = std::vector<std::string>;

FakeDescription& Fake(const DescriptionRef& description) {
  return static_cast<FakeDescription&>(*description);
}

// Notes when it is told; deletes itself if wanted.
class LoggingWatch final : public DescriptionWatch {
 public:
  LoggingWatch(FileDescription& target, Names& log, std::string name, bool delete_self = false)
      : DescriptionWatch(target), log_(log), name_(std::move(name)), delete_self_(delete_self) {}

 private:
  void OnTargetReleased() override {
    log_.push_back(name_ + (target() == nullptr ? "" : " with a target"));
    if (delete_self_) delete this;
  }
  Names& log_;
  std::string name_;
  bool delete_self_;
};

// Three descriptions that write down when they are released.
std::vector<DescriptionRef> Three(Names& log) {
  std::vector<DescriptionRef> three;
  for (const char* const name : {"a", "b", "c"}) {
    three.push_back(MakeDescription<FakeDescription>());
    Fake(three.back()).on_release = [&log, name] { log.push_back(name); };
  }
  return three;
}
void LetGo(std::vector<DescriptionRef>& descriptions) {
  const ReleaseBatch batch;
  for (DescriptionRef& description : descriptions) description = DescriptionRef();
}

TEST(ReleaseBatch, TheLastOneIsReleasedFirst) {
  Names log;
  std::vector<DescriptionRef> three = Three(log);
  LetGo(three);
  EXPECT_EQ(log, Names({"c", "b", "a"}));
}

TEST(ReleaseBatch, OneMayHoldUpThoseAfterIt) {
  Names log;
  std::vector<DescriptionRef> three = Three(log);
  DescriptionRef more = MakeDescription<FakeDescription>();
  Fake(more).on_release = [&] { log.push_back("more"); };
  PostponedReleases after_c, after_b;
  Fake(three[2]).on_release = [&] {
    log.push_back("c");
    more = DescriptionRef();  // Comes after what was there before.
    EXPECT_TRUE(ReleaseBatch::PostponeRest(after_c));
  };
  Fake(three[1]).on_release = [&] {
    log.push_back("b");
    EXPECT_TRUE(ReleaseBatch::PostponeRest(after_b));
  };
  LetGo(three);
  EXPECT_EQ(log, Names({"c"}));
  after_c.Go();
  EXPECT_EQ(log, Names({"c", "b"}));
  after_c.Go();
  EXPECT_EQ(log, Names({"c", "b"}));
  after_b.Go();
  EXPECT_EQ(log, Names({"c", "b", "a", "more"}));
}

TEST(ReleaseBatch, WhereNobodyWaitsAnyMoreAllAreReleasedAtOnce) {
  Names log;
  std::vector<DescriptionRef> three = Three(log);
  auto after_c = std::make_unique<PostponedReleases>();
  PostponedReleases after_b;
  Fake(three[2]).on_release = [&] { EXPECT_TRUE(ReleaseBatch::PostponeRest(*after_c)); };
  Fake(three[1]).on_release = [&] {
    log.push_back("b");
    EXPECT_FALSE(ReleaseBatch::PostponeRest(after_b));
  };
  LetGo(three);
  EXPECT_EQ(log, Names());
  after_c.reset();
  EXPECT_EQ(log, Names({"b", "a"}));
}

TEST(Description, LivesUntilTheLastReferenceGoes) {
  bool released = false;
  DescriptionRef first = MakeDescription<FakeDescription>();
  Fake(first).on_release = [&] { released = true; };
  DescriptionRef second = first;
  first = DescriptionRef();
  EXPECT_FALSE(released);
  second = DescriptionRef();
  EXPECT_TRUE(released);
}

TEST(Description, AMovedReferenceIsTheOnlyOne) {
  int released = 0;
  DescriptionRef first = MakeDescription<FakeDescription>();
  Fake(first).on_release = [&] { ++released; };
  DescriptionRef second = std::move(first);
  EXPECT_FALSE(first);
  EXPECT_EQ(released, 0);
  second = std::move(first);
  EXPECT_EQ(released, 1);
}

TEST(Description, WatchesAreToldBeforeTheRelease) {
  Names log;
  DescriptionRef description = MakeDescription<FakeDescription>();
  Fake(description).on_release = [&] { log.push_back("release"); };
  LoggingWatch a(*description, log, "a");
  new LoggingWatch(*description, log, "b", true);
  LoggingWatch c(*description, log, "c");
  description = DescriptionRef();
  EXPECT_EQ(log, (Names{"c", "b", "a", "release"}));
  EXPECT_EQ(a.target(), nullptr);
}

TEST(Description, AWatchThatWasDestroyedIsNotTold) {
  Names log;
  DescriptionRef description = MakeDescription<FakeDescription>();
  auto a = std::make_unique<LoggingWatch>(*description, log, "a");
  auto b = std::make_unique<LoggingWatch>(*description, log, "b");
  auto c = std::make_unique<LoggingWatch>(*description, log, "c");
  b.reset();
  description = DescriptionRef();
  EXPECT_EQ(log, (Names{"c", "a"}));
}

TEST(Description, AWatchKeepsNothingAlive) {
  Names log;
  bool released = false;
  DescriptionRef description = MakeDescription<FakeDescription>();
  Fake(description).on_release = [&] { released = true; };
  LoggingWatch watch(*description, log, "a");
  description = DescriptionRef();
  EXPECT_TRUE(released);
}

TEST(Description, WatchesAreListedNewestFirst) {
  Names log;
  DescriptionRef description = MakeDescription<FakeDescription>();
  EXPECT_EQ(DescriptionWatch::Newest(*description), nullptr);
  LoggingWatch a(*description, log, "a");
  LoggingWatch b(*description, log, "b");
  EXPECT_EQ(DescriptionWatch::Newest(*description), &b);
  EXPECT_EQ(b.Next(), &a);
  EXPECT_EQ(a.Next(), nullptr);
}

TEST(Description, AReferenceDroppedInARelaseIsReleasedAfterIt) {
  Names log;
  DescriptionRef inner = MakeDescription<FakeDescription>();
  Fake(inner).on_release = [&] { log.push_back("inner"); };
  DescriptionRef outer = MakeDescription<FakeDescription>();
  Fake(outer).on_release = [&, held = inner]() mutable {
    log.push_back("outer begins");
    held = DescriptionRef();
    log.push_back("outer ends");
  };
  inner = DescriptionRef();
  outer = DescriptionRef();
  EXPECT_EQ(log, (Names{"outer begins", "outer ends", "inner"}));
}

TEST(Description, AChainOfAMillionReleasesTakesNoStack) {
  constexpr int kLinks = 1'000'000;
  int released = 0;
  DescriptionRef head;
  for (int i = 0; i < kLinks; ++i) {
    DescriptionRef next = MakeDescription<FakeDescription>();
    Fake(next).on_release = [&released, held = head]() mutable {
      ++released;
      held = DescriptionRef();
    };
    head = next;
  }
  head = DescriptionRef();
  EXPECT_EQ(released, kLinks);
}

TEST(Description, AccessModeSaysWhatIsAllowed) {
  EXPECT_TRUE(MakeDescription<FakeDescription>(kORdOnly)->readable());
  EXPECT_FALSE(MakeDescription<FakeDescription>(kORdOnly)->writable());
  EXPECT_FALSE(MakeDescription<FakeDescription>(kOWrOnly)->readable());
  EXPECT_TRUE(MakeDescription<FakeDescription>(kOWrOnly)->writable());
  EXPECT_TRUE(MakeDescription<FakeDescription>(kORdWr)->readable());
  EXPECT_TRUE(MakeDescription<FakeDescription>(kORdWr)->writable());
  EXPECT_FALSE(MakeDescription<FakeDescription>(kORdWr | kOPath)->readable());
  EXPECT_FALSE(MakeDescription<FakeDescription>(kORdWr | kOPath)->writable());
}

// Has nothing of its own.
class BareDescription final : public FileDescription {
 public:
  BareDescription() : FileDescription(kORdWr) {}
  const char* TypeName() const override { return "bare"; }
};

TEST(Description, DefaultsAreThoseOfAFileWithoutTheOperation) {
  const DescriptionRef bare = MakeDescription<BareDescription>();
  memory::UserBuffer buffer;
  EXPECT_EQ(bare->Read(buffer).error(), Errno::kInval);
  EXPECT_EQ(bare->Write(buffer).error(), Errno::kInval);
  EXPECT_EQ(bare->ReadAt(buffer, 0).error(), Errno::kSPipe);
  EXPECT_EQ(bare->WriteAt(buffer, 0).error(), Errno::kSPipe);
  EXPECT_EQ(bare->Seek(0, Whence::kSet).error(), Errno::kSPipe);
  EXPECT_EQ(bare->Truncate(0).error(), Errno::kInval);
  EXPECT_EQ(bare->Ioctl(0, 0, nullptr).error(), Errno::kNotTy);
  EXPECT_EQ(bare->MapPages().error(), Errno::kNoDev);
  EXPECT_EQ(bare->Poll(), kIn | kOut | kRdNorm | kWrNorm);
  EXPECT_EQ(bare->ReadQueue(), nullptr);
  EXPECT_EQ(bare->LinkText(), "anon_inode:[bare]");
  FileStatus status;
  ASSERT_TRUE(bare->Stat(&status).ok());
  EXPECT_EQ(status.mode, 0600u);
}

}  // namespace
}  // namespace pollux::os_emu
