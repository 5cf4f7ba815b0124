// The host's kernel is the oracle: random operations on files have the same outcome in a real
// directory and in the emulated file system, in memory and in a mounted host directory.
//
// POLLUX_SEED and POLLUX_OPERATIONS in the environment choose another walk. Run as root, the walk
// is made by an ordinary user or (in a sandbox that knows no other user) without capabilities, so
// that permissions matter.
#include "os_emu/vfs/differential.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "os_emu/task/random.h"

namespace pollux::os_emu::differential {
namespace {

constexpr uint64_t kDefaultSeed = 20250101;
constexpr uint64_t kDefaultOperations = 200'000;
constexpr uint64_t kOperationsPerTree = 500;
constexpr uint32_t kOrdinaryUser = 54321;

enum class Target { kMemory, kHostDirectory };

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = getenv(name);
  return text != nullptr ? strtoull(text, nullptr, 0) : otherwise;
}

bool KernelIsAtLeast(int major, int minor) {
  struct utsname name;
  int has_major = 0, has_minor = 0;
  if (uname(&name) != 0 || sscanf(name.release, "%d.%d", &has_major, &has_minor) != 2) return false;
  return has_major > major || (has_major == major && has_minor >= minor);
}

// Where the real directories go: tmpfs if there is one, because memory files have its manners.
std::string ScratchRoot(bool* is_tmpfs) {
  struct statfs status;
  *is_tmpfs = statfs("/dev/shm", &status) == 0 && status.f_type == 0x01021994 &&
              access("/dev/shm", W_OK) == 0;
  if (*is_tmpfs) return "/dev/shm";
  const char* directory = getenv("TEST_TMPDIR");
  return directory != nullptr ? directory : "/tmp";
}

// Who walks on the host: an ordinary user if we may become one.
bool CanBecomeOrdinaryUser() {
  static const bool can = [] {
    if (geteuid() != 0) return false;
    const pid_t child = fork();
    if (child == 0) {
      _exit(setresuid(kOrdinaryUser, kOrdinaryUser, kOrdinaryUser) == 0 ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }();
  return can;
}

bool BecomeOrdinary() {
  if (CanBecomeOrdinaryUser()) {
    if (setgroups(0, nullptr) != 0 || setresgid(kOrdinaryUser, kOrdinaryUser, kOrdinaryUser) != 0 ||
        setresuid(kOrdinaryUser, kOrdinaryUser, kOrdinaryUser) != 0) {
      return false;
    }
  } else if (geteuid() == 0) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {};
    if (syscall(SYS_capset, &header, none) != 0) return false;
  }
  // Else /proc/self belongs to root, and with it the way in which host files are opened.
  return prctl(PR_SET_DUMPABLE, 1) == 0;
}

class Generator {
 public:
  Generator(uint64_t seed, Target target)
      : random_(seed), target_(target), disowned_(CanBecomeOrdinaryUser()) {}

  Op Next();

 private:
  bool OneIn(uint64_t n) { return random_.Below(n) == 0; }
  template <typename T, size_t N>
  T Pick(const T (&choices)[N]) {
    return choices[random_.Below(N)];
  }
  std::string Name();
  std::string Path();
  uint32_t OpenFlags();
  // Most of the time one of a few, so that it is open.
  int Slot() { return static_cast<int>(random_.Below(OneIn(8) ? kSlots : 3)); }
  int Base() { return OneIn(5) ? Slot() : -1; }
  uint32_t Mode() {
    if (!OneIn(5)) return Pick<uint32_t>({0755, 0777, 0644, 0700});
    const uint32_t mode =
        Pick<uint32_t>({0000, 0500, 0300, 0444, 0222, 0111, 01777, 02755, 04755, 06777});
    // Host directories have no set-user-id and set-group-id.
    return target_ == Target::kMemory ? mode : mode & 01777;
  }
  int64_t Offset() {
    return Pick<int64_t>({0, 1, 100, 4095, 4096, 4097, 10000, 100000, -1, 70000, 1 << 22});
  }

  RandomStream random_;
  Target target_;
  bool disowned_;  // The directories above the base belong to somebody else.
};

std::string Generator::Name() {
  if (OneIn(60)) return std::string(Pick<size_t>({254, 255, 256, 300}), 'n');
  if (OneIn(16)) return ".";
  if (OneIn(12)) return "..";
  return Pick<const char*>({"a", "a", "b", "b", "c", "d"});
}

std::string Generator::Path() {
  if (OneIn(150)) return "";
  if (OneIn(300)) {  // About as long as a path may be.
    std::string path;
    while (path.size() < 4090) path += "./";
    return path + std::string(Pick<size_t>({1, 4, 5, 6, 200}), 'a');
  }
  std::string path = OneIn(8) ? "@/" : "";
  const uint64_t names = 1 + random_.Below(OneIn(4) ? 4 : 2);
  int up = 0;
  for (uint64_t i = 0; i < names; ++i) {
    std::string name = Name();
    if (name == ".." && ++up > 2) name = "a";
    path += (i > 0 ? (OneIn(20) ? "//" : "/") : "") + name;
  }
  if (OneIn(12)) path += "/";
  return path;
}

uint32_t Generator::OpenFlags() {
  uint32_t flags = Pick<uint32_t>({kORdOnly, kORdOnly, kOWrOnly, kORdWr, kORdWr});
  if (OneIn(2)) flags |= kOCreat;
  if (OneIn(10)) flags |= kOExcl;
  if (OneIn(5)) flags |= kOTrunc;
  if (OneIn(5)) flags |= kOAppend;
  if (OneIn(8)) flags = (flags & ~kOCreat & ~kOAccMode) | kODirectory;
  if (OneIn(30)) flags |= kODirectory;
  if (OneIn(10)) flags |= kONoFollow;
  if (OneIn(12)) flags |= kOPath;
  if (target_ == Target::kMemory && OneIn(25)) flags |= kOTmpFileBit;
  // EINVAL since Linux 6.4.
  if ((flags & kOCreat) != 0 && (flags & kODirectory) != 0 && !KernelIsAtLeast(6, 4))
    flags &= ~kODirectory;
  return flags;
}

Op Generator::Next() {
  Op op;
  op.kind = static_cast<Kind>(random_.Below(static_cast<uint64_t>(Kind::kCount)));
  if (OneIn(4))
    op.kind =
        Pick<Kind>({Kind::kOpen, Kind::kOpen, Kind::kMakeDirectory, Kind::kSymlink, Kind::kRename});
  if (op.kind == Kind::kClose && !OneIn(4)) op.kind = Kind::kOpen;
  op.slot = Slot();
  op.base = Base();
  op.base2 = Base();
  op.path = Path();
  op.path2 = Path();
  op.mode = Mode();
  op.offset = Offset();
  op.bytes = Pick<uint32_t>({0, 1, 10, 100, 4096, 5000, 20000});
  const uint32_t follow = OneIn(3) ? kAtSymlinkNoFollow : 0;
  const uint32_t empty = OneIn(4) ? kAtEmptyPath : 0;
  if (empty != 0 && OneIn(2)) {
    op.path = "";
    op.base = Slot();
  }
  switch (op.kind) {
    case Kind::kOpen:
      op.flags = OpenFlags();
      break;
    case Kind::kStat:
      op.flags = follow | empty;
      // With an empty path, flags are not looked at since Linux 6.11.
      if (OneIn(50) && KernelIsAtLeast(6, 11)) op.flags |= 0x8000;
      break;
    case Kind::kAccess:
      op.mode = static_cast<uint32_t>(random_.Below(OneIn(30) ? 16 : 8));
      op.flags = follow | empty | (OneIn(3) ? kAtEAccess : 0);
      break;
    case Kind::kMakeNode:
      op.mode |= Pick<uint32_t>({0, kModeRegular, kModeRegular, kModeDirectory, kModeLink});
      break;
    case Kind::kSymlink:
      if (!OneIn(4)) op.path2 = Pick<const char*>({"a", "b", "../a", "a/b", "@/a", "@/b/c", "."});
      break;
    case Kind::kLink:
      op.flags = (OneIn(3) ? kAtSymlinkFollow : 0) | (OneIn(50) ? kAtSymlinkNoFollow : 0);
      break;
    case Kind::kUnlink:
      op.flags = (OneIn(3) ? kAtRemoveDir : 0) | (OneIn(50) ? 1 : 0);
      break;
    case Kind::kRename:
      op.flags = Pick<uint32_t>({0, 0, 0, kRenameNoReplace, kRenameExchange, kRenameExchange});
      if (OneIn(20)) op.flags = Pick<uint32_t>({3, 8});
      break;
    case Kind::kChangeMode:
      op.flags = KernelIsAtLeast(6, 6) ? follow | empty : 0;
      [[fallthrough]];
    case Kind::kChangeFileMode:
      // Not so often, else nothing is permitted after a while.
      if (!OneIn(4)) op.mode = Pick<uint32_t>({0755, 0777, 01777});
      // The directories above the base must stay as they are.
      if (!disowned_) op.kind = Kind::kStatFile;
      break;
    case Kind::kChangeOwner:
      op.flags = follow | empty;
      op.offset = Pick<int64_t>({-1, kOwnId, 77});
      op.mode = Pick<uint32_t>({~0u, kOwnId, 77});
      // Where no other user is known, he is EINVAL.
      if (!disowned_ && op.offset == 77) op.offset = kOwnId;
      if (!disowned_ && op.mode == 77) op.mode = kOwnId;
      break;
    case Kind::kChangeTimes:
      op.flags = follow | empty;
      op.mode = static_cast<uint32_t>(random_.Below(3));
      op.bytes = static_cast<uint32_t>(random_.Below(3));
      break;
    case Kind::kSeek:
      // SEEK_DATA and SEEK_HOLE: memory knows its holes, a host directory says that all is data.
      op.mode = static_cast<uint32_t>(random_.Below(target_ == Target::kMemory ? 6 : 3));
      break;
    case Kind::kAllocate:
      op.flags = Pick<uint32_t>({0, 1, 3});
      break;
    case Kind::kListSome:
      op.bytes = Pick<uint32_t>({16, 32, 64, 300});
      break;
    case Kind::kChangeDirectory:
      if (OneIn(3)) op.path = "@";
      break;
    default:
      break;
  }
  return op;
}

// Two trees with paths of equal length: the native one and, real or in memory, the emulated one.
class Trees {
 public:
  explicit Trees(Target target) {
    std::string scratch = ScratchRoot(&is_tmpfs_) + "/pollux_differential_XXXXXX";
    scratch_ = mkdtemp(scratch.data()) != nullptr ? scratch : "";
    chmod(scratch_.c_str(), 0755);
    native_top_ = scratch_ + "/n";
    emulated_top_ = scratch_ + "/e";
    native_base_ = Make(native_top_);
    if (target == Target::kHostDirectory) {
      host_base_ = Make(emulated_top_);
    }
  }
  ~Trees() {
    std::error_code ignored;
    for (const std::string& top : {native_top_, emulated_top_}) MakeRemovable(top);
    std::filesystem::remove_all(scratch_, ignored);
  }

  bool is_tmpfs() const { return is_tmpfs_; }
  const std::string& native_base() const { return native_base_; }
  const std::string& emulated_top() const { return emulated_top_; }
  std::string emulated_base() const { return emulated_top_ + kBelow; }

 private:
  // Above the base are directories that cannot be written to: paths with ".." see the same there,
  // whatever happens.
  std::string Make(const std::string& top) {
    const std::string base = top + kBelow;
    std::filesystem::create_directories(base);
    if (CanBecomeOrdinaryUser() && chown(base.c_str(), kOrdinaryUser, kOrdinaryUser) != 0) {
      perror("chown");
    }
    chmod(base.c_str(), 0755);
    for (std::string at = base.substr(0, base.rfind('/')); at.size() >= top.size();
         at = at.substr(0, at.rfind('/'))) {
      chmod(at.c_str(), 0555);
    }
    return base;
  }
  static void MakeRemovable(const std::string& top) {
    if (geteuid() == 0) return;
    const std::string command = "chmod -R u+rwX '" + top + "' 2>/dev/null";
    if (system(command.c_str()) != 0) return;
  }

  bool is_tmpfs_ = false;
  std::string scratch_, native_top_, emulated_top_, native_base_, host_base_;
};

// Makes what Trees made on the host in memory.
void MakeInMemory(FileSystem& files, const std::string& top, const std::string& base,
                  uint32_t uid) {
  Caller root;
  root.umask = 0;
  const DescriptionRef none;
  for (size_t slash = base.find('/', 1);; slash = base.find('/', slash + 1)) {
    const std::string at = base.substr(0, slash);
    const uint32_t mode = at.size() >= top.size() && slash != std::string::npos ? 0555 : 0755;
    Result<void> made = files.MakeDirectory(root, none, at, mode);
    ASSERT_TRUE(made.ok()) << at;
    // Who cannot be anybody else owns what is above the base, too.
    if (at == base || (at.size() >= top.size() && !CanBecomeOrdinaryUser())) {
      ASSERT_TRUE(files.ChangeOwner(root, none, at, uid, uid).ok());
    }
    if (slash == std::string::npos) break;
  }
}

struct Report {
  uint64_t operations = 0;
  std::string difference;
  std::map<std::string, uint64_t> reached;  // "open ENOENT": times.
};

// The directories above the base belong to root on the host and, as all that is mounted, to the
// guest's user in the machine: what is the owner's to do there is refused for another reason, or
// does nothing.
bool OwnerDiffers(Target target, const Op& op, const Outcome& expected, const Outcome& got) {
  constexpr int64_t kPermission = -static_cast<int64_t>(Errno::kPerm),
                    kAccess = -static_cast<int64_t>(Errno::kAcces);
  if (target != Target::kHostDirectory) return false;
  if (op.kind == Kind::kChangeTimes) return expected.value == kAccess && got.value == kPermission;
  if (op.kind == Kind::kLink) return expected.value == kPermission && got.value == kAccess;
  if (op.kind == Kind::kChangeOwner) return expected.value == kPermission && got.value == 0;
  return false;
}

// Walks `operations` steps over fresh trees; stops at the first difference.
Report WalkOneTree(const Trees& trees, Target target, uint64_t seed, uint64_t operations,
                   bool canary) {
  constexpr uint32_t uid = kOrdinaryUser;
  Report report;
  Clock clock;
  memory::MemoryBudget budget;
  FileSystem files(&clock, &budget);
  Details details;
  if (target == Target::kMemory) {
    MakeInMemory(files, trees.emulated_top(), trees.emulated_base(), uid);
    details = {.directories = trees.is_tmpfs(), .blocks = trees.is_tmpfs()};
  } else {
    absl::Status mounted =
        files.MountHostDirectory(trees.emulated_top(), trees.emulated_top(), false, uid, uid);
    EXPECT_TRUE(mounted.ok()) << mounted;
  }
  Generator generator(seed, target);
  std::unique_ptr<World> native = MakeNativeWorld(trees.native_base(), details);
  std::unique_ptr<World> emulated =
      MakeEmulatedWorld(&files, trees.emulated_base(), uid, uid, details, canary);
  std::vector<std::string> history;
  for (; report.operations < operations; ++report.operations) {
    const Op op = generator.Next();
    const Outcome expected = native->Apply(op);
    const Outcome got = emulated->Apply(op);
    ++report
          .reached[std::string(NameOf(op.kind)) + " " +
                   (expected.value < 0 ? std::string(ErrnoName(static_cast<Errno>(-expected.value)))
                                       : "ok")];
    history.push_back(op.Text() + " = " + expected.Text());
    if (expected == got || OwnerDiffers(target, op, expected, got)) continue;
    report.difference =
        absl::StrFormat("tree seed %d, operation %d: %s\n  native:   %s\n  emulated: %s\n", seed,
                        report.operations, op.Text(), expected.Text(), got.Text());
    if (getenv("POLLUX_HISTORY") != nullptr) {
      for (const std::string& line : history) report.difference += "    " + line + "\n";
    }
    break;
  }
  return report;
}

// In a process of its own: the working directory, the umask and the user are a process's.
// Returns its exit status: 0 equal, 1 different.
int WalkInChild(Target target, uint64_t seed, uint64_t operations, bool canary) {
  uint64_t done = 0;
  std::map<std::string, uint64_t> reached;
  for (uint64_t tree = 0; done < operations; ++tree) {
    Trees trees(target);
    int results[2];
    if (pipe(results) != 0) return 2;
    fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) {
      close(results[0]);
      if (!BecomeOrdinary()) _exit(2);
      umask(022);
      const uint64_t steps = std::min(kOperationsPerTree, operations - done);
      const Report report = WalkOneTree(trees, target, seed + tree, steps, canary);
      if (!report.difference.empty()) fprintf(stderr, "%s", report.difference.c_str());
      std::string lines;
      for (const auto& [what, times] : report.reached)
        lines += what + "\t" + std::to_string(times) + "\n";
      if (write(results[1], lines.data(), lines.size()) < 0) _exit(2);
      fflush(nullptr);
      _exit(report.difference.empty() && !::testing::Test::HasFailure() ? 0 : 1);
    }
    close(results[1]);
    FILE* lines = fdopen(results[0], "r");
    char what[100];
    unsigned long times;
    while (fscanf(lines, "%99[^\t]\t%lu\n", what, &times) == 2) reached[what] += times;
    fclose(lines);
    int status = 0;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status)) return 2;
    if (WEXITSTATUS(status) != 0) return WEXITSTATUS(status);
    done += kOperationsPerTree;
  }
  printf("%lu operations reached %zu kinds of outcome\n", static_cast<unsigned long>(done),
         reached.size());
  if (getenv("POLLUX_TABLE") != nullptr) {
    for (const auto& [what, count] : reached)
      printf("%8lu %s\n", static_cast<unsigned long>(count), what.c_str());
  }
  return 0;
}

void Walk(Target target) {
  const uint64_t seed = FromEnvironment("POLLUX_SEED", kDefaultSeed);
  const uint64_t operations = FromEnvironment("POLLUX_OPERATIONS", kDefaultOperations);
  printf("seed %lu, %lu operations; POLLUX_SEED and POLLUX_OPERATIONS change it\n",
         static_cast<unsigned long>(seed), static_cast<unsigned long>(operations));
  EXPECT_EQ(WalkInChild(target, seed, operations, /*canary=*/false), 0);
}

TEST(Differential, MemoryFilesAnswerAsTheHostsKernelDoes) { Walk(Target::kMemory); }

TEST(Differential, MountedHostDirectoryAnswersAsTheHostsKernelDoes) {
  Walk(Target::kHostDirectory);
}

TEST(Differential, DeliberateFaultIsFound) {
  EXPECT_EQ(WalkInChild(Target::kMemory, kDefaultSeed, 5000, /*canary=*/true), 1);
}

}  // namespace
}  // namespace pollux::os_emu::differential
