// AddressSpace against the host's kernel: the same random calls at the same addresses, compared
// call by call: result, error, and then every page's protection and bytes.
//
// What differs by design is not asked for: execute-only pages are not read (x86-64 without
// protection keys can), and a call whose answer depends on where mappings begin and end is made
// only where both sides have the same borders (Linux does not merge neighbours whose pages come
// from different places, AddressSpace does).
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/utsname.h>
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

namespace pollux::memory {
namespace {

constexpr uint64_t kPage = kPageBytes;
// Low enough that nobody else of this process is given memory there, and below what asan uses.
constexpr uint64_t kArena = 0x50000000;
constexpr uint64_t kArenaPages = 64;
constexpr uint64_t kArenaEnd = kArena + kArenaPages * kPage;

struct HostRegion {
  uint64_t end = 0;
  uint32_t prot = 0;
};

std::map<uint64_t, HostRegion> HostRegions() {
  std::map<uint64_t, HostRegion> regions;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    uint64_t start = 0;
    uint64_t end = 0;
    char flags[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &start, &end, flags) != 3) continue;
    if (start < kArena || start >= kArenaEnd) continue;
    uint32_t prot = 0;
    if (flags[0] == 'r') prot |= kProtRead;
    if (flags[1] == 'w') prot |= kProtWrite;
    if (flags[2] == 'x') prot |= kProtExec;
    regions[start] = {end, prot};
  }
  return regions;
}

class OracleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    seed_ = std::random_device()();
    if (const char* given = std::getenv("POLLUX_TEST_SEED"))
      seed_ = std::strtoull(given, nullptr, 0);
    std::printf("POLLUX_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed_));
    random_.seed(seed_);
    space_ = *AddressSpace::Create(&budget_);
    ASSERT_EQ(pipe(pipe_), 0);
    ASSERT_TRUE(HostRegions().empty()) << "the arena is taken";
    // Of a file with half of its pages, a private mapping is compared too.
    file_ = memfd_create("oracle", 0);
    ASSERT_GE(file_, 0);
    file_bytes_.assign(5 * kPage + 100, 0);
    for (size_t i = 0; i < file_bytes_.size(); i += 64)
      file_bytes_[i] = static_cast<uint8_t>(i / 64 + 1);
    ASSERT_EQ(write(file_, file_bytes_.data(), file_bytes_.size()),
              static_cast<ssize_t>(file_bytes_.size()));
  }
  void TearDown() override {
    munmap(reinterpret_cast<void*>(kArena), kArenaPages * kPage);
    close(pipe_[0]);
    close(pipe_[1]);
    close(file_);
  }

  uint64_t Pick(uint64_t below) { return random_() % below; }
  static GuestAddr Addr(uint64_t page) { return GuestAddr{kArena + page * kPage}; }
  static void* Host(GuestAddr addr) { return reinterpret_cast<void*>(addr.value); }

  // 0, or the errno of a host call that returns -1 on failure.
  static int Failed(long result) { return result == -1 ? errno : 0; }
  static int Failed(void* result) { return result == MAP_FAILED ? errno : 0; }
  template <typename T>
  static int Failed(const Result<T>& result) {
    return result.ok() ? 0 : static_cast<int>(result.error());
  }

  // The borders of the mapping that holds a page are the same on both sides.
  bool SameBorders(uint64_t page) {
    const uint64_t addr = Addr(page).value;
    const auto host = HostRegions();
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
    const uint64_t first = Pick(kArenaPages);
    const uint64_t count = 1 + Pick(std::min<uint64_t>(10, kArenaPages - first));
    // Never execute without read, see above; write without read is the same on both.
    static constexpr uint32_t kProts[] = {0, 1, 2, 3, 5, 7};
    const uint32_t prot = kProts[Pick(6)];
    switch (Pick(9)) {
      case 0:
      case 1:
        return Map(first, count, prot);
      case 2:
        return MapFile(first, count, prot);
      case 3: {
        const GuestAddr addr = OddAddr(first);
        const uint64_t length = OddLength(count);
        what_ = "munmap";
        ASSERT_EQ(Failed(munmap(Host(addr), length)), Failed(space_->Unmap(addr, length)));
        return;
      }
      case 4: {
        const GuestAddr addr = OddAddr(first);
        const uint64_t length = OddLength(count);
        what_ = "mprotect";
        ASSERT_EQ(Failed(mprotect(Host(addr), length, prot)),
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
    if (request.length > kArenaPages * kPage) return;
    request.prot = prot;
    request.shared = Pick(6) == 0;
    request.fixed_noreplace = Pick(3) == 0;
    request.fixed = !request.fixed_noreplace;
    const int flags = MAP_ANONYMOUS | (request.shared ? MAP_SHARED : MAP_PRIVATE) |
                      (request.fixed ? MAP_FIXED : MAP_FIXED_NOREPLACE);
    const int host = Failed(mmap(Host(request.hint), request.length, prot, flags, -1, 0));
    ASSERT_EQ(host, Failed(space_->Map(request)));
  }

  void MapFile(uint64_t first, uint64_t count, uint32_t prot) {
    what_ = "mmap of a file";
    AddressSpace::MapRequest request;
    request.hint = Addr(first);
    request.length = count * kPage;
    request.prot = prot;
    request.fixed = true;
    request.from_file = true;
    request.inode = 1;
    request.name = "oracle";
    request.file_offset = Pick(7) * kPage;
    std::span<const uint8_t> contents(file_bytes_);
    request.contents = contents.subspan(std::min<size_t>(request.file_offset, contents.size()));
    const int host = Failed(mmap(Host(request.hint), request.length, prot, MAP_PRIVATE | MAP_FIXED,
                                 file_, static_cast<off_t>(request.file_offset)));
    ASSERT_EQ(host, Failed(space_->Map(request)));
  }

  // madvise where there are no file mappings, whose bytes AddressSpace does not keep.
  void Discard(uint64_t first, uint64_t count) {
    what_ = "madvise";
    const GuestAddr addr = OddAddr(first);
    uint64_t length = OddLength(count);
    for (const Mapping& mapping : space_->Mappings()) {
      if (mapping.inode != 0 && mapping.start < addr.value + count * kPage &&
          mapping.end > addr.value)
        return;
    }
    ASSERT_EQ(Failed(madvise(Host(addr), length, MADV_DONTNEED)),
              Failed(space_->Discard(addr, length)));
  }

  void Remap(uint64_t first, uint64_t count) {
    what_ = "mremap";
    const GuestAddr addr = OddAddr(first);
    const uint64_t target = Pick(kArenaPages);
    uint64_t new_count = 1 + Pick(std::min<uint64_t>(10, kArenaPages - std::max(first, target)));
    if (Pick(2) == 0) new_count = count;
    if (target + new_count > kArenaPages || first + new_count > kArenaPages) return;
    const bool fixed = Pick(2) == 0;
    const GuestAddr to = OddAddr(target);
    // Growing asks where the mapping ends; a file that grows needs the file.
    const bool grows = new_count > count;
    for (const Mapping& mapping : space_->Mappings()) {
      const bool touched = mapping.start < addr.value + count * kPage && mapping.end > addr.value;
      if (grows && touched && mapping.inode != 0) return;
      if (!SameBorders((mapping.start - kArena) / kPage) && touched) return;
    }
    // A shared mapping that grows raises SIGBUS behind its end.
    if (grows && Shared(first)) return;
    const int flags = fixed ? MREMAP_MAYMOVE | MREMAP_FIXED : 0;
    const uint64_t length = Pick(30) == 0 ? 0 : new_count * kPage;
    what_ += "(" + std::to_string(first) + ", " + std::to_string(count) + ", " +
             std::to_string(length / kPage) +
             (fixed ? ", to " + std::to_string(target) : std::string()) + ")";
    const int host = Failed(mremap(Host(addr), count * kPage, length, flags, Host(to)));
    ASSERT_EQ(host, Failed(space_->Remap(addr, count * kPage, length, fixed, fixed, to)));
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
    const int host = Failed(read(pipe_[0], Host(addr), sizeof(word)));
    // A failed read leaves the bytes in the pipe.
    uint64_t drained;
    if (host != 0) {
      ASSERT_EQ(read(pipe_[0], &drained, sizeof(drained)), 8);
    }
    ASSERT_EQ(host, Failed(space_->WriteObject(addr, word)));
  }

  std::string Layout() const {
    std::string layout(kArenaPages, '.');
    for (const Mapping& mapping : space_->Mappings()) {
      for (uint64_t addr = mapping.start; addr < mapping.end; addr += kPage) {
        layout[(addr - kArena) / kPage] = static_cast<char>('0' + mapping.prot);
      }
    }
    return layout;
  }

  void Compare() {
    // A digit a page: its protection, or a dot.
    std::string host(kArenaPages, '.');
    for (const auto& [start, region] : HostRegions()) {
      for (uint64_t addr = start; addr < std::min(region.end, kArenaEnd); addr += kPage) {
        host[(addr - kArena) / kPage] = static_cast<char>('0' + region.prot);
      }
    }
    ASSERT_EQ(Layout(), host) << "before: " << before_;
    for (uint64_t i = 0; i < kArenaPages; ++i) {
      uint8_t expected[128] = {};
      uint8_t bytes[128] = {};
      const ssize_t wrote = write(pipe_[1], Host(Addr(i)), sizeof(expected));
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
  std::vector<uint8_t> file_bytes_;
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
  for (int step = 0; step < 3000; ++step) {
    Step();
    if (HasFatalFailure()) FAIL() << what_ << " in step " << step;
    Compare();
    if (HasFatalFailure()) FAIL() << "state after " << what_ << " in step " << step;
  }
}

}  // namespace
}  // namespace pollux::memory
