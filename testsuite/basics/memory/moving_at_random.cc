// moving_at_random: random calls of mremap over random mappings: which of several errors Linux
// names, what moves, and what stays mapped. A line says what was mapped (p private, s shared, f a
// file's; in capitals where it is locked), the call, its places relative to a base, and the answer.
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <string>

#include "testsuite/basics/check.h"

namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kPlaces = 24;
// Nothing is here in either world.
char* const kBase = reinterpret_cast<char*>(0x2000000000);

uint64_t state = 1;
uint64_t Below(uint64_t limit) {
  state = state * 6364136223846793005 + 1442695040888963407;
  return (state >> 33) % limit;
}

void LimitLocking(rlim_t bytes) {
  rlimit limit;
  Must(getrlimit(RLIMIT_MEMLOCK, &limit) == 0, "getrlimit");
  limit.rlim_cur = std::min(bytes, limit.rlim_max);
  Must(setrlimit(RLIMIT_MEMLOCK, &limit) == 0, "setrlimit");
}

// A few mappings over and beside each other; the letters of what is where.
std::string MapSome() {
  std::string letters(kPlaces, '.');
  for (int i = 0; i < 5; ++i) {
    const uint64_t at = Below(kPlaces);
    const uint64_t pages = std::min(1 + Below(6), kPlaces - at);
    char* const place = kBase + at * kPage;
    const int prot = Below(4) == 0 ? PROT_NONE : Below(3) == 0 ? PROT_READ : PROT_READ | PROT_WRITE;
    int flags = MAP_FIXED | MAP_ANONYMOUS, file = -1;
    off_t offset = 0;
    char letter = 'p';
    switch (Below(5)) {
      case 0:
        Must(munmap(place, pages * kPage) == 0, "munmap");
        letters.replace(at, pages, pages, '.');
        continue;
      case 1:
        letter = 's';
        flags |= MAP_SHARED;
        break;
      case 2:
        letter = 'f';
        file = memfd_create("pages", 0);
        Must(ftruncate(file, 8 * kPage) == 0, "ftruncate");
        flags = MAP_FIXED | (Below(2) == 0 ? MAP_SHARED : MAP_PRIVATE);
        offset = Below(3) * kPage;
        break;
      default:
        flags |= MAP_PRIVATE;
    }
    Must(mmap(place, pages * kPage, prot, flags, file, offset) == place, "mmap");
    if (file >= 0) close(file);
    if (Below(6) == 0 && mlock(place, pages * kPage) == 0) letter -= 'a' - 'A';
    letters.replace(at, pages, pages, letter);
  }
  return letters;
}

uint64_t SomeLength() {
  switch (Below(14)) {
    case 0:
      return 0;
    case 1:
      return UINT64_MAX;
    case 2:
      return uint64_t{1} << (48 + Below(16));
    case 3:
      return Below(6 * kPage);
    case 4:
      return -kPage * (1 + Below(3));
    default:
      return (1 + Below(6)) * kPage;
  }
}

uint64_t SomePlace() {
  if (Below(30) == 0) return Below(2) == 0 ? 0 : -kPage;
  return reinterpret_cast<uint64_t>(kBase) + Below(kPlaces) * kPage +
         (Below(10) == 0 ? 1 + Below(kPage - 1) : 0);
}

uint64_t SomeFlags() {
  constexpr uint64_t kUsual[] = {0,
                                 MREMAP_MAYMOVE,
                                 MREMAP_MAYMOVE | MREMAP_FIXED,
                                 MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
                                 MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
                                 MREMAP_FIXED};
  return Below(12) == 0 ? Below(16) : kUsual[Below(6)];
}

// True once something may have moved: what is mapped is no longer what the letters say.
bool Move(const std::string& letters) {
  const uint64_t base = reinterpret_cast<uint64_t>(kBase);
  const uint64_t from = SomePlace(), old_length = SomeLength();
  const uint64_t new_length = Below(3) == 0 ? old_length : SomeLength();
  const uint64_t flags = SomeFlags(), to = SomePlace();
  const long result = syscall(SYS_mremap, from, old_length, new_length, flags, to);
  const int error = errno;
  std::printf("%s %lx, %lx, %lx, %lx, %lx: ", letters.c_str(), from - base, old_length, new_length,
              flags, to - base);
  if (result == -1) {
    std::printf("%s\n", ErrorName(error));
    return false;
  }
  const uint64_t place = static_cast<uint64_t>(result);
  if (place - base < kPlaces * kPage) {
    std::printf("%lx\n", place - base);
  } else {
    std::printf("elsewhere\n");
    Must(munmap(reinterpret_cast<void*>(place), new_length) == 0, "munmap of what moved away");
  }
  return true;
}

}  // namespace

int main() {
  DropRoot();  // Who may use the lowest addresses.
  for (int round = 0; round < 1200; ++round) {
    const std::string letters = MapSome();
    if (Below(3) == 0) LimitLocking(Below(8) * kPage);
    for (int call = 0; call < 4 && !Move(letters); ++call) {
    }
    LimitLocking(RLIM_INFINITY);
    for (uint64_t i = 0; i < kPlaces; ++i) {
      std::printf("%c", msync(kBase + i * kPage, kPage, MS_ASYNC) == 0 ? '#' : '.');
    }
    std::printf("\n");
    // What moved to the last place ends behind it.
    Must(munmap(kBase, (kPlaces + 8) * kPage) == 0, "munmap");
  }
  return 0;
}
