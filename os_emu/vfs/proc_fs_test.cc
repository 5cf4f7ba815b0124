#include "os_emu/vfs/proc_fs.h"

#include "os_emu/file/testing.h"
#include "os_emu/vfs/default_tree.h"
#include "os_emu/vfs/process_caller.h"
#include "os_emu/vfs/testing.h"

namespace pollux::os_emu {
namespace {

using testing::EntrySink;
using testing::FakeDescription;
using ::testing::HasSubstr;
using testing::ReadText;
using testing::Say;
using ::testing::StartsWith;
using testing::WriteText;

class ReopenFakes final : public DescriptionReopener {
 public:
  Result<DescriptionRef> Reopen(FileDescription& description, uint32_t flags) override {
    if (std::string_view(description.TypeName()) != "fake") return Errno::kNxio;
    ++reopened;
    return MakeDescription<FakeDescription>(flags);
  }
  int reopened = 0;
};

class ProcFsTest : public ::testing::Test {
 protected:
  ProcFsTest() {
    kernel_.SetFiles(std::make_shared<FileSystem>(&kernel_.clock(), &kernel_.budget()));
    EXPECT_TRUE(BuildDefaultTree(files(), {}).ok());
    EXPECT_TRUE(MountProc(kernel_, &reopener_).ok());
    process_ = &kernel_.CreateProcess();
    process_->executable = "/usr/bin/a-rather-long-name";
    process_->command_line = {"prog", "-x", "a b"};
    process_->environment = {"HOME=/home/user", "A="};
  }

  FileSystem& files() { return kernel_.files(); }
  Thread& thread() { return *process_->threads.begin()->second; }
  Caller caller() { return CallerOf(thread()); }
  Result<DescriptionRef> Open(std::string_view path, uint32_t flags = kORdOnly) {
    return files().Open(caller(), none_, path, flags, 0644);
  }
  std::string Get(std::string_view path) {
    Result<DescriptionRef> file = Open(path);
    return file.ok() ? ReadText(**file, 1 << 20) : "<" + Say(file) + ">";
  }
  std::string Link(std::string_view path) {
    Result<std::string> target = files().ReadLink(caller(), none_, path);
    return target.ok() ? *target : "<" + Say(target) + ">";
  }
  std::vector<std::string> List(std::string_view path) {
    EntrySink sink;
    Result<DescriptionRef> directory = Open(path, kODirectory);
    if (!directory.ok()) return {Say(directory)};
    EXPECT_TRUE((*directory)->ReadDirectory(sink).ok());
    return sink.names;
  }
  Fd Install(DescriptionRef file) { return *process_->fds().Install(std::move(file), false); }
  std::string Self(const std::string& rest) const {
    return "/proc/" + std::to_string(static_cast<int>(process_->pid())) + "/" + rest;
  }

