// sealed_memory: memfd_create(2): names, flags and modes; and what each seal forbids.
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <string>

#include "testsuite/basics/check.h"

namespace {

// Of uapi/linux/memfd.h and fcntl.h, which older systems do not have in full.
constexpr unsigned kCloseOnExec = 1, kAllowSealing = 2, kNoExecSeal = 8, kExec = 16;
constexpr int kSealSeal = 1, kSealShrink = 2, kSealGrow = 4, kSealWrite = 8, kSealFutureWrite = 16,
              kSealExec = 32;

long Create(const char* name, unsigned flags) { return syscall(SYS_memfd_create, name, flags); }

int Make(unsigned flags, off_t bytes = 5000) {
  const int file = static_cast<int>(Create("name", flags));
  Must(file >= 0 && ftruncate(file, bytes) == 0, "memfd_create");
  return file;
}

void ShowSeals(const char* what, int file) {
  const int seals = fcntl(file, F_GET_SEALS);
  if (seals < 0) {
    std::printf("%s: %s\n", what, ErrorName(errno));
  } else {
    std::printf("%s: seals %x\n", what, static_cast<unsigned>(seals));
  }
}

void ShowMap(const char* what, int file, int protection, int flags) {
  void* const start = mmap(nullptr, 4096, protection, flags, file, 0);
  Show(what, start == MAP_FAILED ? -1 : 0);
  if (start != MAP_FAILED) munmap(start, 4096);
}

// A file opened once more through /proc.
int Reopen(int file, int flags) {
  return open(("/proc/self/fd/" + std::to_string(file)).c_str(), flags);
}

const std::string many(10000, 'x');

void WriteAll(int file) {
  ShowCount("  inside", pwrite(file, many.data(), 10, 4990));
  ShowCount("  across the end", pwrite(file, many.data(), 20, 4990));
  ShowCount("  across a page and the end", pwrite(file, many.data(), 2000, 4000));
  ShowCount("  from the start over the end", pwrite(file, many.data(), many.size(), 0));
  ShowCount("  at the end", pwrite(file, many.data(), 1, 5000));
  ShowCount("  nothing", pwrite(file, many.data(), 0, 0));
  ShowCount("  out of reach", syscall(SYS_pwrite64, file, reinterpret_cast<void*>(8), 1, 0));
}

void SizeAll(int file) {
  Show("  longer", ftruncate(file, 5001));
  Show("  the same size", ftruncate(file, 5000));
  Show("  allocate beyond", fallocate(file, 0, 4000, 2000));
  Show("  allocate beyond, keep the size", fallocate(file, FALLOC_FL_KEEP_SIZE, 4000, 2000));
  Show("  allocate inside", fallocate(file, 0, 0, 5000));
  Show("  punch a hole", fallocate(file, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 4096));
  Show("  shorter", ftruncate(file, 4999));
}

}  // namespace

