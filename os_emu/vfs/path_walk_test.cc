// What paths mean: one behaviour a test, one wrong thing in each error test.
#include "os_emu/vfs/path_walk.h"

#include "os_emu/vfs/open_file.h"
#include "os_emu/vfs/testing.h"

namespace pollux::os_emu {
namespace {

using testing::FilesFixture;
using testing::Say;

class PathWalkTest : public FilesFixture {
 protected:
  PathWalkTest() {
    MakeDirectory("/d");
    MakeDirectory("/d/e");
    Put("/f", "file");
    Put("/d/f", "in d");
  }
};

TEST_F(PathWalkTest, DotAndDoubleSlashesAreNothing) {
  EXPECT_EQ(Status("/./d//.///f").ino, Status("/d/f").ino);
}

TEST_F(PathWalkTest, DotDotOfTheRootIsTheRoot) {
  EXPECT_EQ(Status("/../../d").ino, Status("/d").ino);
}

TEST_F(PathWalkTest, RelativePathsBeginAtTheBase) {
  Result<DescriptionRef> d = Open("/d", kODirectory);
  ASSERT_TRUE(d.ok());
  EXPECT_EQ(files.Stat(user, *d, "f")->ino, Status("/d/f").ino);
  EXPECT_EQ(files.Stat(user, *d, "../f")->ino, Status("/f").ino);
}

TEST_F(PathWalkTest, RelativePathsWithoutBaseBeginAtTheWorkingDirectory) {
  user.cwd = *files.OpenDirectory(user, none, "/d");
  EXPECT_EQ(files.Stat(user, none, "f")->ino, Status("/d/f").ino);
}

TEST_F(PathWalkTest, TheBaseOfAnAbsolutePathIsNotLookedAt) {
  EXPECT_EQ(Say(files.Stat(user, FileSystem::NotOpen(), "/f")), "ok");
}

TEST_F(PathWalkTest, ANumberThatIsNotOpenIsEbadf) {
  EXPECT_EQ(Say(files.Stat(user, FileSystem::NotOpen(), "f")), "EBADF");
  EXPECT_EQ(Say(files.Stat(user, FileSystem::NotOpen(), "", kAtEmptyPath)), "EBADF");
  EXPECT_EQ(Say(files.OpenDirectory(user, FileSystem::NotOpen(), "", kAtEmptyPath)), "EBADF");
}

TEST_F(PathWalkTest, AFileAsBaseIsEnotdir) {
  EXPECT_EQ(Say(files.Stat(user, *Open("/f"), "x")), "ENOTDIR");
}

TEST_F(PathWalkTest, AnEmptyPathIsEnoent) { EXPECT_EQ(StatError(""), "ENOENT"); }

TEST_F(PathWalkTest, AnEmptyPathMeansTheBaseIfAsked) {
  EXPECT_EQ(files.Stat(user, *Open("/d/f"), "", kAtEmptyPath)->ino, Status("/d/f").ino);
}

TEST_F(PathWalkTest, AFileOnTheWayIsEnotdir) {
  EXPECT_EQ(StatError("/f/x"), "ENOTDIR");
  EXPECT_EQ(StatError("/f/.."), "ENOTDIR");
}

TEST_F(PathWalkTest, AMissingNameOnTheWayIsEnoent) { EXPECT_EQ(StatError("/x/f"), "ENOENT"); }

TEST_F(PathWalkTest, ATrailingSlashAsksForADirectory) {
  EXPECT_EQ(StatError("/d/"), "ok");
  EXPECT_EQ(StatError("/f/"), "ENOTDIR");
}

TEST_F(PathWalkTest, ANameMayHave255Bytes) {
  EXPECT_EQ(StatError("/" + std::string(255, 'n')), "ENOENT");
  EXPECT_EQ(StatError("/" + std::string(256, 'n')), "ENAMETOOLONG");
}

TEST_F(PathWalkTest, APathMayHave4095Bytes) {
  std::string path;
  while (path.size() < 4094) path += "/.";
  EXPECT_EQ(StatError(path + "/"), "ok");
  EXPECT_EQ(StatError(path + "//"), "ENAMETOOLONG");
}

TEST_F(PathWalkTest, PermissionIsAskedBeforeTheNameIsLookedAt) {
  MakeDirectory("/locked", 0600);
  EXPECT_EQ(StatError("/locked/missing"), "EACCES");
  EXPECT_EQ(StatError("/locked/" + std::string(256, 'n')), "EACCES");
  EXPECT_EQ(StatError("/locked/."), "EACCES");
  EXPECT_EQ(StatError("/locked"), "ok");
  EXPECT_EQ(StatError("/locked/"), "ok");
}

TEST_F(PathWalkTest, RootPassesAllPermissions) {
  MakeDirectory("/locked", 0000);
  EXPECT_EQ(Say(files.Stat(root, none, "/locked/missing")), "ENOENT");
}

TEST_F(PathWalkTest, OwnerGroupAndOthersAreExclusive) {
  MakeDirectory("/mine", 0077);
  ASSERT_EQ(Say(files.ChangeOwner(root, none, "/mine", 1000, 1000)), "ok");
  EXPECT_EQ(StatError("/mine/x"), "EACCES");  // The owner has nothing, though others have all.
  MakeDirectory("/group", 0707);
  ASSERT_EQ(Say(files.ChangeOwner(root, none, "/group", 0, 1000)), "ok");
  EXPECT_EQ(StatError("/group/x"), "EACCES");
  MakeDirectory("/supplementary", 0707);
  ASSERT_EQ(Say(files.ChangeOwner(root, none, "/supplementary", 0, 7)), "ok");
  EXPECT_EQ(StatError("/supplementary/x"), "ENOENT");
  user.groups = {7};
  EXPECT_EQ(StatError("/supplementary/x"), "EACCES");
}

// ---- Symbolic links.

TEST_F(PathWalkTest, LinksAreFollowedOnTheWayAndAtTheEnd) {
  Symlink("d", "/rel");
  Symlink("/d/f", "/abs");
  EXPECT_EQ(StatError("/rel/f"), "ok");
  EXPECT_EQ(Status("/abs", 0).ino, Status("/d/f").ino);
}

TEST_F(PathWalkTest, ARelativeTargetBeginsWhereTheLinkIs) {
  Symlink("../f", "/d/up");
  EXPECT_EQ(Status("/d/up", 0).ino, Status("/f").ino);
}

TEST_F(PathWalkTest, ALinkAtTheEndIsNotFollowedIfAsked) {
  Symlink("f", "/link");
  EXPECT_EQ(Status("/link").mode & kModeTypeMask, kModeLink);
}

TEST_F(PathWalkTest, ATrailingSlashFollowsTheLinkWhateverIsAsked) {
  Symlink("d", "/link");
  EXPECT_EQ(Status("/link/").ino, Status("/d").ino);
}

TEST_F(PathWalkTest, ASlashInTheTargetCounts) {
  Symlink("f/", "/link");
  EXPECT_EQ(StatError("/link"), "ENOTDIR");
}

TEST_F(PathWalkTest, DotDotAfterALinkIsTheTargetsParent) {
  MakeDirectory("/d/e/g");
  Symlink("d/e/g", "/deep");
  EXPECT_EQ(Status("/deep/..").ino, Status("/d/e").ino);
}

TEST_F(PathWalkTest, ALinkToTheRootIsTheRoot) {
  Symlink("/", "/d/root");
  EXPECT_EQ(Status("/d/root/d/root/f").ino, Status("/f").ino);
  EXPECT_EQ(Status("/d/root", 0).ino, Status("/").ino);
}

TEST_F(PathWalkTest, ADanglingLinkIsEnoent) {
  Symlink("nowhere", "/link");
  EXPECT_EQ(StatError("/link"), "ENOENT");
}

TEST_F(PathWalkTest, FortyLinksAreFollowed) {
  Symlink("f", "/l1");
  for (int i = 2; i <= 41; ++i) Symlink("l" + std::to_string(i - 1), "/l" + std::to_string(i));
  EXPECT_EQ(StatError("/l40"), "ok");
  EXPECT_EQ(StatError("/l41"), "ELOOP");
}

TEST_F(PathWalkTest, ALoopIsEloop) {
  Symlink("b", "/a");
  Symlink("a", "/b");
  EXPECT_EQ(StatError("/a"), "ELOOP");
  EXPECT_EQ(StatError("/a/x"), "ELOOP");
}

TEST_F(PathWalkTest, LinksThatDoubleEndWithinTheLimit) {
  // Each stands for two of the one before: 2^30 names if nothing stopped it.
  Symlink(".", "/l0");
  for (int i = 1; i <= 30; ++i) {
    Symlink("l" + std::to_string(i - 1) + "/l" + std::to_string(i - 1), "/l" + std::to_string(i));
  }
  EXPECT_EQ(StatError("/l30"), "ELOOP");
}

// ---- Places in the tree.

TEST_F(PathWalkTest, PathFollowsRenames) {
  Result<DescriptionRef> e = Open("/d/e", kODirectory);
  ASSERT_TRUE(e.ok());
  ASSERT_EQ(Say(files.Rename(root, none, "/d", none, "/new")), "ok");
  EXPECT_EQ(*files.PathOf(*e), "/new/e");
  EXPECT_EQ(files.Stat(user, *e, "../f")->ino, Status("/new/f").ino);
}

TEST_F(PathWalkTest, ARemovedDirectoryHasNoPathAndNothingInIt) {
  Result<DescriptionRef> e = Open("/d/e", kODirectory);
  ASSERT_TRUE(e.ok());
  ASSERT_EQ(Say(files.Unlink(root, none, "/d/e", kAtRemoveDir)), "ok");
  EXPECT_EQ(Say(files.PathOf(*e)), "ENOENT");
  EXPECT_EQ((*e)->LinkText(), "/d/e (deleted)");
  EXPECT_EQ(Say(files.Open(root, *e, "new", kOWrOnly | kOCreat)), "ENOENT");
  EXPECT_EQ(Say(files.MakeDirectory(root, *e, "new", 0755)), "ENOENT");
  EXPECT_EQ(Say(files.Rename(root, none, "/f", *e, "new")), "ENOENT");
  EXPECT_EQ(Say(files.Stat(user, *e, "..")), "ok");
  testing::EntrySink sink;
  EXPECT_EQ(Say((*e)->ReadDirectory(sink)), "ENOENT");
}

TEST_F(PathWalkTest, APathOf4096BytesIsTooLongToTell) {
  Caller caller = root;
  for (int i = 0; i < 17; ++i) {
    const std::string name(240, static_cast<char>('a' + i));
    ASSERT_EQ(Say(files.MakeDirectory(caller, none, name, 0755)), "ok");
    EXPECT_EQ(Say(files.PathOf(caller.cwd)), "ok");
    caller.cwd = *files.OpenDirectory(caller, none, name);
  }
  EXPECT_EQ(Say(files.PathOf(caller.cwd)), "ENAMETOOLONG");
}

TEST_F(PathWalkTest, AMillionNestedDirectoriesAreLetGoWithoutRecursion) {
  Caller caller = root;
  for (int i = 0; i < 1'000'000; ++i) {
    ASSERT_EQ(Say(files.MakeDirectory(caller, none, "n", 0755)), "ok");
    caller.cwd = *files.OpenDirectory(caller, none, "n");
  }
  EXPECT_EQ(Say(files.PathOf(caller.cwd)), "ENAMETOOLONG");
}

TEST_F(PathWalkTest, AChainOfRemovedDirectoriesIsLetGoWithoutRecursion) {
  // The working directory is at the bottom of directories that were all removed: each kept only by
  // the one below.
  std::vector<DescriptionRef> chain = {*files.OpenDirectory(root, none, "/d")};
  for (int i = 0; i < 200'000; ++i) {
    ASSERT_EQ(Say(files.MakeDirectory(root, chain.back(), "x", 0755)), "ok");
    chain.push_back(*files.OpenDirectory(root, chain.back(), "x"));
  }
  for (size_t i = chain.size() - 1; i > 0; --i) {
    ASSERT_EQ(Say(files.Unlink(root, chain[i - 1], "x", kAtRemoveDir)), "ok");
  }
  DescriptionRef last = chain.back();
  chain.clear();
  last = DescriptionRef();
}

}  // namespace
}  // namespace pollux::os_emu
