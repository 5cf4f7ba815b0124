#include "os_emu/vfs/default_tree.h"

#include "os_emu/vfs/testing.h"

namespace pollux::os_emu {
namespace {

using testing::FilesFixture;
using testing::ReadText;
using testing::Say;
using testing::WriteText;

class DefaultTree : public FilesFixture {
 protected:
  DefaultTree() {
    TreeOptions options;
    options.random = &random;
    const absl::Status built = BuildDefaultTree(files, options);
    EXPECT_TRUE(built.ok()) << built;
  }
  RandomStream random{7};
};

TEST_F(DefaultTree, TmpIsForEverybody) {
  EXPECT_EQ(Status("/tmp").mode, kModeDirectory | 01777);
  EXPECT_TRUE(OpenAsUser("/tmp/new", kOWrOnly | kOCreat).ok());
}

TEST_F(DefaultTree, TheUserHasAHomeAndAName) {
  EXPECT_EQ(Status("/home/user").uid, 1000u);
  EXPECT_TRUE(OpenAsUser("/home/user/new", kOWrOnly | kOCreat).ok());
  EXPECT_NE(Get("/etc/passwd").find("user:x:1000:1000:user:/home/user:/bin/sh\n"),
            std::string::npos);
  EXPECT_NE(Get("/etc/group").find("user:x:1000:\n"), std::string::npos);
}

TEST_F(DefaultTree, NamesAreResolvedFromFiles) {
  EXPECT_NE(Get("/etc/hosts").find("127.0.0.1\tlocalhost"), std::string::npos);
  EXPECT_NE(Get("/etc/nsswitch.conf").find("hosts: files dns"), std::string::npos);
  EXPECT_NE(Get("/etc/resolv.conf").find("nameserver"), std::string::npos);
}

TEST_F(DefaultTree, TheUserCannotChangeTheSystem) {
  EXPECT_EQ(Say(OpenAsUser("/etc/passwd", kOWrOnly)), "EACCES");
  EXPECT_EQ(Say(OpenAsUser("/new", kOWrOnly | kOCreat)), "EACCES");
  EXPECT_EQ(Say(OpenAsUser("/root", kORdOnly)), "EACCES");
  EXPECT_EQ(Say(files.Unlink(user, none, "/dev/null")), "EACCES");
}

TEST(DefaultTreeOfRoot, RootHasNoSecondName) {
  Clock clock;
  memory::MemoryBudget budget;
  FileSystem files(&clock, &budget);
  TreeOptions options;
  options.uid = options.gid = 0;
  ASSERT_TRUE(BuildDefaultTree(files, options).ok());
  Result<DescriptionRef> passwd = files.Open(Caller{}, {}, "/etc/passwd", kORdOnly);
  ASSERT_TRUE(passwd.ok());
  EXPECT_EQ(ReadText(**passwd, 32), "root:x:0:0:root:/root:/bin/sh\nno");
}

TEST(DefaultTreeOfAnySize, AMemoryLimitThatIsTooSmallIsSaidSo) {
  int failed = 0;
  for (uint64_t limit = 0; limit < 200'000; limit += 5'000) {
    Clock clock;
    memory::MemoryBudget budget;
    budget.limit_bytes = limit;
    FileSystem files(&clock, &budget);
    if (!BuildDefaultTree(files, {}).ok()) ++failed;
  }
  EXPECT_GT(failed, 0);
  EXPECT_LT(failed, 40);
}

// ---- Devices.

TEST_F(DefaultTree, NullIsEmptyAndTakesEverything) {
  DescriptionRef file = *OpenAsUser("/dev/null", kORdWr);
  EXPECT_EQ(ReadText(*file, 10), "");
  EXPECT_EQ(WriteText(*file, "gone"), "4");
  EXPECT_EQ(Status("/dev/null").rdev, MakeDevice(1, 3));
  EXPECT_EQ(Status("/dev/null").mode, kModeCharacter | 0666);
}

TEST_F(DefaultTree, ZeroGivesZeros) {
  DescriptionRef file = *OpenAsUser("/dev/zero", kORdWr);
  EXPECT_EQ(ReadText(*file, 5), std::string(5, '\0'));
  EXPECT_EQ(WriteText(*file, "gone"), "4");
  EXPECT_EQ(*file->MapPages(), nullptr);
}

TEST_F(DefaultTree, FullIsFull) {
  DescriptionRef file = *OpenAsUser("/dev/full", kORdWr);
  EXPECT_EQ(WriteText(*file, "x"), "ENOSPC");
  EXPECT_EQ(ReadText(*file, 2), std::string(2, '\0'));
}

TEST_F(DefaultTree, RandomIsTheWorldsStream) {
  DescriptionRef file = *OpenAsUser("/dev/urandom");
  RandomStream same(7);
  uint8_t expected[20];
  same.Fill(expected);
  EXPECT_EQ(ReadText(*file, 20), std::string(reinterpret_cast<char*>(expected), 20));
  EXPECT_NE(ReadText(**OpenAsUser("/dev/random"), 20),
            std::string(reinterpret_cast<char*>(expected), 20));
}

TEST_F(DefaultTree, OnlyRandomCanBeWatched) {
  EXPECT_TRUE((*OpenAsUser("/dev/random"))->CanBeWatched());
  for (const char* path : {"/dev/null", "/dev/zero", "/dev/full", "/dev/urandom"}) {
    EXPECT_FALSE((*OpenAsUser(path))->CanBeWatched()) << path;
  }
}

TEST_F(DefaultTree, ThereIsNoTerminal) { EXPECT_EQ(Say(OpenAsUser("/dev/tty", kORdWr)), "ENXIO"); }

TEST_F(DefaultTree, AMadeNodeOfTheSameNumberIsTheSameDevice) {
  ASSERT_EQ(Say(files.MakeNode(root, none, "/tmp/null", kModeCharacter | 0666, MakeDevice(1, 3))),
            "ok");
  EXPECT_EQ(WriteText(**Open("/tmp/null", kOWrOnly), "gone"), "4");
}

TEST_F(DefaultTree, SharedMemoryHasItsDirectory) {
  EXPECT_EQ(Status("/dev/shm").mode, kModeDirectory | 01777);
  EXPECT_TRUE(OpenAsUser("/dev/shm/segment", kORdWr | kOCreat).ok());
}

}  // namespace
}  // namespace pollux::os_emu
