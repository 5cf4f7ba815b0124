// AddressSpace against the host's kernel: the same random calls at the same addresses, compared
// call by call: result, error, and then every page's protection and bytes. Now and then one side
// forks an AddressSpace and the other a process of the host; from then on both go on.
//
// What differs by design is not asked for: execute-only pages are not read (x86-64 without
// protection keys can), and a call whose answer depends on where mappings begin and end is made
// only where both sides have the same borders (Linux does not merge neighbours whose pages come
// from different places, AddressSpace does).
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "memory/address_space.h"
#include "memory/address_space_fixture.h"

namespace pollux::memory {
namespace {

// Low enough that nobody else of this process is given memory there, and below what asan uses.
constexpr uint64_t kWindow = 0x50000000;
constexpr uint64_t kWindowPages = 64;
constexpr uint64_t kWindowEnd = kWindow + kWindowPages * kPage;

struct HostRegion {
  uint64_t end = 0;
  uint32_t prot = 0;
};

std::map<uint64_t, HostRegion> HostRegions(pid_t pid) {
  std::map<uint64_t, HostRegion> regions;
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    uint64_t start = 0;
    uint64_t end = 0;
    char flags[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &start, &end, flags) != 3) continue;
    if (start < kWindow || start >= kWindowEnd) continue;
    uint32_t prot = 0;
    if (flags[0] == 'r') prot |= kProtRead;
    if (flags[1] == 'w') prot |= kProtWrite;
    if (flags[2] == 'x') prot |= kProtExec;
    regions[start] = {end, prot};
  }
  return regions;
}

// A process of the host that makes the calls it is told to: the child of fork(2) to compare with.
class Servant {
 public:
  struct Request {
    long number = 0;  // Of the system call, or one of these.
    long arguments[6] = {};
  };
  static constexpr long kFork = -1;  // Argument: the Servant that the child is.
  static constexpr long kShow = -2;  // Writes 128 bytes of each page of the arena to the pipe.
  using Answer = std::array<long, kWindowPages>;

  // What a process does for a request, in that process.
  static Answer Do(const Request& request, int pipe, Servant* servants) {
    Answer answer = {};
    const long* a = request.arguments;
    if (request.number == kFork) {
      answer[0] = fork();
      if (answer[0] == 0) servants[a[0]].Serve(pipe, servants);
    } else if (request.number == kShow) {
      for (uint64_t i = 0; i < kWindowPages; ++i)
        answer[i] = write(pipe, reinterpret_cast<void*>(kWindow + i * kPage), 128);
    } else {
      answer[0] = syscall(request.number, a[0], a[1], a[2], a[3], a[4], a[5]);
      if (answer[0] == -1) answer[0] = -errno;
    }
    return answer;
  }

  void Open() {
    ASSERT_EQ(pipe(requests_), 0);
    ASSERT_EQ(pipe(answers_), 0);
  }
  void Close() {
    for (const int fd : {requests_[0], requests_[1], answers_[0], answers_[1]}) close(fd);
  }
  Answer Ask(const Request& request) {
    Answer answer = {};
    EXPECT_EQ(write(requests_[1], &request, sizeof(request)),
              static_cast<ssize_t>(sizeof(request)));
    EXPECT_EQ(read(answers_[0], &answer, sizeof(answer)), static_cast<ssize_t>(sizeof(answer)));
    return answer;
  }

 private:
  [[noreturn]] void Serve(int pipe, Servant* servants) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGCHLD, SIG_IGN);
    Request request;
    while (read(requests_[0], &request, sizeof(request)) == sizeof(request)) {
      const Answer answer = Do(request, pipe, servants);
      if (write(answers_[1], &answer, sizeof(answer)) != sizeof(answer)) break;
    }
    _exit(0);
  }

  int requests_[2] = {};
  int answers_[2] = {};
};

class OracleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    seed_ = std::random_device()();
    if (const char* given = std::getenv("POLLUX_TEST_SEED"))
      seed_ = std::strtoull(given, nullptr, 0);
    std::printf("POLLUX_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed_));
    std::fflush(stdout);  // Each process that is forked would have it too.
    random_.seed(seed_);
    space_ = *AddressSpace::Create(&budget_);
    ASSERT_EQ(pipe(pipe_), 0);
    ASSERT_TRUE(HostRegions(getpid()).empty()) << "the arena is taken";
    for (Servant& servant : servants_) servant.Open();
    // A file of the host, and the object that is to do the same.
    file_ = memfd_create("oracle", 0);
    ASSERT_GE(file_, 0);
    std::vector<uint8_t> bytes(5 * kPage + 100);
    for (size_t i = 0; i < bytes.size(); i += 64) bytes[i] = static_cast<uint8_t>(i / 64 + 1);
    ASSERT_EQ(write(file_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    object_ = *SharedObject::Create(&budget_, bytes.size());
    ASSERT_EQ(object_->Write(0, bytes), bytes.size());
  }
  void TearDown() override {
    for (size_t i = 0; i < kServants; ++i) End(i);
    for (Servant& servant : servants_) servant.Close();
    munmap(reinterpret_cast<void*>(kWindow), kWindowPages * kPage);
    close(pipe_[0]);
    close(pipe_[1]);
    close(file_);
  }

  uint64_t Pick(uint64_t below) { return random_() % below; }
  static GuestAddr Addr(uint64_t page) { return GuestAddr{kWindow + page * kPage}; }

  // ---- Processes: this one, and those of servants_

  Servant::Answer Ask(const Servant::Request& request) {
    if (current_ == kServants) return Servant::Do(request, pipe_[1], servants_);
    return servants_[current_].Ask(request);
  }
  // A system call of the current process: 0, or its errno.
  template <typename... Arguments>
  int Call(long number, Arguments... arguments) {
    const long result = Ask({number, {(long)arguments...}})[0];
    return result < 0 && result > -4096 ? static_cast<int>(-result) : 0;
  }
  std::map<uint64_t, HostRegion> CurrentRegions() const { return HostRegions(pids_[current_]); }

  void End(size_t servant) {
    if (pids_[servant] == 0) return;
    // It is gone before another one listens to the same pipes: one that is ending may still take
    // what was written to them. It may be a servant's child, which cannot be waited for.
    const int gone = static_cast<int>(syscall(SYS_pidfd_open, pids_[servant], 0));
    // One whose parent has ended may be gone already (PR_SET_PDEATHSIG).
    if (gone < 0) {
      ASSERT_EQ(errno, ESRCH);
    }
    if (gone >= 0) {
      kill(pids_[servant], SIGKILL);
      pollfd ended = {gone, POLLIN, 0};
      ASSERT_EQ(poll(&ended, 1, -1), 1);
      close(gone);
    }
    (void)waitpid(pids_[servant], nullptr, WNOHANG);
    pids_[servant] = 0;
    spaces_[servant].reset();
  }

  // The current process forks.
  void Fork() {
    size_t child = Pick(kServants);
    if (child == current_) child = (child + 1) % kServants;
    // What dies takes its children along.
    if (pids_[child] != 0) {
      for (size_t i = 0; i < kServants; ++i) {
        if (i != current_ && pids_[i] != 0 && parents_[i] == child) return;
      }
      if (current_ != kServants && parents_[current_] == child) return;
      End(child);
    }
    what_ = "fork";
    const long pid = Ask({Servant::kFork, {static_cast<long>(child)}})[0];
    ASSERT_GT(pid, 0);
    pids_[child] = static_cast<pid_t>(pid);
    parents_[child] = current_;
    auto forked = space_->Fork();
    ASSERT_TRUE(forked.ok());
    spaces_[child] = *std::move(forked);
    SwitchTo(child);
  }

  void SwitchTo(size_t process) {
    if (process == current_ || pids_[process] == 0) return;
    spaces_[current_] = std::move(space_);
    space_ = std::move(spaces_[process]);
    current_ = process;
  }

  // ----

  template <typename T>
  static int Failed(const Result<T>& result) {
    return result.ok() ? 0 : static_cast<int>(result.error());
  }

  // The borders of the mapping that holds a page are the same on both sides.
  bool SameBorders(uint64_t page) {
    const uint64_t addr = Addr(page).value;
    const auto host = CurrentRegions();
    for (const Mapping& mapping : space_->Mappings()) {
      if (addr < mapping.start || addr >= mapping.end) continue;
      const auto found = host.find(mapping.start);
      return found != host.end() && found->second.end == mapping.end;
    }
    return true;
  }

  // A length that may be odd, huge or zero.
  uint64_t OddLength(uint64_t count) {
    switch (Pick(16)) {
      case 0:
        return 0;
      case 1:
        return UINT64_MAX - Pick(2 * kPage);
      case 2:
        return count * kPage - Pick(kPage);
      default:
        return count * kPage;
    }
  }
  GuestAddr OddAddr(uint64_t page) { return Pick(20) == 0 ? Addr(page) + Pick(kPage) : Addr(page); }

  void Step() {
    before_ = Layout();
    const uint64_t first = Pick(kWindowPages);
    const uint64_t count = 1 + Pick(std::min<uint64_t>(10, kWindowPages - first));
    // Never execute without read, see above; write without read is the same on both.
    static constexpr uint32_t kProts[] = {0, 1, 2, 3, 5, 7};
    const uint32_t prot = kProts[Pick(6)];
    switch (Pick(12)) {
      case 9:
      case 10:
        return ChangeFile();
      case 11:
        return Advise(first, count);
      case 0:
      case 1:
        return Map(first, count, prot);
      case 2:
        return MapFile(first, count, prot);
      case 3: {
        const GuestAddr addr = OddAddr(first);
        const uint64_t length = OddLength(count);
        what_ = "munmap";
        ASSERT_EQ(Call(SYS_munmap, addr.value, length), Failed(space_->Unmap(addr, length)));
        return;
      }
      case 4: {
        const GuestAddr addr = OddAddr(first);
        const uint64_t length = OddLength(count);
        what_ = "mprotect";
        ASSERT_EQ(Call(SYS_mprotect, addr.value, length, prot),
                  Failed(space_->Protect(addr, length, prot)));
        return;
      }
      case 5:
        return Discard(first, count);
      case 6:
        return Remap(first, count);
      default:
        return Store(first);
    }
  }

  void Map(uint64_t first, uint64_t count, uint32_t prot) {
    what_ = "mmap";
    AddressSpace::MapRequest request;
    request.hint = OddAddr(first);
    request.length = OddLength(count);
    // Linux would look for a place elsewhere.
    if (request.length > kWindowPages * kPage) return;
    request.prot = prot;
    request.shared = Pick(6) == 0;
    request.fixed_noreplace = Pick(3) == 0;
    request.fixed = !request.fixed_noreplace;
    const int flags = MAP_ANONYMOUS | (request.shared ? MAP_SHARED : MAP_PRIVATE) |
                      (request.fixed ? MAP_FIXED : MAP_FIXED_NOREPLACE);
    const int host = Call(SYS_mmap, request.hint.value, request.length, prot, flags, -1, 0);
    ASSERT_EQ(host, Failed(space_->Map(request)));
  }

  void MapFile(uint64_t first, uint64_t count, uint32_t prot) {
    what_ = "mmap of a file";
    AddressSpace::MapRequest request;
    request.hint = Addr(first);
    request.length = count * kPage;
    request.prot = prot;
    request.fixed = true;
    request.shared = Pick(2) == 0;
    request.inode = 1;
    request.name = "oracle";
    request.file_offset = Pick(7) * kPage;
    request.object = object_;
    const int flags = (request.shared ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED;
    const int host =
        Call(SYS_mmap, request.hint.value, request.length, prot, flags, file_, request.file_offset);
    ASSERT_EQ(host, Failed(space_->Map(request)));
  }

  void ChangeFile() {
    const uint64_t page = Pick(8);
    switch (Pick(3)) {
      case 0: {
        what_ = "write of page " + std::to_string(page);
        const uint64_t word = random_();
        const uint64_t offset = page * kPage + Pick(16);
        ASSERT_EQ(pwrite(file_, &word, sizeof(word), static_cast<off_t>(offset)), 8);
        ASSERT_EQ(object_->Write(offset, {reinterpret_cast<const uint8_t*>(&word), 8}), 8u);
        if (offset + 8 > object_->size_bytes()) object_->SetSize(offset + 8);
        return;
      }
      case 1: {
        const uint64_t size = page * kPage + Pick(3) * 50;
        what_ = "truncation to " + std::to_string(size);
        ASSERT_EQ(ftruncate(file_, static_cast<off_t>(size)), 0);
        object_->SetSize(size);
        return;
      }
      default:
        what_ = "a hole at page " + std::to_string(page);
        ASSERT_EQ(fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                            static_cast<off_t>(page * kPage), 2 * kPage),
                  0);
        object_->DropPages(page, page + 2);
    }
  }

  void Discard(uint64_t first, uint64_t count) {
    const GuestAddr addr = OddAddr(first);
    const uint64_t length = OddLength(count);
    switch (Pick(4)) {
      case 0:
        what_ = "MADV_REMOVE";
        ASSERT_EQ(Call(SYS_madvise, addr.value, length, MADV_REMOVE),
                  Failed(space_->Remove(addr, length)));
        return;
      case 1:
        // What it frees it frees when it likes.
        what_ = "MADV_FREE";
        for (uint64_t i = first; i < std::min(first + count + 1, kWindowPages); ++i) {
          if (space_->IsMapped(Addr(i)) && !ShowsFile(i)) return;
        }
        ASSERT_EQ(Call(SYS_madvise, addr.value, length, MADV_FREE),
                  Failed(space_->Discard(addr, length, /*anonymous_only=*/true)));
        return;
      default:
        what_ = "MADV_DONTNEED";
        ASSERT_EQ(Call(SYS_madvise, addr.value, length, MADV_DONTNEED),
                  Failed(space_->Discard(addr, length)));
    }
  }

  void Advise(uint64_t first, uint64_t count) {
    static constexpr int kAdvice[] = {MADV_DONTFORK, MADV_DOFORK, MADV_WIPEONFORK, MADV_KEEPONFORK};
    const uint64_t advice = Pick(4);
    what_ = "madvise(" + std::to_string(kAdvice[advice]) + ")";
    const GuestAddr addr = OddAddr(first);
    const uint64_t length = OddLength(count);
    ASSERT_EQ(Call(SYS_madvise, addr.value, length, kAdvice[advice]),
              Failed(space_->Advise(addr, length, static_cast<MappingAdvice>(advice))));
  }

  void Remap(uint64_t first, uint64_t count) {
    what_ = "mremap";
    const GuestAddr addr = OddAddr(first);
    const uint64_t target = Pick(kWindowPages);
    uint64_t new_count = 1 + Pick(std::min<uint64_t>(10, kWindowPages - std::max(first, target)));
    if (Pick(2) == 0) new_count = count;
    if (target + new_count > kWindowPages || first + new_count > kWindowPages) return;
    const bool dont_unmap = Pick(4) == 0;
    // Without a place of its own it may go anywhere.
    const bool fixed = dont_unmap || Pick(2) == 0;
    const GuestAddr to = OddAddr(target);
    const uint64_t old_length = Pick(12) == 0 ? 0 : count * kPage;
    // Growing asks where the mapping ends.
    for (const Mapping& mapping : space_->Mappings()) {
      const bool touched = mapping.start < addr.value + count * kPage && mapping.end > addr.value;
      if (!SameBorders((mapping.start - kWindow) / kPage) && touched) return;
    }
    // The host says so on its console.
    if (old_length == 0 && !Shared(first)) return;
    const int flags =
        (fixed ? MREMAP_MAYMOVE | MREMAP_FIXED : 0) | (dont_unmap ? MREMAP_DONTUNMAP : 0);
    const uint64_t length = Pick(30) == 0 ? 0 : new_count * kPage;
    what_ += "(" + std::to_string(first) + ", " + std::to_string(old_length / kPage) + ", " +
             std::to_string(length / kPage) +
             (fixed ? ", to " + std::to_string(target) : std::string()) +
             (dont_unmap ? ", not unmapped)" : ")");
    const int host = Call(SYS_mremap, addr.value, old_length, length, flags, to.value);
    ASSERT_EQ(host, Failed(space_->Remap(addr, old_length, length, fixed, fixed, to, dont_unmap)));
  }

  bool ShowsFile(uint64_t page) const {
    for (const Mapping& mapping : space_->Mappings()) {
      if (Addr(page).value >= mapping.start && Addr(page).value < mapping.end)
        return mapping.inode != 0;
    }
    return false;
  }

  bool Shared(uint64_t page) const {
    for (const Mapping& mapping : space_->Mappings()) {
      if (Addr(page).value >= mapping.start && Addr(page).value < mapping.end)
        return mapping.shared;
    }
    return false;
  }

  // The kernel's own copies obey the page's protection, and do not raise signals.
  void Store(uint64_t first) {
    what_ = "a store";
    const uint64_t word = random_();
    ASSERT_EQ(write(pipe_[1], &word, sizeof(word)), 8);
    const GuestAddr addr = Addr(first) + 8 * Pick(16);
    const int host = Call(SYS_read, pipe_[0], addr.value, sizeof(word));
    // A failed read leaves the bytes in the pipe.
    uint64_t drained;
    if (host != 0) {
      ASSERT_EQ(read(pipe_[0], &drained, sizeof(drained)), 8);
    }
    ASSERT_EQ(host, Failed(space_->WriteObject(addr, word)));
  }

  std::string Layout() const {
    std::string layout(kWindowPages, '.');
    for (const Mapping& mapping : space_->Mappings()) {
      for (uint64_t addr = mapping.start; addr < mapping.end; addr += kPage) {
        layout[(addr - kWindow) / kPage] = static_cast<char>('0' + mapping.prot);
      }
    }
    return layout;
  }

  void Compare() {
    // A digit a page: its protection, or a dot.
    std::string host(kWindowPages, '.');
    for (const auto& [start, region] : CurrentRegions()) {
      for (uint64_t addr = start; addr < std::min(region.end, kWindowEnd); addr += kPage) {
        host[(addr - kWindow) / kPage] = static_cast<char>('0' + region.prot);
      }
    }
    ASSERT_EQ(Layout(), host) << "before: " << before_;
    const Servant::Answer shown = Ask({Servant::kShow, {}});
    for (uint64_t i = 0; i < kWindowPages; ++i) {
      uint8_t expected[128] = {};
      uint8_t bytes[128] = {};
      const long wrote = shown[i];
      ASSERT_EQ(wrote == sizeof(expected), space_->Read(Addr(i), bytes) == sizeof(bytes))
          << "page " << i;
      if (wrote < 0) continue;
      ASSERT_EQ(read(pipe_[0], expected, sizeof(expected)), wrote);
      ASSERT_EQ(std::memcmp(bytes, expected, sizeof(bytes)), 0) << "page " << i;
    }
  }

  uint64_t seed_ = 0;
  std::mt19937_64 random_;
  MemoryBudget budget_;
  std::unique_ptr<AddressSpace> space_;
  int pipe_[2] = {};
  int file_ = -1;
  // The last one is this process, and the only one that may not end. `space_` is the current one's.
  static constexpr size_t kServants = 4;
  Servant servants_[kServants];
  pid_t pids_[kServants + 1] = {0, 0, 0, 0, getpid()};
  size_t parents_[kServants + 1] = {};
  std::unique_ptr<AddressSpace> spaces_[kServants + 1];
  size_t current_ = kServants;
  std::shared_ptr<SharedObject> object_;
  std::string what_;  // The last call, and all mappings before it.
  std::string before_;
};

TEST_F(OracleTest, AnswersAsTheHostsKernelDoes) {
  utsname host;
  ASSERT_EQ(uname(&host), 0);
  int major = 0;
  int minor = 0;
  ASSERT_EQ(std::sscanf(host.release, "%d.%d", &major, &minor), 2);
  if (major < 6 || (major == 6 && minor < 17)) {
    GTEST_SKIP() << "mremap(2) of Linux " << host.release
                 << " does not move several mappings at once";
  }
  for (int step = 0; step < 4000; ++step) {
    if (Pick(60) == 0) Fork();
    if (Pick(10) == 0) SwitchTo(Pick(kServants + 1));
    Compare();
    if (HasFatalFailure()) FAIL() << "another process after " << what_ << " in step " << step;
    Step();
    if (HasFatalFailure()) FAIL() << what_ << " in step " << step;
    Compare();
    if (HasFatalFailure()) FAIL() << "state after " << what_ << " in step " << step;
  }
  object_.reset();
  space_.reset();
  for (auto& space : spaces_) space.reset();
  EXPECT_EQ(budget_.used_bytes, 0u);
  EXPECT_EQ(budget_.object_mappings, 0u);
}

}  // namespace
}  // namespace pollux::memory
