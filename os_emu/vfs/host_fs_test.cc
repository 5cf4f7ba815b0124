// Mounted host directories: what can be reached, and above all what cannot.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "os_emu/vfs/testing.h"

namespace pollux::os_emu {
namespace {

using ::testing::ElementsAre;
using testing::FilesFixture;
using testing::ReadText;
using testing::Say;
using testing::WriteText;
namespace fs = std::filesystem;

// On the host: SCRATCH/shared is mounted at /h; SCRATCH/secret must never be seen.
class HostFs : public FilesFixture {
 protected:
  HostFs() {
    const char* directory = getenv("TEST_TMPDIR");
    std::string pattern =
        std::string(directory != nullptr ? directory : "/tmp") + "/pollux_host_XXXXXX";
    scratch_ = mkdtemp(pattern.data());
    fs::create_directories(Shared("sub/deep"));
    PutOnHost("secret", "outside");
    fs::create_directories(scratch_ + "/private");
    PutOnHost("private/secret", "outside");
    PutOnHost("shared/file", "inside");
    PutOnHost("shared/sub/file", "in sub");
  }
  ~HostFs() override {
    std::error_code ignored;
    fs::remove_all(scratch_, ignored);
  }

  std::string Shared(const std::string& name) const { return scratch_ + "/shared/" + name; }
  void PutOnHost(const std::string& name, const std::string& text) {
    std::ofstream(scratch_ + "/" + name) << text;
  }
  std::string GetFromHost(const std::string& name) {
    std::ifstream in(scratch_ + "/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void SymlinkOnHost(const std::string& target, const std::string& name) {
    ASSERT_EQ(symlink(target.c_str(), Shared(name).c_str()), 0);
  }
  void Mount(bool read_only = false, const std::string& at = "/h") {
    const absl::Status mounted =
        files.MountHostDirectory(at, scratch_ + "/shared", read_only, 1000, 1000);
    ASSERT_TRUE(mounted.ok()) << mounted;
  }

  std::string scratch_;
};

// ---- What works.

TEST_F(HostFs, FilesAreReadAndWritten) {
  Mount();
  EXPECT_EQ(Get("/h/sub/file"), "in sub");
  Put("/h/new", "made by the guest");
  EXPECT_EQ(GetFromHost("shared/new"), "made by the guest");
  Put("/h/file", "less");
  EXPECT_EQ(GetFromHost("shared/file"), "less");
}

// ---- Mappings (host_pages.h).

// Stores a byte as a guest would through a shared mapping.
class MappedHostFile : public HostFs {
 protected:
  MappedHostFile() {
    Mount();
    space_ = *memory::AddressSpace::Create(&budget);
    file_ = *Open("/h/file", kORdWr);
    request_.length = 3 * 4096;
    request_.prot = memory::kProtRead | memory::kProtWrite;
    request_.shared = true;
    request_.object = *file_->MapPages();
    at_ = *space_->Map(request_);
    request_.object.reset();
  }
  void Store(uint64_t offset, char byte) {
    ASSERT_TRUE(space_->WriteObject(at_ + offset, byte).ok());
  }
  int Load(uint64_t offset) {
    const auto byte = space_->ReadObject<char>(at_ + offset);
    return byte.ok() ? *byte : -1;
  }