  ReopenFakes reopener_;
  Kernel kernel_{Kernel::Options{}};
  Process* process_;
  const DescriptionRef none_;
};

TEST_F(ProcFsTest, SelfIsTheCaller) {
  EXPECT_EQ(Link("/proc/self"), "1000");
  EXPECT_EQ(Link("/proc/thread-self"), "1000/task/1000");
  Process& other = kernel_.CreateProcess();
  Caller of_other = CallerOf(*other.threads.begin()->second);
  EXPECT_EQ(*files().ReadLink(of_other, none_, "/proc/self"),
            std::to_string(static_cast<int>(other.pid())));
  EXPECT_EQ(Say(files().ReadLink(Caller{}, none_, "/proc/self")), "ENOENT");
}

TEST_F(ProcFsTest, StringsOfTheProcess) {
  EXPECT_EQ(Get("/proc/self/cmdline"), std::string("prog\0-x\0a b\0", 12));
  EXPECT_EQ(Get("/proc/self/environ"), std::string("HOME=/home/user\0A=\0", 19));
  EXPECT_EQ(Get("/proc/self/comm"), "a-rather-long-n\n");
  EXPECT_EQ(Link("/proc/self/exe"), "/usr/bin/a-rather-long-name");
  EXPECT_EQ(Link("/proc/self/root"), "/");
}

TEST_F(ProcFsTest, CommCanBeWritten) {
  EXPECT_EQ(WriteText(**Open("/proc/self/comm", kOWrOnly), "renamed-to-something-long"), "25");
  EXPECT_EQ(thread().name, "renamed-to-some");
  EXPECT_EQ(Get("/proc/self/comm"), "renamed-to-some\n");
}

TEST_F(ProcFsTest, NothingElseCanBeWritten) {
  EXPECT_EQ(Say(Open("/proc/self/maps", kOWrOnly)), "EACCES");
  EXPECT_EQ(Say(Open("/proc/sys/kernel/hostname", kOWrOnly)), "EACCES");
  // /proc looks the name up itself, and what it does not find is not there (measured on
  // Linux 6.18).
  EXPECT_EQ(Say(Open("/proc/new", kOWrOnly | kOCreat)), "ENOENT");
  Caller root;
  EXPECT_EQ(Say(files().Open(root, none_, "/proc/version", kOWrOnly)), "EACCES");
  EXPECT_EQ(Say(files().MakeDirectory(root, none_, "/proc/new", 0755)), "ENOENT");
  EXPECT_EQ(Say(files().Unlink(root, none_, "/proc/version")), "EPERM");
  EXPECT_EQ(Say(files().ChangeMode(root, none_, "/proc/version", 0777)), "EPERM");
}

// ---- Descriptors.

TEST_F(ProcFsTest, FdListsOpenNumbersAndWhatTheyAre) {
  Install(*Open("/etc/passwd"));
  Install(MakeDescription<FakeDescription>());
  EXPECT_THAT(List("/proc/self/fd"), ::testing::ElementsAre(".", "..", "0", "1"));
  EXPECT_EQ(Link("/proc/self/fd/0"), "/etc/passwd");
  EXPECT_EQ(Link("/proc/self/fd/1"), "anon_inode:[fake]");
  EXPECT_EQ(Link("/proc/self/fd/2"), "<ENOENT>");
  EXPECT_EQ(Link("/proc/self/fd/00"), "<ENOENT>");
  EXPECT_EQ(Link("/proc/self/fd/+0"), "<ENOENT>");
  EXPECT_EQ(Link("/proc/self/fd/99999999999"), "<ENOENT>");
}

TEST_F(ProcFsTest, TheModeOfAnFdLinkSaysHowItIsOpen) {
  Install(*Open("/etc/passwd"));
  Install(*Open("/tmp/f", kOWrOnly | kOCreat));
  EXPECT_EQ(files().Stat(caller(), none_, "/proc/self/fd/0", kAtSymlinkNoFollow)->mode,
            kModeLink | 0500);
  EXPECT_EQ(files().Stat(caller(), none_, "/proc/self/fd/1", kAtSymlinkNoFollow)->mode,
            kModeLink | 0300);
}

TEST_F(ProcFsTest, OpeningAnFdOpensTheFileAnew) {
  DescriptionRef file = *Open("/tmp/f", kORdWr | kOCreat);
  ASSERT_EQ(WriteText(*file, "text"), "4");
  Install(file);
  ASSERT_EQ(Say(files().Unlink(caller(), none_, "/tmp/f")), "ok");
  EXPECT_EQ(Link("/proc/self/fd/0"), "/tmp/f (deleted)");
  EXPECT_EQ(Get("/proc/self/fd/0"), "text");
  EXPECT_EQ(Get("/dev/stdin"), "text");
  EXPECT_EQ(Get("/dev/fd/0"), "text");
}

TEST_F(ProcFsTest, OpeningAnFdAsksForPermissionAgain) {
  Result<DescriptionRef> file = files().Open(Caller{}, none_, "/secret", kORdWr | kOCreat, 0600);
  ASSERT_TRUE(file.ok());
  Install(*file);
  EXPECT_EQ(Say(Open("/proc/self/fd/0")), "EACCES");
}

TEST_F(ProcFsTest, ADirectoryFdIsAWayOn) {
  Install(*Open("/etc", kODirectory));
  EXPECT_THAT(Get("/proc/self/fd/0/passwd"), StartsWith("root:"));
  EXPECT_THAT(Get("/proc/self/fd/0/../etc/passwd"), StartsWith("root:"));
}

TEST_F(ProcFsTest, AnFdWithoutAPathIsReopenedByWhoKnowsHow) {
  Install(MakeDescription<FakeDescription>());
  EXPECT_EQ(Say(Open("/proc/self/fd/0", kORdWr)), "EACCES")
      << "the anonymous inode is root's, mode 0600";
  process_->credentials = Credentials::Of(0, 0);
  EXPECT_EQ(Say(Open("/proc/self/fd/0", kORdWr)), "ok");
  EXPECT_EQ(reopener_.reopened, 1);
  EXPECT_EQ(files().Stat(caller(), none_, "/proc/self/fd/0")->ino, kAnonymousInode);
  EXPECT_EQ(Say(Open("/proc/self/fd/0/x")), "ENOTDIR");
}

TEST_F(ProcFsTest, WithoutAReopenerItIsEnxio) {
  Kernel kernel{Kernel::Options{}};
  kernel.SetFiles(std::make_shared<FileSystem>(&kernel.clock(), &kernel.budget()));
  ASSERT_TRUE(MountProc(kernel).ok());
  Process& process = kernel.CreateProcess();
  process.credentials = Credentials::Of(0, 0);
  ASSERT_TRUE(process.fds().Install(MakeDescription<FakeDescription>(), false).ok());
  const Caller caller = CallerOf(*process.threads.begin()->second);
  EXPECT_EQ(Say(kernel.files().Open(caller, none_, "/proc/self/fd/0", kORdWr)), "ENXIO");
}

TEST_F(ProcFsTest, FdsOfOthersAreTheirs) {
  Process& other = kernel_.CreateProcess();
  other.credentials = {
      .uid = 7, .euid = 7, .suid = 7, .fsuid = 7, .gid = 7, .egid = 7, .sgid = 7, .fsgid = 7};
  ASSERT_TRUE(other.fds().Install(*Open("/etc/passwd"), false).ok());
  const std::string directory = "/proc/" + std::to_string(static_cast<int>(other.pid())) + "/fd";
  EXPECT_EQ(Say(Open(directory, kODirectory)), "EACCES");
  EXPECT_EQ(Link(directory + "/0"), "<EACCES>");
  EXPECT_EQ(*files().ReadLink(Caller{}, none_, directory + "/0"), "/etc/passwd");
}

TEST_F(ProcFsTest, FdInfoTellsPositionAndFlags) {
  DescriptionRef file = *Open("/etc/passwd");
  ReadText(*file, 5);
  ASSERT_TRUE(process_->fds().Install(file, /*close_on_exec=*/true).ok());
  EXPECT_THAT(Get("/proc/self/fdinfo/0"), StartsWith("pos:\t5\nflags:\t02100000\nmnt_id:\t"));
}

// ---- The working directory.

TEST_F(ProcFsTest, CwdLeadsToTheDirectoryItself) {
  ASSERT_EQ(Say(files().MakeDirectory(caller(), none_, "/tmp/d", 0755)), "ok");
  ASSERT_EQ(Say(ChangeDirectory(thread(), none_, "/tmp/d")), "ok");
  ASSERT_EQ(Say(files().Rename(caller(), none_, "/tmp/d", none_, "/tmp/e")), "ok");
  EXPECT_EQ(*WorkingDirectory(thread()), "/tmp/e");
  EXPECT_EQ(Link("/proc/self/cwd"), "/tmp/e");
  ASSERT_EQ(Say(Open("new", kOWrOnly | kOCreat)), "ok");
  EXPECT_EQ(Say(Open("/proc/self/cwd/new")), "ok");
  EXPECT_EQ(Say(Open("/tmp/e/new")), "ok");
}

TEST_F(ProcFsTest, AProcessStartsWhereItsCwdSays) {
  process_->first_thread()->fs().cwd = "/etc";
  EXPECT_EQ(*WorkingDirectory(thread()), "/etc");
  EXPECT_THAT(Get("passwd"), StartsWith("root:"));
  EXPECT_EQ(Say(ChangeDirectory(thread(), none_, "passwd")), "ENOTDIR");
  EXPECT_EQ(*WorkingDirectory(thread()), "/etc");
}

TEST_F(ProcFsTest, RealCallerHasTheRealIds) {
  process_->credentials = {
      .uid = 1, .euid = 2, .suid = 3, .fsuid = 4, .gid = 5, .egid = 6, .sgid = 7, .fsgid = 8};
  EXPECT_EQ(CallerOf(thread()).uid, 4u);
  EXPECT_EQ(CallerOf(thread()).gid, 8u);
  EXPECT_EQ(RealCallerOf(thread()).uid, 1u);
  EXPECT_EQ(RealCallerOf(thread()).gid, 5u);
}

// ---- Figures.

TEST_F(ProcFsTest, MapsShowsTheMappings) {
  memory::AddressSpace::MapRequest request;
  request.hint = GuestAddr{0x10000};
  request.length = 8192;
  request.prot = memory::kProtRead | memory::kProtExec;
  request.fixed = true;
  request.inode = 42;
  request.file_offset = 0x1000;
  request.name = "/bin/guest";
  ASSERT_TRUE(process_->memory->Map(request).ok());
  EXPECT_EQ(
      Get("/proc/self/maps"),
      "00010000-00012000 r-xp 00001000 00:00 42                                 /bin/guest\n");
}

TEST_F(ProcFsTest, StatusTellsIdsAndThreads) {
  process_->credentials.euid = 5;
  kernel_.CreateThread(*process_);
  process_->actions[10].handler = 0x1234;
  process_->actions[13].handler = kSigIgn;
  Result<DescriptionRef> file = files().Open(Caller{}, none_, Self("status"), kORdOnly);
  ASSERT_TRUE(file.ok());
  const std::string status = ReadText(**file, 10000);
  EXPECT_THAT(
      status,
      StartsWith("Name:\ta-rather-long-n\nUmask:\t0022\nState:\tR (running)\nTgid:\t1000\n"));
  EXPECT_THAT(status, HasSubstr("\nUid:\t1000\t5\t1000\t1000\n"));
  EXPECT_THAT(status, HasSubstr("\nThreads:\t2\n"));
  EXPECT_THAT(status, HasSubstr("\nSigIgn:\t0000000000001000\nSigCgt:\t0000000000000200\n"));
}

TEST_F(ProcFsTest, StatHasFiftyTwoFields) {
  thread().name = "a) (b";
  const std::string stat = Get("/proc/self/stat");
  EXPECT_THAT(stat, StartsWith("1000 (a) (b) R 1 1000 1000 0 -1 "));
  const std::string after_name = stat.substr(stat.rfind(')') + 2);
  EXPECT_EQ(std::count(after_name.begin(), after_name.end(), ' '), 49);
  EXPECT_EQ(stat.back(), '\n');
}

TEST_F(ProcFsTest, TaskListsTheThreads) {
  Thread& second = kernel_.CreateThread(*process_);
  const std::string tid = std::to_string(static_cast<int>(second.tid()));
  second.name = "worker";
  EXPECT_THAT(List("/proc/self/task"), ::testing::ElementsAre(".", "..", "1000", tid));
  EXPECT_EQ(Get("/proc/self/task/" + tid + "/comm"), "worker\n");
  EXPECT_EQ(Get("/proc/" + tid + "/comm"), "worker\n");
  Process& other = kernel_.CreateProcess();
  EXPECT_EQ(Say(Open("/proc/self/task/" + std::to_string(static_cast<int>(other.pid())))),
            "ENOENT");
}

TEST_F(ProcFsTest, AZombieIsThereUntilItWasWaitedFor) {
  Process& other = kernel_.CreateProcess();
  const std::string directory = "/proc/" + std::to_string(static_cast<int>(other.pid()));
  other.command_line = {"a"};
  EXPECT_EQ(Get(directory + "/cmdline"), std::string("a\0", 2));
  DescriptionRef status = *Open(directory + "/status");
  DescriptionRef environment = *Open(directory + "/environ");
  kernel_.EndProcess(other, {});
  kernel_.ReleaseEnded();
  EXPECT_THAT(Get(directory + "/status"), HasSubstr("State:\tZ (zombie)\n"));
  EXPECT_THAT(Get(directory + "/status"), HasSubstr("FDSize:\t0\n"));
  EXPECT_THAT(Get(directory + "/status"), ::testing::Not(HasSubstr("VmSize")));
  EXPECT_EQ(Get(directory + "/cmdline"), "");
  EXPECT_EQ(Say(Open(directory + "/environ")), "ESRCH");
  EXPECT_EQ(ReadText(*environment, 10), "");
  EXPECT_EQ(Say(Open(directory + "/mounts")), "EINVAL");
  EXPECT_EQ(Say(files().ReadLink(Caller{}, none_, directory + "/exe")), "ENOENT");
  EXPECT_THAT(List(directory + "/fd"), ::testing::ElementsAre(".", ".."));
  kernel_.Reap(other);
  kernel_.ReleaseEnded();
  EXPECT_EQ(Say(Open(directory, kODirectory)), "ENOENT");
  EXPECT_EQ(ReadText(*status, 10), "<ESRCH>");
}

TEST_F(ProcFsTest, LimitsAreTheProcess) {
  process_->rlimits[7] = {.soft = 256, .hard = 512};
  EXPECT_THAT(
      Get("/proc/self/limits"),
      HasSubstr(
          "Max open files            256                  512                  files     \n"));
}

TEST_F(ProcFsTest, TheMachineHasItsCpus) {
  const std::string info = Get("/proc/cpuinfo");
  EXPECT_THAT(info, StartsWith("processor\t: 0\nhart\t\t: 0\nisa\t\t: rv64imafdc"));
  EXPECT_THAT(info, HasSubstr("processor\t: 3\n"));
  EXPECT_EQ(Get("/sys/devices/system/cpu/online"), "0-3\n");
  EXPECT_EQ(Say(Open("/sys/devices/system/cpu/cpu3", kODirectory)), "ok");
  EXPECT_EQ(Say(Open("/sys/devices/system/cpu/cpu4", kODirectory)), "ENOENT");
}

TEST_F(ProcFsTest, MemInfoTellsTheLimit) {
  kernel_.budget().limit_bytes = uint64_t{64} << 20;
  EXPECT_THAT(Get("/proc/meminfo"), StartsWith("MemTotal:          65536 kB\nMemFree:  "));
}

TEST_F(ProcFsTest, TimeIsTheMachines) {
  EXPECT_EQ(Get("/proc/uptime"), "1.00 0.00\n");
  kernel_.clock().AdvanceBy(Nanos{2'340'000'000});
  EXPECT_EQ(Get("/proc/uptime"), "3.34 0.00\n");
  EXPECT_THAT(Get("/proc/stat"), HasSubstr("\nbtime 1735689599\n"));
}

TEST_F(ProcFsTest, KernelValues) {
  EXPECT_EQ(Get("/proc/sys/kernel/ostype"), "Linux\n");
  EXPECT_EQ(Get("/proc/sys/kernel/osrelease"), std::string(kKernelRelease) + "\n");
  EXPECT_EQ(Get("/proc/sys/kernel/hostname"), "pollux\n");
  EXPECT_EQ(Get("/proc/sys/vm/overcommit_memory"), "0\n");
  EXPECT_EQ(Get("/proc/sys/fs/pipe-max-size"), "1048576\n");
  EXPECT_EQ(Get("/proc/sys/kernel/random/boot_id").size(), 37u);
}

TEST_F(ProcFsTest, BootIdComesFromTheSeed) {
  const auto boot_id = [&](uint64_t seed) {
    Kernel kernel(Kernel::Options{.world_seed = seed, .budget = {}});
    kernel.SetFiles(std::make_shared<FileSystem>(&kernel.clock(), &kernel.budget()));
    EXPECT_TRUE(MountProc(kernel).ok());
    return ReadText(
        **kernel.files().Open(Caller{}, none_, "/proc/sys/kernel/random/boot_id", kORdOnly), 100);
  };
  EXPECT_EQ(boot_id(1), boot_id(1));
  EXPECT_NE(boot_id(1), boot_id(2));
}

TEST_F(ProcFsTest, MountsAreListed) {
  EXPECT_EQ(Get("/proc/mounts"),
            "tmpfs / tmpfs rw,relatime 0 0\ntmpfs /dev tmpfs rw,relatime 0 0\n"
            "proc /proc proc rw,relatime 0 0\nsysfs /sys sysfs rw,relatime 0 0\n");
}

TEST_F(ProcFsTest, EverythingCanBeReadAndIsStable) {
  // Walks all of /proc and /sys, twice: the same names, numbers and contents.
  std::string walks[2];
  for (std::string& walk : walks) {
    std::vector<std::string> left = {"/proc", "/sys"};
    int files_read = 0;
    while (!left.empty()) {
      const std::string at = left.back();
      left.pop_back();
      Result<FileStatus> status = files().Stat(caller(), none_, at, kAtSymlinkNoFollow);
      ASSERT_TRUE(status.ok()) << at;
      walk += at + " " + std::to_string(status->ino) + "\n";
      if ((status->mode & kModeTypeMask) == kModeDirectory) {
        for (const std::string& name : List(at)) {
          if (name != "." && name != "..") left.push_back(at + "/" + name);
        }
      } else if ((status->mode & kModeTypeMask) == kModeRegular) {
        const std::string text = Get(at);
        EXPECT_FALSE(text.starts_with("<")) << at << text;
        if (!at.ends_with("/random/uuid")) walk += text;  // A new one at each reading.
        ++files_read;
      }
    }
    EXPECT_GT(files_read, 80);
  }
  EXPECT_EQ(walks[0], walks[1]);
}

// ---- Reading.

TEST_F(ProcFsTest, ContentsAreMadeAnewAtTheStartOnly) {
  DescriptionRef file = *Open("/proc/uptime");
  EXPECT_EQ(ReadText(*file, 2), "1.");
  kernel_.clock().AdvanceBy(Nanos{5'550'000'000});
  EXPECT_EQ(ReadText(*file, 100), "00 0.00\n");
  EXPECT_EQ(ReadText(*file, 100), "");
  ASSERT_TRUE(file->Seek(0, Whence::kSet).ok());
  EXPECT_EQ(ReadText(*file, 100), "6.55 0.00\n");
  EXPECT_EQ(Say(file->Seek(0, Whence::kEnd)), "EINVAL");
  EXPECT_FALSE(file->CanBeWatched());
}

TEST_F(ProcFsTest, TextsAreChargedWhileOpen) {
  const uint64_t before = kernel_.budget().used_bytes;
  {
    DescriptionRef file = *Open("/proc/cpuinfo");
    ReadText(*file, 10);
    EXPECT_GT(kernel_.budget().used_bytes, before);
  }
  EXPECT_EQ(kernel_.budget().used_bytes, before);
}

}  // namespace
}  // namespace pollux::os_emu