int main() {
  DropRoot();
  for (unsigned flags = 0; flags < 64; ++flags) {
    if ((flags & 4) != 0) continue;  // MFD_HUGETLB needs huge pages.
    const int file = static_cast<int>(Create("x", flags));
    if (file < 0) {
      std::printf("flags %u: %s\n", flags, ErrorName(errno));
      continue;
    }
    struct stat status;
    Must(fstat(file, &status) == 0, "fstat");
    std::printf("flags %u: mode %o, links %d, descriptor %d, seals %x\n", flags, status.st_mode,
                static_cast<int>(status.st_nlink), fcntl(file, F_GETFD),
                static_cast<unsigned>(fcntl(file, F_GET_SEALS)));
    close(file);
  }
  Show("a name of 249 bytes", Create(std::string(249, 'n').c_str(), 0));
  Show("a name of 250 bytes", Create(std::string(250, 'n').c_str(), 0));
  Show("no name", Create("", kCloseOnExec));
  Show("name out of reach", Create(reinterpret_cast<const char*>(8), 0));
  Show("name out of reach, unknown flag", Create(reinterpret_cast<const char*>(8), 64));

  int file = Make(0);
  Show("no sealing", fcntl(file, F_ADD_SEALS, kSealShrink));
  Show("no sealing, unknown seal", fcntl(file, F_ADD_SEALS, 64));
  int ends[2];
  Must(pipe(ends) == 0, "pipe");
  ShowSeals("a pipe", ends[0]);
  Show("seal a pipe", fcntl(ends[1], F_ADD_SEALS, kSealShrink));
  Show("seal the end that is read", fcntl(ends[0], F_ADD_SEALS, kSealShrink));
  file = Make(kAllowSealing);
  Show("unknown seal", fcntl(file, F_ADD_SEALS, 64));
  Show("no seal", fcntl(file, F_ADD_SEALS, 0));
  const int reader = Reopen(file, O_RDONLY);
  Must(reader >= 0, "open through /proc");
  Show("seal what is open for reading", fcntl(reader, F_ADD_SEALS, kSealShrink));
  ShowSeals("it can be asked", reader);

  std::printf("F_SEAL_GROW\n");
  file = Make(kAllowSealing);
  Must(fcntl(file, F_ADD_SEALS, kSealGrow) == 0, "F_ADD_SEALS");
  WriteAll(file);
  SizeAll(file);

  std::printf("F_SEAL_SHRINK\n");
  file = Make(kAllowSealing);
  Must(fcntl(file, F_ADD_SEALS, kSealShrink) == 0, "F_ADD_SEALS");
  WriteAll(file);
  Must(Reopen(file, O_RDWR) >= 0, "open through /proc");
  Show("  truncated by open", Reopen(file, O_RDWR | O_TRUNC));
  Show("  shorter", ftruncate(file, 1));

  for (const int seal : {kSealWrite, kSealFutureWrite}) {
    std::printf("%s\n", seal == kSealWrite ? "F_SEAL_WRITE" : "F_SEAL_FUTURE_WRITE");
    file = Make(kAllowSealing);
    Must(fcntl(file, F_ADD_SEALS, seal) == 0, "F_ADD_SEALS");
    WriteAll(file);
    SizeAll(file);
    ShowMap("  shared, to be written", file, PROT_READ | PROT_WRITE, MAP_SHARED);
    ShowMap("  shared, to be read", file, PROT_READ, MAP_SHARED);
    ShowMap("  private, to be written", file, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    void* const start = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file, 0);
    Must(start != MAP_FAILED, "mmap");
    Show("  mprotect", mprotect(start, 4096, PROT_READ | PROT_WRITE));
  }

  std::printf("mapped\n");
  file = Make(kAllowSealing);
  void* start = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  Must(start != MAP_FAILED, "mmap");
  Show("  F_SEAL_WRITE", fcntl(file, F_ADD_SEALS, kSealWrite));
  Show("  F_SEAL_WRITE and another", fcntl(file, F_ADD_SEALS, kSealWrite | kSealGrow));
  ShowSeals("  after it", file);
  Show("  F_SEAL_FUTURE_WRITE", fcntl(file, F_ADD_SEALS, kSealFutureWrite));
  static_cast<volatile char*>(start)[0] = 'y';
  char byte = 0;
  Must(pread(file, &byte, 1, 0) == 1 && byte == 'y', "the old mapping still writes");
  munmap(start, 4096);
  Show("  F_SEAL_WRITE when unmapped", fcntl(file, F_ADD_SEALS, kSealWrite));
  file = Make(kAllowSealing);
  start = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file, 0);
  Must(start != MAP_FAILED, "mmap");
  Show("  F_SEAL_WRITE, could be made writable", fcntl(file, F_ADD_SEALS, kSealWrite));
  munmap(start, 4096);
  start = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  Must(start != MAP_FAILED, "mmap");
  Show("  F_SEAL_WRITE, mapped privately", fcntl(file, F_ADD_SEALS, kSealWrite));
  munmap(start, 4096);

  std::printf("F_SEAL_SEAL\n");
  Show("  sealed", fcntl(file, F_ADD_SEALS, kSealSeal));
  Show("  one more", fcntl(file, F_ADD_SEALS, kSealGrow));
  Show("  the same again", fcntl(file, F_ADD_SEALS, kSealSeal));
  Show("  an unknown one", fcntl(file, F_ADD_SEALS, 64));
  ShowSeals("  after it", dup(file));

  std::printf("F_SEAL_EXEC\n");
  file = Make(kAllowSealing | kExec);
  Show("  of what is executable", fcntl(file, F_ADD_SEALS, kSealExec));
  ShowSeals("  after it", file);
  Show("  fchmod that takes it away", fchmod(file, 0666));
  Show("  fchmod that takes some away", fchmod(file, 0744));
  Show("  fchmod that leaves it", fchmod(file, 0711));
  file = Make(kNoExecSeal);
  Show("  fchmod that adds it", fchmod(file, 0777));
  Show("  fchmod of the rest", fchmod(file, 0600));
  Show("  another seal", fcntl(file, F_ADD_SEALS, kSealShrink));
  ShowSeals("  after it", file);
  ShowCount("  it can be written", pwrite(file, "x", 1, 0));
  return 0;
}