  std::unique_ptr<memory::AddressSpace> space_;
  DescriptionRef file_;
  memory::AddressSpace::MapRequest request_;
  GuestAddr at_;
};

TEST_F(MappedHostFile, WhatIsStoredReachesTheHostAtTheStatedTimes) {
  Store(0, 'I');
  EXPECT_EQ(GetFromHost("shared/file"), "inside");
  ASSERT_EQ(Say(space_->WriteBack(at_, 4096)), "ok");
  EXPECT_EQ(GetFromHost("shared/file"), "Inside");
  Store(1, 'N');
  EXPECT_EQ(ReadText(*file_, 2), "IN") << "a read through pollux";
  Store(2, 'S');
  ASSERT_EQ(Say(file_->Sync()), "ok");
  EXPECT_EQ(GetFromHost("shared/file"), "INSide");
  Store(3, 'I');
  file_ = {};
  ASSERT_EQ(Say(space_->Unmap(at_, 3 * 4096)), "ok");
  EXPECT_EQ(GetFromHost("shared/file"), "INSIde") << "the last mapping has gone";
}

TEST_F(MappedHostFile, TheEndOfTheProcessWritesBack) {
  Store(5, 'E');
  file_ = {};
  space_.reset();
  EXPECT_EQ(GetFromHost("shared/file"), "insidE");
}

TEST_F(MappedHostFile, WritesAndTruncationsThroughPolluxAreSeen) {
  EXPECT_EQ(Load(1), 'n');
  ASSERT_EQ(WriteText(*file_, "xyz"), "3");
  EXPECT_EQ(Load(1), 'y');
  ASSERT_EQ(Say(file_->Truncate(5000)), "ok");
  EXPECT_EQ(Load(4999), 0);
  Store(4096, 'p');
  ASSERT_EQ(Say(file_->Truncate(4096)), "ok");
  EXPECT_EQ(Load(4096), -1);
  ASSERT_EQ(Say(files.Truncate(user, "/h/file", 2)), "ok");
  EXPECT_EQ(Load(2), 0);
  EXPECT_EQ(GetFromHost("shared/file"), "xy");
}

TEST_F(MappedHostFile, AHostThatTruncatesCanDoNoHarm) {
  Store(0, 'I');
  ASSERT_EQ(truncate(Shared("file").c_str(), 0), 0);
  EXPECT_EQ(Load(0), 'I');
  EXPECT_EQ(Load(4000), 0) << "a page that was never touched on the host";
  ASSERT_EQ(Say(space_->WriteBack(at_, 4096)), "ok");
  EXPECT_EQ(GetFromHost("shared/file"), "") << "nothing beyond its end is written";
}

TEST_F(HostFs, ANewFileHasTheGuestsModeWhateverTheHostsUmaskIs) {
  Mount();
  const mode_t before = umask(0077);
  Caller caller = user;
  caller.umask = 0002;
  EXPECT_TRUE(files.Open(caller, none, "/h/open", kOWrOnly | kOCreat, 0666).ok());
  EXPECT_EQ(Say(files.MakeDirectory(caller, none, "/h/dir", 0777)), "ok");
  umask(before);
  struct stat host;
  ASSERT_EQ(stat(Shared("open").c_str(), &host), 0);
  EXPECT_EQ(host.st_mode & 07777, 0664u);
  ASSERT_EQ(stat(Shared("dir").c_str(), &host), 0);
  EXPECT_EQ(host.st_mode & 07777, 0775u);
}

TEST_F(HostFs, ANewFileCanBeWrittenThroughWhateverItsModeForbids) {
  Mount();
  Result<DescriptionRef> file = OpenAsUser("/h/locked", kOWrOnly | kOCreat, 0444);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(WriteText(**file, "once"), "4");
  EXPECT_EQ(Say(OpenAsUser("/h/locked", kOWrOnly)), "EACCES");
}

TEST_F(HostFs, ListingIsSortedWhateverTheHostsOrderIs) {
  for (const char* name : {"zeta", "alpha", "mu", "Beta"})
    PutOnHost(std::string("shared/") + name, "");
  Mount();
  EXPECT_THAT(List("/h"), ElementsAre(".", "..", "Beta", "alpha", "file", "mu", "sub", "zeta"));
}

TEST_F(HostFs, InodeNumbersAreCountedInOrderOfFirstSight) {
  for (const char* name : {"c", "a", "b"}) PutOnHost(std::string("shared/sub/") + name, "");
  Mount();
  EXPECT_EQ(Status("/h").ino, 1u);
  EXPECT_EQ(Status("/h/sub").ino, 2u);
  EXPECT_EQ(Status("/h/sub/c").ino, 3u);
  EXPECT_EQ(Status("/h/sub/a").ino, 4u);
  EXPECT_EQ(Status("/h/sub/c").ino, 3u);
}

TEST_F(HostFs, AHostsReusedInodeNumberIsANewFileToTheGuest) {
  Mount();
  Put("/h/one", "1");
  const uint64_t first = Status("/h/one").ino;
  ASSERT_EQ(Say(files.Unlink(root, none, "/h/one")), "ok");
  Put("/h/two", "2");
  EXPECT_NE(Status("/h/two").ino, first);
}

TEST_F(HostFs, HardLinksAreOneFile) {
  Mount();
  ASSERT_EQ(Say(files.Link(user, none, "/h/file", none, "/h/again")), "ok");
  EXPECT_EQ(Status("/h/again").ino, Status("/h/file").ino);
  EXPECT_EQ(Status("/h/again").nlink, 2u);
}

TEST_F(HostFs, FilesBelongToTheGuestsUser) {
  Mount();
  EXPECT_EQ(Status("/h/file").uid, 1000u);
  EXPECT_EQ(Status("/h/file").gid, 1000u);
  EXPECT_EQ(Say(files.ChangeOwner(root, none, "/h/file", 0, 0)), "EPERM");
  EXPECT_EQ(Say(files.ChangeOwner(root, none, "/h/file", 1000, 1000)), "ok");
}

TEST_F(HostFs, AppendGoesToTheEndEvenIfTheFlagCameLater) {
  Mount();
  Result<DescriptionRef> file = Open("/h/file", kORdWr);
  ASSERT_TRUE(file.ok());
  (*file)->set_status_flags((*file)->status_flags() | kOAppend);
  EXPECT_EQ(WriteText(**file, "+more"), "5");
  EXPECT_EQ(GetFromHost("shared/file"), "inside+more");
  EXPECT_EQ(WriteText(**file, "!"), "1");
  EXPECT_EQ(*(*file)->Seek(0, Whence::kCurrent), 12u);
}

TEST_F(HostFs, TimesAreSetOnTheHost) {
  Mount();
  const TimeChange time{TimeChange::kSet, Nanos{1'500'000'000'123'456'789}};
  ASSERT_EQ(Say(files.ChangeTimes(user, none, "/h/file", time, time)), "ok");
  struct stat host;
  ASSERT_EQ(stat(Shared("file").c_str(), &host), 0);
  EXPECT_EQ(host.st_mtim.tv_sec, 1'500'000'000);
  EXPECT_EQ(Status("/h/file").mtime, (Nanos{1'500'000'000'123'456'789}));
}

TEST_F(HostFs, NowIsTheMachinesClockNotTheHosts) {
  Mount();
  ASSERT_EQ(Say(files.ChangeTimes(user, none, "/h/file", {}, {})), "ok");
  EXPECT_EQ(Status("/h/file").mtime, clock.Realtime());
}

TEST_F(HostFs, AnOpenDirectoryFollowsItsRename) {
  Mount();
  Result<DescriptionRef> directory = Open("/h/sub/deep", kODirectory);
  ASSERT_TRUE(directory.ok());
  ASSERT_EQ(Say(files.Rename(user, none, "/h/sub", none, "/h/moved")), "ok");
  EXPECT_EQ(*files.PathOf(*directory), "/h/moved/deep");
  EXPECT_TRUE(files.Open(user, *directory, "../file", kORdOnly).ok());
}

// ---- What must not be reached.

TEST_F(HostFs, AbsoluteLinksBeginAtTheGuestsRoot) {
  SymlinkOnHost(scratch_ + "/secret", "link");
  SymlinkOnHost("/etc/passwd", "passwd");
  SymlinkOnHost("/", "root");
  Mount();
  MakeDirectory("/etc");
  Put("/etc/passwd", "the guest's");
  EXPECT_EQ(Get("/h/link"), "<ENOENT>");
  EXPECT_EQ(Get("/h/passwd"), "the guest's");
  EXPECT_EQ(Get("/h/root/etc/passwd"), "the guest's");
  EXPECT_EQ(Get("/h/root/h/root/h/file"), "inside");
}

TEST_F(HostFs, RelativeLinksCannotClimbOutOfTheMount) {
  SymlinkOnHost("../secret", "up");
  SymlinkOnHost("../../../../../../../../etc", "far");
  SymlinkOnHost("../private", "directory");
  Mount();
  Put("/secret", "the guest's");
  EXPECT_EQ(Get("/h/up"), "the guest's");
  EXPECT_EQ(Get("/h/far/passwd"), "<ENOENT>");
  EXPECT_EQ(Get("/h/directory/secret"), "<ENOENT>");
}

TEST_F(HostFs, DotDotCannotLeaveTheMount) {
  Mount();
  EXPECT_EQ(Get("/h/../secret"), "<ENOENT>");
  EXPECT_EQ(Get("/h/sub/../../secret"), "<ENOENT>");
  EXPECT_EQ(Get("/h/sub/deep/../../../h/file"), "inside");
  Result<DescriptionRef> top = Open("/h", kODirectory);
  ASSERT_TRUE(top.ok());
  EXPECT_EQ(Say(files.Open(user, *top, "../secret", kORdOnly)), "ENOENT");
  EXPECT_EQ(files.Stat(user, *top, "..")->ino, Status("/").ino);
}

TEST_F(HostFs, LinksThatTheGuestMakesAreTheGuestsToo) {
  Mount();
  ASSERT_EQ(Say(files.MakeSymlink(user, scratch_ + "/secret", none, "/h/evil")), "ok");
  EXPECT_EQ(Get("/h/evil"), "<ENOENT>");
  EXPECT_EQ(*files.ReadLink(user, none, "/h/evil"), scratch_ + "/secret");
}

TEST_F(HostFs, CreatingThroughALinkStaysInTheGuest) {
  SymlinkOnHost(scratch_ + "/private/made", "evil");
  Mount();
  EXPECT_EQ(Say(Open("/h/evil", kOWrOnly | kOCreat)), "ENOENT");
  EXPECT_FALSE(fs::exists(scratch_ + "/private/made"));
  EXPECT_EQ(Say(Open("/h/evil", kOWrOnly | kOCreat | kOExcl)), "EEXIST");
}

TEST_F(HostFs, ChangesThroughALinkStayInTheGuest) {
  SymlinkOnHost("../secret", "evil");
  Mount();
  EXPECT_EQ(Say(files.Truncate(root, "/h/evil", 0)), "ENOENT");
  EXPECT_EQ(Say(files.ChangeMode(root, none, "/h/evil", 0777)), "ENOENT");
  EXPECT_EQ(Say(files.ChangeTimes(root, none, "/h/evil", {}, {})), "ENOENT");
  EXPECT_EQ(Say(files.Link(root, none, "/h/evil", none, "/h/got", kAtSymlinkFollow)), "ENOENT");
  EXPECT_EQ(GetFromHost("secret"), "outside");
}

TEST_F(HostFs, ALinkItselfCanBeLinkedTimedAndRemoved) {
  SymlinkOnHost("../secret", "link");
  Mount();
  EXPECT_EQ(Say(files.Link(root, none, "/h/link", none, "/h/link2")), "ok");
  EXPECT_EQ(*files.ReadLink(root, none, "/h/link2"), "../secret");
  const TimeChange time{TimeChange::kSet, Nanos{1'000'000'000}};
  EXPECT_EQ(Say(files.ChangeTimes(root, none, "/h/link", time, time, kAtSymlinkNoFollow)), "ok");
  EXPECT_EQ(Status("/h/link").mtime, (Nanos{1'000'000'000}));
  EXPECT_EQ(Say(files.Unlink(root, none, "/h/link")), "ok");
  EXPECT_EQ(GetFromHost("secret"), "outside");
  struct stat host;
  ASSERT_EQ(stat((scratch_ + "/secret").c_str(), &host), 0);
  EXPECT_GT(host.st_mtim.tv_sec, 1'000'000'000);
}

TEST_F(HostFs, ADirectoryThatBecomesALinkIsNotFollowedOnTheHost) {
  Mount();
  Result<DescriptionRef> directory = Open("/h/sub", kODirectory);
  ASSERT_TRUE(directory.ok());
  PutOnHost("private/file", "outside");
  fs::rename(Shared("sub"), Shared("was"));
  SymlinkOnHost("../private", "sub");
  EXPECT_EQ(Get("/h/sub/file"), "<ENOENT>");
  // Who has the old one open still has it.
  Result<DescriptionRef> file = files.Open(user, *directory, "file", kORdOnly);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(ReadText(**file, 100), "in sub");
}

TEST_F(HostFs, ADirectoryThatTheHostMovesAwayHasNoWayUp) {
  Mount();
  Result<DescriptionRef> directory = Open("/h/sub/deep", kODirectory);
  ASSERT_TRUE(directory.ok());
  fs::rename(Shared("sub/deep"), scratch_ + "/private/deep");
  EXPECT_EQ(Say(files.Open(user, *directory, "../secret", kORdOnly)), "ENOENT");
  EXPECT_EQ(Say(files.Open(user, *directory, "../../secret", kORdOnly)), "ENOENT");
}

// A host process swaps a directory for a link to the outside, as fast as it can.
TEST_F(HostFs, SwappingADirectoryForALinkNeverLetsTheGuestOut) {
  fs::create_directories(Shared("swap"));
  PutOnHost("shared/swap/secret", "inside");
  SymlinkOnHost(scratch_ + "/private", "other");
  Mount();
  std::atomic<bool> stop = false;
  std::thread attacker([&] {
    while (!stop)
      renameat2(AT_FDCWD, Shared("swap").c_str(), AT_FDCWD, Shared("other").c_str(),
                RENAME_EXCHANGE);
  });
  int inside = 0, refused = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string got = Get("/h/swap/secret");
    ASSERT_NE(got, "outside") << "after " << i << " tries";
    (got == "inside" ? inside : refused) += 1;
    // Making a file, and removing it, must not happen outside either.
    if (i % 16 == 0) {
      (void)Open("/h/swap/made", kOWrOnly | kOCreat);
      ASSERT_FALSE(fs::exists(scratch_ + "/private/made"));
    }
  }
  stop = true;
  attacker.join();
  EXPECT_GT(inside, 0);
  EXPECT_GT(refused, 0);
}

TEST_F(HostFs, SwappingAFileForAFifoNeverBlocks) {
  ASSERT_EQ(mkfifo(Shared("pipe").c_str(), 0666), 0);
  Mount();
  std::atomic<bool> stop = false;
  std::thread attacker([&] {
    while (!stop)
      renameat2(AT_FDCWD, Shared("file").c_str(), AT_FDCWD, Shared("pipe").c_str(),
                RENAME_EXCHANGE);
  });
  for (int i = 0; i < 5000; ++i) {
    const std::string got = Get("/h/file");
    ASSERT_TRUE(got == "inside" || got == "<EACCES>") << got;
  }
  stop = true;
  attacker.join();
}

TEST_F(HostFs, FifosAreSeenButNotOpened) {
  ASSERT_EQ(mkfifo(Shared("pipe").c_str(), 0666), 0);
  Mount();
  EXPECT_EQ(Status("/h/pipe").mode & kModeTypeMask, kModeFifo);
  EXPECT_EQ(Say(Open("/h/pipe", kORdOnly)), "EACCES");
  EXPECT_EQ(Say(Open("/h/pipe", kOWrOnly | kONonBlock)), "EACCES");
  EXPECT_EQ(Say(files.MakeNode(root, none, "/h/fifo", kModeFifo | 0644, 0)), "EPERM");
}

TEST_F(HostFs, SocketsAreSeenButNotOpened) {
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path = Shared("sock");
  if (path.size() >= sizeof(address.sun_path))
    GTEST_SKIP() << "the scratch directory's path is too long";
  path.copy(address.sun_path, path.size());
  ASSERT_EQ(bind(fd, reinterpret_cast<struct sockaddr*>(&address), sizeof(address)), 0);
  close(fd);
  Mount();
  EXPECT_EQ(Say(Open("/h/sock", kORdWr)), "ENXIO");
}

TEST_F(HostFs, DevicesAreSeenButNotOpened) {
  if (mknod(Shared("null").c_str(), S_IFCHR | 0666, 0x103) != 0) GTEST_SKIP() << "needs root";
  Mount();
  EXPECT_EQ(Status("/h/null").mode & kModeTypeMask, kModeCharacter);
  EXPECT_EQ(Say(Open("/h/null", kORdOnly)), "EACCES");
  EXPECT_EQ(Say(files.MakeNode(root, none, "/h/dev", kModeCharacter | 0644, 0x103)), "EPERM");
}

TEST_F(HostFs, TheHostsProcAndSysCannotBeEntered) {
  ASSERT_TRUE(files.MountHostDirectory("/all", "/", true, 1000, 1000).ok());
  EXPECT_EQ(Get("/all/proc/self/maps"), "<EACCES>");
  EXPECT_EQ(Get("/all/proc/1/status"), "<EACCES>");
  EXPECT_EQ(StatError("/all/proc"), "EACCES");
  EXPECT_EQ(StatError("/all/sys"), "EACCES");
  EXPECT_FALSE(files.MountHostDirectory("/p", "/proc", true, 1000, 1000).ok());
  EXPECT_FALSE(files.MountHostDirectory("/p", "/proc/self/fd", true, 1000, 1000).ok());
}

TEST_F(HostFs, SetUserIdIsNeitherShownNorSet) {
  ASSERT_EQ(chmod(Shared("file").c_str(), 06755), 0);
  Mount();
  EXPECT_EQ(Status("/h/file").mode & 07777, 0755u);
  ASSERT_EQ(Say(files.ChangeMode(user, none, "/h/sub/file", 06755)), "ok");
  EXPECT_TRUE(OpenAsUser("/h/suid", kOWrOnly | kOCreat, 06777).ok());
  struct stat host;
  ASSERT_EQ(stat(Shared("sub/file").c_str(), &host), 0);
  EXPECT_EQ(host.st_mode & 07777, 0755u);
  ASSERT_EQ(stat(Shared("suid").c_str(), &host), 0);
  EXPECT_EQ(host.st_mode & 07777, 0755u);
}

TEST_F(HostFs, NothingCrossesTheMount) {
  Mount();
  Put("/mine", "memory");
  EXPECT_EQ(Say(files.Link(root, none, "/mine", none, "/h/link")), "EXDEV");
  EXPECT_EQ(Say(files.Rename(root, none, "/mine", none, "/h/moved")), "EXDEV");
  EXPECT_EQ(Say(files.Rename(root, none, "/h/file", none, "/moved")), "EXDEV");
}

TEST_F(HostFs, TheMountPointCannotBeRemovedOrRenamed) {
  Mount();
  EXPECT_EQ(Say(files.Unlink(root, none, "/h", kAtRemoveDir)), "EBUSY");
  EXPECT_EQ(Say(files.Rename(root, none, "/h", none, "/g")), "EBUSY");
  EXPECT_TRUE(fs::exists(Shared("file")));
}

TEST_F(HostFs, UnlinkTakesTheLinkNotItsTarget) {
  fs::create_directories(scratch_ + "/private/empty");
  SymlinkOnHost("../private/empty", "link");
  Mount();
  EXPECT_EQ(Say(files.Unlink(root, none, "/h/link", kAtRemoveDir)), "ENOTDIR");
  EXPECT_EQ(Say(files.Unlink(root, none, "/h/link")), "ok");
  EXPECT_TRUE(fs::exists(scratch_ + "/private/empty"));
}

// ---- Read-only mounts.

class ReadOnlyHostFs : public HostFs {
 protected:
  ReadOnlyHostFs() {
    SymlinkOnHost("file", "link");
    Mount(/*read_only=*/true);
  }
};

TEST_F(ReadOnlyHostFs, ReadingWorks) {
  EXPECT_EQ(Get("/h/file"), "inside");
  EXPECT_EQ(Say(files.Access(user, none, "/h/file", kAccessRead)), "ok");
}

TEST_F(ReadOnlyHostFs, EveryChangeIsRefused) {
  EXPECT_EQ(Say(Open("/h/file", kOWrOnly)), "EROFS");
  EXPECT_EQ(Say(Open("/h/file", kORdOnly | kOTrunc)), "EROFS");
  EXPECT_EQ(Say(Open("/h/new", kOWrOnly | kOCreat)), "EROFS");
  EXPECT_EQ(Say(Open("/h", kODirectory | kORdWr | kOTmpFileBit)), "EROFS");
  EXPECT_EQ(Say(files.Access(root, none, "/h/file", kAccessWrite)), "EROFS");
  EXPECT_EQ(Say(files.MakeDirectory(root, none, "/h/new", 0755)), "EROFS");
  EXPECT_EQ(Say(files.MakeNode(root, none, "/h/new", kModeRegular, 0)), "EROFS");
  EXPECT_EQ(Say(files.MakeSymlink(root, "x", none, "/h/new")), "EROFS");
  EXPECT_EQ(Say(files.Link(root, none, "/h/file", none, "/h/new")), "EROFS");
  EXPECT_EQ(Say(files.Unlink(root, none, "/h/file")), "EROFS");
  EXPECT_EQ(Say(files.Unlink(root, none, "/h/sub/deep", kAtRemoveDir)), "EROFS");
  EXPECT_EQ(Say(files.Rename(root, none, "/h/file", none, "/h/new")), "EROFS");
  EXPECT_EQ(Say(files.ChangeMode(root, none, "/h/file", 0600)), "EROFS");
  EXPECT_EQ(Say(files.ChangeOwner(root, none, "/h/file", 1000, 1000)), "EROFS");
  EXPECT_EQ(Say(files.ChangeTimes(root, none, "/h/file", {}, {})), "EROFS");
  EXPECT_EQ(Say(files.Truncate(root, "/h/file", 0)), "EROFS");
  EXPECT_EQ(GetFromHost("shared/file"), "inside");
}

TEST_F(ReadOnlyHostFs, WhatIsThereIsToldBeforeReadOnly) {
  EXPECT_EQ(Say(files.MakeDirectory(root, none, "/h/sub", 0755)), "EEXIST");
  EXPECT_EQ(Say(files.MakeDirectory(root, none, "/h/no/new", 0755)), "ENOENT");
}

// ---- Mounting.

TEST_F(HostFs, MountsNestInWhateverOrder) {
  fs::create_directories(scratch_ + "/inner");
  PutOnHost("inner/file", "inner");
  ASSERT_TRUE(files.MountHostDirectory("/h/sub/in", scratch_ + "/inner", false, 1000, 1000).ok());
  Mount();
  EXPECT_EQ(Get("/h/sub/in/file"), "inner");
  EXPECT_EQ(Get("/h/sub/file"), "in sub");
  EXPECT_EQ(Get("/h/sub/in/../file"), "in sub");
  EXPECT_THAT(List("/h/sub"), ElementsAre(".", "..", "deep", "file", "in"));
  EXPECT_FALSE(fs::exists(Shared("sub/in"))) << "a mount point was made on the host";
}

TEST_F(HostFs, MountPointsShadowWhatTheHostHasThere) {
  SymlinkOnHost("../private", "in");
  fs::create_directories(scratch_ + "/inner");
  PutOnHost("inner/file", "inner");
  Mount();
  ASSERT_TRUE(files.MountHostDirectory("/h/in", scratch_ + "/inner", false, 1000, 1000).ok());
  EXPECT_EQ(Get("/h/in/file"), "inner");
  EXPECT_EQ(Status("/h/in").mode & kModeTypeMask, kModeDirectory);
  EXPECT_EQ(Say(files.Unlink(root, none, "/h/in")), "EISDIR");
  EXPECT_EQ(Say(files.Unlink(root, none, "/h/in", kAtRemoveDir)), "EBUSY");
  EXPECT_TRUE(fs::is_symlink(Shared("in")));
}

TEST_F(HostFs, TheRootCanBeAHostDirectory) {
  Put("/old", "hidden");
  Mount(false, "/");
  EXPECT_EQ(Get("/file"), "inside");
  EXPECT_EQ(Get("/../../file"), "inside");
  EXPECT_EQ(Get("/old"), "<ENOENT>");
  EXPECT_EQ(*files.PathOf(*Open("/sub/deep", kODirectory)), "/sub/deep");
  EXPECT_EQ(*files.PathOf(*Open("/", kODirectory)), "/");
}

TEST_F(HostFs, BadMountsAreSaidSo) {
  EXPECT_FALSE(files.MountHostDirectory("/h", scratch_ + "/missing", false, 0, 0).ok());
  EXPECT_FALSE(files.MountHostDirectory("/h", scratch_ + "/secret", false, 0, 0).ok());
  EXPECT_FALSE(files.MountHostDirectory("h", scratch_ + "/shared", false, 0, 0).ok());
  EXPECT_FALSE(files.MountHostDirectory("/h/../x", scratch_ + "/shared", false, 0, 0).ok());
  EXPECT_FALSE(files.MountFromFlag("/h", 0, 0).ok());
  EXPECT_FALSE(files.MountFromFlag("/h=", 0, 0).ok());
  EXPECT_FALSE(files.MountFromFlag("=/tmp", 0, 0).ok());
  Put("/plain", "");
  EXPECT_FALSE(files.MountHostDirectory("/plain", scratch_ + "/shared", false, 0, 0).ok());
  Mount();
  EXPECT_FALSE(files.MountHostDirectory("/h", scratch_ + "/shared", false, 0, 0).ok());
  EXPECT_EQ(Get("/h/file"), "inside");
}

TEST_F(HostFs, FlagSaysReadOnly) {
  ASSERT_TRUE(files.MountFromFlag("/w=" + scratch_ + "/shared", 1000, 1000).ok());
  ASSERT_TRUE(files.MountFromFlag("/r=" + scratch_ + "/shared:ro", 1000, 1000).ok());
  EXPECT_EQ(Say(Open("/r/new", kOWrOnly | kOCreat)), "EROFS");
  EXPECT_EQ(Say(Open("/w/new", kOWrOnly | kOCreat)), "ok");
}

// ---- Limits.

TEST_F(HostFs, TooManyOpenFilesAreTheGuestsError) {
  Mount();
  struct rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  struct rlimit few = before;
  few.rlim_cur = 200;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<DescriptionRef> open;
  std::string last = "ok";
  for (int i = 0; i < 300 && last == "ok"; ++i) {
    Result<DescriptionRef> file = Open("/h/f" + std::to_string(i), kORdWr | kOCreat);
    last = Say(file);
    if (file.ok()) open.push_back(*file);
  }
  EXPECT_EQ(last, "ENFILE");
  // Some are left to pollux itself.
  const int own = ::open("/dev/null", O_RDONLY);
  EXPECT_GE(own, 0);
  close(own);
  open.clear();
  EXPECT_EQ(Get("/h/file"), "inside");
  setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(HostFs, AListingIsChargedToTheMachine) {
  for (int i = 0; i < 100; ++i) PutOnHost("shared/sub/entry" + std::to_string(i), "");
  Mount();
  Result<DescriptionRef> directory = Open("/h/sub", kODirectory);
  ASSERT_TRUE(directory.ok());
  budget.limit_bytes = budget.used_bytes + 1000;
  testing::EntrySink sink;
  EXPECT_EQ(Say((*directory)->ReadDirectory(sink)), "ENOMEM");
  budget.limit_bytes = UINT64_MAX;
  const uint64_t used = budget.used_bytes;
  EXPECT_EQ(Say((*directory)->ReadDirectory(sink)), "ok");
  EXPECT_GT(budget.used_bytes, used);
  *directory = DescriptionRef();
  EXPECT_EQ(budget.used_bytes, used);
}

TEST_F(HostFs, ListingGoesOnWhereItStopped) {
  for (int i = 0; i < 9; ++i) PutOnHost("shared/sub/deep/" + std::to_string(i), "");
  Mount();
  Result<DescriptionRef> directory = Open("/h/sub/deep", kODirectory);
  ASSERT_TRUE(directory.ok());
  testing::EntrySink first(5);
  ASSERT_EQ(Say((*directory)->ReadDirectory(first)), "ok");
  EXPECT_THAT(first.names, ElementsAre(".", "..", "0", "1", "2"));
  fs::remove(Shared("sub/deep/0"));
  testing::EntrySink second(2);
  ASSERT_EQ(Say((*directory)->ReadDirectory(second)), "ok");
  EXPECT_THAT(second.names, ElementsAre("3", "4"));
  ASSERT_TRUE((*directory)->Seek(static_cast<int64_t>(first.next), Whence::kSet).ok());
  testing::EntrySink again(1);
  ASSERT_EQ(Say((*directory)->ReadDirectory(again)), "ok");
  EXPECT_THAT(again.names, ElementsAre("3"));
  ASSERT_TRUE((*directory)->Seek(0, Whence::kSet).ok());
  testing::EntrySink all;
  ASSERT_EQ(Say((*directory)->ReadDirectory(all)), "ok");
  EXPECT_EQ(all.names.size(), 10u);
}

}  // namespace
}  // namespace pollux::os_emu
