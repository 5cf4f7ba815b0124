// The calls: what open and its like allow, and the order in which errors are told. One wrong thing
// in each error test.
#include "os_emu/vfs/file_system.h"

#include "os_emu/file/testing.h"
#include "os_emu/vfs/testing.h"

namespace pollux::os_emu {
namespace {

using testing::FilesFixture;
using testing::ReadText;
using testing::Say;
using testing::WriteText;

class FileSystemTest : public FilesFixture {
 protected:
  FileSystemTest() {
    MakeDirectory("/pub", 0777);
    Put("/pub/f", "text", 0666);
    MakeDirectory("/pub/d", 0777);
    Symlink("f", "/pub/l");
  }
};

// ---- Opening.

TEST_F(FileSystemTest, CreatingAppliesTheUmask) {
  user.umask = 0027;
  ASSERT_TRUE(OpenAsUser("/pub/new", kOWrOnly | kOCreat, 0666).ok());
  EXPECT_EQ(Status("/pub/new").mode, kModeRegular | 0640);
  EXPECT_EQ(Status("/pub/new").uid, 1000u);
}

TEST_F(FileSystemTest, ANewFileIsOpenAsAskedWhateverItsModeSays) {
  Result<DescriptionRef> file = OpenAsUser("/pub/new", kORdWr | kOCreat, 0000);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(WriteText(**file, "x"), "1");
  EXPECT_EQ(Say(OpenAsUser("/pub/new")), "EACCES");
}

TEST_F(FileSystemTest, ExclusiveRefusesWhatIsThereEvenADanglingLink) {
  Symlink("nowhere", "/pub/dangling");
  EXPECT_EQ(Say(OpenAsUser("/pub/f", kOWrOnly | kOCreat | kOExcl)), "EEXIST");
  EXPECT_EQ(Say(OpenAsUser("/pub/dangling", kOWrOnly | kOCreat | kOExcl)), "EEXIST");
  EXPECT_EQ(StatError("/pub/nowhere"), "ENOENT");
}

TEST_F(FileSystemTest, CreatingThroughADanglingLinkMakesItsTarget) {
  Symlink("nowhere", "/pub/dangling");
  EXPECT_EQ(Say(OpenAsUser("/pub/dangling", kOWrOnly | kOCreat)), "ok");
  EXPECT_EQ(StatError("/pub/nowhere"), "ok");
}

TEST_F(FileSystemTest, CreatingNeedsWritingInTheDirectory) {
  EXPECT_EQ(Say(OpenAsUser("/new", kOWrOnly | kOCreat)), "EACCES");
  EXPECT_EQ(Say(files.MakeDirectory(user, none, "/new", 0755)), "EACCES");
}

TEST_F(FileSystemTest, WhatIsThereIsToldBeforePermission) {
  EXPECT_EQ(Say(files.MakeDirectory(user, none, "/pub", 0755)), "EEXIST");
  EXPECT_EQ(Say(files.MakeSymlink(user, "x", none, "/pub")), "EEXIST");
}

TEST_F(FileSystemTest, TruncatingNeedsWritingEvenToRead) {
  Put("/readable", "text", 0644);
  EXPECT_EQ(Say(OpenAsUser("/readable", kORdOnly | kOTrunc)), "EACCES");
  EXPECT_EQ(Say(Open("/readable", kORdOnly | kOTrunc)), "ok");
  EXPECT_EQ(Get("/readable"), "");
}

TEST_F(FileSystemTest, ADirectoryCannotBeWritten) {
  EXPECT_EQ(Say(OpenAsUser("/pub", kOWrOnly)), "EISDIR");
  EXPECT_EQ(Say(OpenAsUser("/pub", kORdWr)), "EISDIR");
  EXPECT_EQ(Say(OpenAsUser("/pub", kORdOnly | kOCreat)), "EISDIR");
  EXPECT_EQ(Say(OpenAsUser("/pub/new/", kOWrOnly | kOCreat)), "EISDIR");
}

TEST_F(FileSystemTest, DirectoryAsksForADirectory) {
  EXPECT_EQ(Say(OpenAsUser("/pub/d", kODirectory)), "ok");
  EXPECT_EQ(Say(OpenAsUser("/pub/f", kODirectory)), "ENOTDIR");
  EXPECT_EQ(Say(OpenAsUser("/pub/l", kODirectory | kONoFollow)), "ENOTDIR");
  EXPECT_EQ(Say(OpenAsUser("/pub/new", kODirectory | kOCreat)), "EINVAL");
}

TEST_F(FileSystemTest, NoFollowRefusesALink) {
  EXPECT_EQ(Say(OpenAsUser("/pub/l", kONoFollow)), "ELOOP");
  EXPECT_EQ(Say(OpenAsUser("/pub/f", kONoFollow)), "ok");
}

TEST_F(FileSystemTest, StatusFlagsAreWhatFGetflShows) {
  EXPECT_EQ((*OpenAsUser("/pub/f", kORdWr | kOCreat | kOTrunc | kOAppend | kOCloExec | kONonBlock))
                ->status_flags(),
            kORdWr | kOAppend | kONonBlock | kOLargeFile);
  EXPECT_EQ((*OpenAsUser("/pub/d", kODirectory))->status_flags(), kODirectory | kOLargeFile);
  EXPECT_EQ((*OpenAsUser("/pub/f", kOPath | kORdWr | kOAppend))->status_flags(), kOPath);
}

TEST_F(FileSystemTest, NamelessFilesNeedWriting) {
  EXPECT_EQ(Say(OpenAsUser("/pub", kORdOnly | kODirectory | kOTmpFileBit)), "EINVAL");
  EXPECT_EQ(Say(OpenAsUser("/pub", kORdWr | kOTmpFileBit)), "EINVAL");
  EXPECT_EQ(Say(OpenAsUser("/pub/f", kORdWr | kODirectory | kOTmpFileBit)), "ENOTDIR");
  EXPECT_EQ(Say(OpenAsUser("/", kORdWr | kODirectory | kOTmpFileBit)), "EACCES");
}

TEST_F(FileSystemTest, NoAtimeIsTheOwners) {
  EXPECT_EQ(Say(OpenAsUser("/pub/f", kONoAtime)), "EPERM");
  EXPECT_EQ(Say(Open("/pub/f", kONoAtime)), "ok");
}

// ---- O_PATH.

TEST_F(FileSystemTest, APathDescriptionOpensWithoutPermission) {
  Put("/secret", "text", 0600);
  Result<DescriptionRef> file = OpenAsUser("/secret", kOPath);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(ReadText(**file, 1), "<EBADF>");
  EXPECT_EQ(WriteText(**file, "x"), "EBADF");
  EXPECT_EQ(Say((*file)->Seek(0, Whence::kSet)), "EBADF");
  EXPECT_FALSE((*file)->readable());
  FileStatus status;
  EXPECT_TRUE((*file)->Stat(&status).ok());
  EXPECT_EQ(status.size, 4u);
}

TEST_F(FileSystemTest, APathDescriptionOfALinkIsTheLink) {
  Result<DescriptionRef> link = OpenAsUser("/pub/l", kOPath | kONoFollow);
  ASSERT_TRUE(link.ok());
  EXPECT_EQ(*files.ReadLink(user, *link, ""), "f");
  EXPECT_EQ(Say(files.ReadLink(user, *OpenAsUser("/pub/f", kOPath), "")), "ENOENT");
}

// ---- Directories of a process.

TEST_F(FileSystemTest, TheWorkingDirectoryNeedsExecutePermission) {
  MakeDirectory("/noexec", 0644);
  EXPECT_EQ(Say(files.OpenDirectory(user, none, "/noexec")), "EACCES");
  EXPECT_EQ(Say(files.OpenDirectory(user, none, "/pub/f")), "ENOTDIR");
  EXPECT_EQ(*files.PathOf(*files.OpenDirectory(user, none, "/pub/d/..")), "/pub");
}

TEST_F(FileSystemTest, FchdirNeedsADirectory) {
  EXPECT_EQ(Say(files.OpenDirectory(user, *OpenAsUser("/pub/f"), "", kAtEmptyPath)), "ENOTDIR");
  EXPECT_EQ(Say(files.OpenDirectory(user, *OpenAsUser("/pub/d"), "", kAtEmptyPath)), "ok");
}

// ---- Executing.

TEST_F(FileSystemTest, ExecutingNeedsAnExecutableRegularFile) {
  Put("/program", "code", 0711);
  Result<DescriptionRef> file = files.OpenExecutable(user, none, "/program");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(ReadText(**file, 9), "code") << "the kernel reads what the user may not";
  EXPECT_EQ(Say(files.OpenExecutable(user, none, "/pub/f")), "EACCES");
  EXPECT_EQ(Say(files.OpenExecutable(root, none, "/pub/f")), "EACCES");
  EXPECT_EQ(Say(files.OpenExecutable(user, none, "/pub/d")), "EACCES");
  EXPECT_EQ(Say(files.OpenExecutable(user, none, "/pub/none")), "ENOENT");
  EXPECT_EQ(Say(files.OpenExecutable(user, none, "/pub/l", kAtSymlinkNoFollow)), "ELOOP");
}

TEST_F(FileSystemTest, AFileIsWrittenOrExecuted) {
  Put("/pub/program", "code", 0755);
  Result<DescriptionRef> writer = files.Open(root, none, "/pub/program", kOWrOnly);
  ASSERT_TRUE(writer.ok());
  EXPECT_EQ(Say(files.OpenExecutable(root, none, "/pub/program")), "ETXTBSY");
  writer = DescriptionRef();
  Result<DescriptionRef> file = files.OpenExecutable(root, none, "/pub/program");
  ASSERT_TRUE(file.ok());
  // To have it open is not yet to execute it.
  EXPECT_EQ(Say(files.Open(root, none, "/pub/program", kOWrOnly)), "ok");
  Result<std::shared_ptr<void>> use = ExecuteFile(*file);
  ASSERT_TRUE(use.ok());
  std::shared_ptr<void> of_child = *use;
  file = DescriptionRef();
  EXPECT_EQ(Say(files.Open(root, none, "/pub/program", kOWrOnly)), "ETXTBSY");
  EXPECT_EQ(Say(files.Open(root, none, "/pub/program", kORdWr | kOCreat)), "ETXTBSY");
  EXPECT_EQ(Say(files.Open(root, none, "/pub/program", kORdOnly | kOTrunc)), "ETXTBSY");
  EXPECT_EQ(Say(files.Truncate(root, "/pub/program", 0)), "ETXTBSY");
  EXPECT_EQ(Say(files.Open(root, none, "/pub/program", kORdOnly)), "ok");
  *use = nullptr;
  EXPECT_EQ(Say(files.Open(root, none, "/pub/program", kOWrOnly)), "ETXTBSY");
  of_child = nullptr;
  EXPECT_EQ(Say(files.Open(root, none, "/pub/program", kOWrOnly)), "ok");
  EXPECT_EQ(Say(files.OpenExecutable(root, none, "/pub/program")), "ok");
}

TEST_F(FileSystemTest, WhoMadeAFileInMemoryDoesNotCountAsItsWriter) {
  Result<DescriptionRef> file = files.OpenMemoryFile(root, "program");
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(ExecuteFile(*file).ok());
}

// ---- Names.

TEST_F(FileSystemTest, UnlinkAndRmdirTellWhatTheyMeet) {
  EXPECT_EQ(Say(files.Unlink(user, none, "/pub/d")), "EISDIR");
  EXPECT_EQ(Say(files.Unlink(user, none, "/pub/f", kAtRemoveDir)), "ENOTDIR");
  EXPECT_EQ(Say(files.Unlink(user, none, "/pub/f/")), "ENOTDIR");
  EXPECT_EQ(Say(files.Unlink(user, none, "/pub/d/.", kAtRemoveDir)), "EINVAL");
  EXPECT_EQ(Say(files.Unlink(user, none, "/pub/d/..", kAtRemoveDir)), "ENOTEMPTY");
  EXPECT_EQ(Say(files.Unlink(user, none, "/", kAtRemoveDir)), "EBUSY");
  EXPECT_EQ(Say(files.Unlink(root, none, "/pub", kAtRemoveDir)), "ENOTEMPTY");
  EXPECT_EQ(Say(files.Unlink(user, none, "/pub/x")), "ENOENT");
  EXPECT_EQ(Say(files.Unlink(user, none, "/pub/f", 1)), "EINVAL");
}

TEST_F(FileSystemTest, AStickyDirectoryKeepsOthersFiles) {
  MakeDirectory("/tmp");
  ASSERT_EQ(Say(files.ChangeMode(root, none, "/tmp", 01777)), "ok");
  Put("/tmp/roots", "");
  ASSERT_TRUE(OpenAsUser("/tmp/mine", kOWrOnly | kOCreat).ok());
  EXPECT_EQ(Say(files.Unlink(user, none, "/tmp/roots")), "EPERM");
  EXPECT_EQ(Say(files.Rename(user, none, "/tmp/roots", none, "/tmp/x")), "EPERM");
  EXPECT_EQ(Say(files.Rename(user, none, "/tmp/mine", none, "/tmp/roots")), "EPERM");
  EXPECT_EQ(Say(files.Unlink(user, none, "/tmp/mine")), "ok");
}

TEST_F(FileSystemTest, MovingADirectoryNeedsWritingToIt) {
  MakeDirectory("/pub/locked", 0555);
  EXPECT_EQ(Say(files.Rename(user, none, "/pub/locked", none, "/pub/renamed")), "ok");
  EXPECT_EQ(Say(files.Rename(user, none, "/pub/renamed", none, "/pub/d/moved")), "EACCES");
}

TEST_F(FileSystemTest, OthersFilesAreLinkedOnlyIfTheyCouldBeWritten) {
  Put("/pub/readonly", "", 0644);
  EXPECT_EQ(Say(files.Link(user, none, "/pub/readonly", none, "/pub/x")), "EPERM");
  EXPECT_EQ(Say(files.Link(user, none, "/pub/f", none, "/pub/x")), "ok");
  EXPECT_EQ(Say(files.Link(root, none, "/pub/d", none, "/pub/y")), "EPERM");
}

TEST_F(FileSystemTest, LinkTakesTheLinkItselfUnlessAsked) {
  ASSERT_EQ(Say(files.Link(root, none, "/pub/l", none, "/pub/l2")), "ok");
  EXPECT_EQ(Status("/pub/l2").mode & kModeTypeMask, kModeLink);
  ASSERT_EQ(Say(files.Link(root, none, "/pub/l", none, "/pub/f2", kAtSymlinkFollow)), "ok");
  EXPECT_EQ(Status("/pub/f2").ino, Status("/pub/f").ino);
}

TEST_F(FileSystemTest, MakingNodesTellsKinds) {
  EXPECT_EQ(Say(files.MakeNode(user, none, "/pub/n1", 0644, 0)), "ok");
  EXPECT_EQ(Status("/pub/n1").mode & kModeTypeMask, kModeRegular);
  EXPECT_EQ(Say(files.MakeNode(user, none, "/pub/n2", kModeFifo | 0644, 0)), "ok");
  EXPECT_EQ(Say(files.MakeNode(user, none, "/pub/n3", kModeSocket | 0644, 0)), "ok");
  EXPECT_EQ(Say(files.MakeNode(user, none, "/pub/n4", kModeDirectory | 0644, 0)), "EPERM");
  EXPECT_EQ(Say(files.MakeNode(user, none, "/pub/n4", kModeLink | 0644, 0)), "EINVAL");
  EXPECT_EQ(Say(files.MakeNode(user, none, "/pub/n4", kModeCharacter | 0644, 1)), "EPERM");
  EXPECT_EQ(Say(files.MakeNode(root, none, "/pub/n4", kModeCharacter | 0644, MakeDevice(9, 9))),
            "ok");
  EXPECT_EQ(Status("/pub/n4").rdev, MakeDevice(9, 9));
}

TEST_F(FileSystemTest, NodesWithoutOpenerAreEnxio) {
  ASSERT_EQ(Say(files.MakeNode(root, none, "/pub/fifo", kModeFifo | 0666, 0)), "ok");
  ASSERT_EQ(Say(files.MakeNode(root, none, "/pub/sock", kModeSocket | 0666, 0)), "ok");
  ASSERT_EQ(Say(files.MakeNode(root, none, "/pub/dev", kModeCharacter | 0666, MakeDevice(9, 9))),
            "ok");
  for (const char* path : {"/pub/fifo", "/pub/sock", "/pub/dev"})
    EXPECT_EQ(Say(Open(path, kORdWr)), "ENXIO") << path;
}

// Opens a fake that counts how often the same FIFO is opened.
class CountingOpener final : public SpecialFileOpener {
 public:
  struct State final : SpecialFileState {
    int opened = 0;
  };
  Result<DescriptionRef> Open(SpecialFile& file, uint32_t flags) override {
    if (!file.state) file.state = std::make_unique<State>();
    last = ++static_cast<State&>(*file.state).opened;
    auto* fake = new testing::FakeDescription(flags);
    fake->ready = kIn;
    return DescriptionRef(fake);
  }
  int last = 0;
};

TEST_F(FileSystemTest, AFifoOpensThroughItsOpenerAndKeepsItsPlace) {
  CountingOpener opener;
  files.SetFifoOpener(&opener);
  ASSERT_EQ(Say(files.MakeNode(root, none, "/pub/fifo", kModeFifo | 0666, 0)), "ok");
  Result<DescriptionRef> first = OpenAsUser("/pub/fifo", kORdWr);
  ASSERT_TRUE(first.ok());
  ASSERT_EQ(Say(files.Rename(root, none, "/pub/fifo", none, "/pub/moved")), "ok");
  ASSERT_TRUE(OpenAsUser("/pub/moved", kORdWr).ok());
  EXPECT_EQ(opener.last, 2);
  EXPECT_EQ(ReadText(**first, 1), "r");
  EXPECT_EQ((*first)->Poll(), kIn);
  EXPECT_TRUE((*first)->CanBeWatched());
  EXPECT_EQ((*first)->LinkText(), "/pub/moved");
  FileStatus status;
  ASSERT_TRUE((*first)->Stat(&status).ok());
  EXPECT_EQ(status.mode, kModeFifo | 0666);
}

// ---- Attributes.

TEST_F(FileSystemTest, ModeIsTheOwners) {
  EXPECT_EQ(Say(files.ChangeMode(user, none, "/pub/f", 0644)), "EPERM");
  EXPECT_EQ(Say(files.ChangeMode(root, none, "/pub/l", 0644, kAtSymlinkNoFollow)), "EOPNOTSUPP");
  EXPECT_EQ(Say(files.ChangeMode(root, *Open("/pub/f"), "", 0640, kAtEmptyPath)), "ok");
  EXPECT_EQ(Status("/pub/f").mode & 07777, 0640u);
}

TEST_F(FileSystemTest, SetGroupIdNeedsTheGroup) {
  ASSERT_TRUE(OpenAsUser("/pub/mine", kOWrOnly | kOCreat).ok());
  ASSERT_EQ(Say(files.ChangeOwner(root, none, "/pub/mine", 1000, 7)), "ok");
  ASSERT_EQ(Say(files.ChangeMode(user, none, "/pub/mine", 02755)), "ok");
  EXPECT_EQ(Status("/pub/mine").mode & 07777, 0755u);
}

TEST_F(FileSystemTest, ASetGroupIdDirectoryHandsItsGroupOn) {
  MakeDirectory("/pub/shared", 0777);
  ASSERT_EQ(Say(files.ChangeOwner(root, none, "/pub/shared", 0, 7)), "ok");
  ASSERT_EQ(Say(files.ChangeMode(root, none, "/pub/shared", 02777)), "ok");
  ASSERT_TRUE(OpenAsUser("/pub/shared/f", kOWrOnly | kOCreat).ok());
  ASSERT_EQ(Say(files.MakeDirectory(user, none, "/pub/shared/d", 0755)), "ok");
  EXPECT_EQ(Status("/pub/shared/f").gid, 7u);
  EXPECT_EQ(Status("/pub/shared/d").mode & 07777, 02755u);
}

TEST_F(FileSystemTest, OwnersMayGiveTheirGroupsOnly) {
  ASSERT_TRUE(OpenAsUser("/pub/mine", kOWrOnly | kOCreat).ok());
  user.groups = {7};
  EXPECT_EQ(Say(files.ChangeOwner(user, none, "/pub/mine", UINT32_MAX, 7)), "ok");
  EXPECT_EQ(Say(files.ChangeOwner(user, none, "/pub/mine", UINT32_MAX, 8)), "EPERM");
  EXPECT_EQ(Say(files.ChangeOwner(user, none, "/pub/mine", 1001, UINT32_MAX)), "EPERM");
  EXPECT_EQ(Say(files.ChangeOwner(user, none, "/pub/mine", 1000, UINT32_MAX)), "ok");
  EXPECT_EQ(Say(files.ChangeOwner(user, none, "/pub/f", UINT32_MAX, UINT32_MAX)), "ok");
}

TEST_F(FileSystemTest, TouchingNeedsWritingSettingNeedsOwning) {
  const TimeChange now, set{TimeChange::kSet, Nanos{1}}, omit{TimeChange::kOmit, {}};
  EXPECT_EQ(Say(files.ChangeTimes(user, none, "/pub/f", now, now)), "ok");
  EXPECT_EQ(Say(files.ChangeTimes(user, none, "/pub/f", set, set)), "EPERM");
  EXPECT_EQ(Say(files.ChangeTimes(user, none, "/pub/f", now, omit)), "EPERM");
  Put("/readonly", "");
  EXPECT_EQ(Say(files.ChangeTimes(user, none, "/readonly", now, now)), "EACCES");
  EXPECT_EQ(Say(files.ChangeTimes(user, none, "/missing", omit, omit)), "ok");
  ASSERT_EQ(Say(files.ChangeTimes(root, none, "/readonly", omit, set)), "ok");
  EXPECT_EQ(Status("/readonly").mtime, Nanos{1});
  EXPECT_EQ(Status("/readonly").atime, clock.Realtime());
}

TEST_F(FileSystemTest, AccessAsksForTheCaller) {
  Put("/readable", "", 0644);
  EXPECT_EQ(Say(files.Access(user, none, "/readable", kAccessRead)), "ok");
  EXPECT_EQ(Say(files.Access(user, none, "/readable", kAccessWrite)), "EACCES");
  EXPECT_EQ(Say(files.Access(root, none, "/readable", kAccessWrite)), "ok");
  EXPECT_EQ(Say(files.Access(root, none, "/readable", kAccessExecute)), "EACCES");
  EXPECT_EQ(Say(files.Access(user, none, "/readable", 0)), "ok");
  EXPECT_EQ(Say(files.Access(user, none, "/readable", 8)), "EINVAL");
  EXPECT_EQ(Say(files.Access(user, none, "/readable", 0, 0x8000)), "EINVAL");
}

TEST_F(FileSystemTest, TruncateByPath) {
  EXPECT_EQ(Say(files.Truncate(user, "/pub/f", 2)), "ok");
  EXPECT_EQ(Get("/pub/f"), "te");
  EXPECT_EQ(Say(files.Truncate(user, "/pub/f", -1)), "EINVAL");
  EXPECT_EQ(Say(files.Truncate(user, "/pub/d", 0)), "EISDIR");
  Put("/readonly", "");
  EXPECT_EQ(Say(files.Truncate(user, "/readonly", 0)), "EACCES");
}

// ---- Anything can be the base of an empty path.

TEST_F(FileSystemTest, APipeCanBeAskedButNotWalkedFrom) {
  const DescriptionRef pipe(new testing::FakeDescription());
  EXPECT_EQ(files.Stat(user, pipe, "", kAtEmptyPath)->ino, kAnonymousInode);
  EXPECT_EQ(Say(files.Stat(user, pipe, "x")), "ENOTDIR");
  EXPECT_EQ(Say(files.OpenDirectory(user, pipe, "", kAtEmptyPath)), "ENOTDIR");
}

TEST_F(FileSystemTest, StatFileSystemTellsTheKind) {
  Result<FileSystemStatus> status = files.StatFileSystem(user, none, "/pub/f");
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(status->type, 0x01021994u);
  EXPECT_EQ(status->name_bytes, 255u);
}

}  // namespace
}  // namespace pollux::os_emu
