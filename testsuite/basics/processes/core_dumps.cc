// Core files: which deaths leave one, what the parent is told, what may be in the way of the file,
// and what is in it.
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <functional>
#include <vector>

#include "testsuite/basics/tasks.h"

namespace {

void SetLimit(int which, rlim_t value) {
  rlimit limit;
  Must(getrlimit(static_cast<__rlimit_resource_t>(which), &limit) == 0, "getrlimit");
  limit.rlim_cur = value;
  Must(setrlimit(static_cast<__rlimit_resource_t>(which), &limit) == 0, "setrlimit");
}

// A child that does `before` and dies of `signal`; what its parent is told.
void Die(const char* what, int signal, const std::function<void()>& before) {
  const pid_t child = Fork([&] {
    SetLimit(RLIMIT_CORE, RLIM_INFINITY);
    before();
    Handle(signal, SIG_DFL);
    kill(getpid(), signal);
    return 1;
  });
  siginfo_t info = {};
  Must(waitid(P_PID, child, &info, WEXITED | WNOWAIT) == 0, "waitid");
  const int status = Wait(child);
  struct stat file;
  const bool there = lstat("core", &file) == 0;
  std::printf("%s: %s%s, %s, status %d; core: %s\n", what, StatusText(status).c_str(),
              WCOREDUMP(status) ? " with a core" : "",
              info.si_code == CLD_DUMPED   ? "CLD_DUMPED"
              : info.si_code == CLD_KILLED ? "CLD_KILLED"
                                           : "another code",
              info.si_status,
              !there                   ? "none"
              : S_ISLNK(file.st_mode)  ? "a link"
              : S_ISDIR(file.st_mode)  ? "a directory"
              : S_ISFIFO(file.st_mode) ? "a FIFO"
              : file.st_size == 0      ? "empty"
                                       : "a file");
  if (there && S_ISREG(file.st_mode))
    std::printf("  mode %o, %d link(s)\n", file.st_mode & 07777, static_cast<int>(file.st_nlink));
}
void Nothing() {}

void Signals() {
  for (const int signal : {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGXCPU,
                           SIGXFSZ, SIGSYS, SIGTERM, SIGUSR1, SIGSTKFLT}) {
    Die(SignalName(signal).c_str(), signal, Nothing);
    unlink("core");
  }
}

void Limits() {
  for (const rlim_t limit : {rlim_t{0}, rlim_t{1}, rlim_t{4095}, rlim_t{4096}, rlim_t{100000}}) {
    const std::string what = "RLIMIT_CORE " + std::to_string(limit);
    Die(what.c_str(), SIGABRT, [limit] { SetLimit(RLIMIT_CORE, limit); });
    unlink("core");
  }
  Die("RLIMIT_FSIZE 0", SIGABRT, [] { SetLimit(RLIMIT_FSIZE, 0); });
  unlink("core");
  Die("not dumpable", SIGABRT, [] { prctl(PR_SET_DUMPABLE, 0); });
}

void InTheWay() {
  Must(symlink("elsewhere", "core") == 0, "symlink");
  Die("over a link", SIGABRT, Nothing);
  Show("where it led", access("elsewhere", F_OK));
  unlink("core");
  Must(mkdir("core", 0700) == 0, "mkdir");
  Die("over a directory", SIGABRT, Nothing);
  rmdir("core");
  Must(mkfifo("core", 0600) == 0, "mkfifo");
  Die("over a FIFO", SIGABRT, Nothing);
  unlink("core");
  WriteFile("core", "x");
  Must(link("core", "other") == 0 && chmod("core", 0444) == 0, "another name");
  Die("over a file with two names", SIGABRT, Nothing);
  std::printf("the other name: %s\n", FileText("other"));
  unlink("core");
  unlink("other");
  Die("umask 077", SIGABRT, [] { umask(077); });
  unlink("core");
  Die("umask 0400", SIGABRT, [] { umask(0400); });
  unlink("core");
  Must(chmod(".", 0555) == 0, "chmod");
  Die("in a directory that cannot be written", SIGABRT, Nothing);
  Must(chmod(".", 0755) == 0, "chmod");
  Die("in a directory that is gone", SIGABRT, [] {
    Must(mkdir("gone", 0700) == 0 && chdir("gone") == 0 && rmdir("../gone") == 0, "gone");
  });
}

// ---- What is in it.

std::string core;

template <typename T>
T At(size_t offset) {
  T object;
  Must(offset + sizeof object <= core.size(), "the file is long enough");
  std::memcpy(&object, core.data() + offset, sizeof object);
  return object;
}

void ReadCore() {
  core.clear();
  const int file = open("core", O_RDONLY);
  Must(file >= 0, "open of the core");
  struct stat status;
  Must(fstat(file, &status) == 0, "fstat");
  core.resize(static_cast<size_t>(status.st_size));
  Must(pread(file, core.data(), core.size(), 0) == status.st_size, "reading the core");
  close(file);
}

std::vector<Elf64_Phdr> Segments() {
  const auto header = At<Elf64_Ehdr>(0);
  std::vector<Elf64_Phdr> segments;
  for (size_t i = 0; i < header.e_phnum; ++i)
    segments.push_back(At<Elf64_Phdr>(header.e_phoff + i * sizeof(Elf64_Phdr)));
  return segments;
}

Elf64_Phdr SegmentOf(const void* address) {
  for (const Elf64_Phdr& segment : Segments()) {
    const auto at = reinterpret_cast<uint64_t>(address);
    if (segment.p_type == PT_LOAD && segment.p_vaddr <= at &&
        at < segment.p_vaddr + segment.p_memsz)
      return segment;
  }
  Must(false, "a segment");
  return {};
}

void ShowPage(const char* what, const char* address) {
  const Elf64_Phdr segment = SegmentOf(address);
  const uint64_t within = reinterpret_cast<uint64_t>(address) - segment.p_vaddr;
  if (within >= segment.p_filesz) {
    std::printf("%s: left out\n", what);
    return;
  }
  std::printf("%s: \"%.20s\"\n", what,
              segment.p_offset + within < core.size() ? &core[segment.p_offset + within] : "");
}

// How often there are notes of each kind, in their order, and the first status.
void ShowNotes(pid_t pid, pid_t tid) {
  const Elf64_Phdr notes = Segments().at(0);
  Must(notes.p_type == PT_NOTE, "the notes come first");
  std::string kinds;
  int statuses = 0;
  for (size_t at = notes.p_offset; at < notes.p_offset + notes.p_filesz;) {
    const auto note = At<Elf64_Nhdr>(at);
    const size_t contents = at + sizeof note + ((note.n_namesz + 3) & ~3u);
    at = contents + ((note.n_descsz + 3) & ~3u);
    switch (note.n_type) {
      case NT_PRSTATUS:
        // Up to the registers they are alike on all 64-bit machines.
        kinds += " PRSTATUS";
        std::printf("status %d: signal %d, %s\n", ++statuses, At<int16_t>(contents + 12),
                    At<int32_t>(contents + 32) == tid   ? "of the thread that died"
                    : At<int32_t>(contents + 32) == pid ? "of the leader"
                                                        : "of another");
        break;
      case NT_PRPSINFO:
        kinds += " PRPSINFO";
        std::printf("process: \"%s\"\n", At<std::array<char, 16>>(contents + 40).data());
        break;
      case NT_SIGINFO: {
        kinds += " SIGINFO";
        const auto info = At<siginfo_t>(contents);
        std::printf("siginfo: %s, %s\n", SignalName(info.si_signo).c_str(),
                    info.si_code == SEGV_ACCERR ? "SEGV_ACCERR" : "another code");
        break;
      }
      case NT_AUXV:
        kinds += " AUXV";
        break;
      case NT_FILE:
        kinds += " FILE";
        std::printf("mapped files: %s\n", At<uint64_t>(contents) > 0 ? "some" : "none");
        std::printf("their unit: %d\n", static_cast<int>(At<uint64_t>(contents + 8)));
        break;
      case NT_FPREGSET:
        kinds += " FPREGSET";
        break;
    }
  }
  std::printf("notes:%s\n", kinds.c_str());
}

char* Map(size_t bytes, int flags, int file = -1, int protection = PROT_READ | PROT_WRITE) {
  void* at = mmap(nullptr, bytes, protection, flags, file, 0);
  Must(at != MAP_FAILED, "mmap");
  return static_cast<char*>(at);
}

// The child's memory is the parent's, so the parent knows the addresses.
void Contents() {
  constexpr size_t kPage = 4096, kHuge = size_t{4} << 20;
  const int file = open("mapped", O_RDWR | O_CREAT, 0600);
  Must(file >= 0 && write(file, "in the file", 12) == 12 && ftruncate(file, 2 * kPage) == 0,
       "a file");
  char* written = Map(3 * kPage, MAP_PRIVATE | MAP_ANONYMOUS);
  char* hidden = Map(kPage, MAP_PRIVATE | MAP_ANONYMOUS);
  // Apart from others: a mapping counts as written to if it was one with such a mapping.
  char* untouched = Map(3 * kPage, MAP_PRIVATE | MAP_ANONYMOUS, -1, PROT_NONE) + kPage;
  Must(mprotect(untouched, kPage, PROT_READ | PROT_WRITE) == 0, "mprotect");
  char* advised = Map(kPage, MAP_PRIVATE | MAP_ANONYMOUS);
  char* huge = Map(kHuge, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
  char* shared = Map(kPage, MAP_SHARED | MAP_ANONYMOUS);
  char* private_file = Map(2 * kPage, MAP_PRIVATE, file);
  char* changed_file = Map(2 * kPage, MAP_PRIVATE, file);
  char* shared_file = Map(2 * kPage, MAP_SHARED, file);
  std::strcpy(written + 2 * kPage, "third page");
  std::strcpy(hidden, "not readable");
  Must(mprotect(hidden, kPage, PROT_NONE) == 0, "mprotect");
  std::strcpy(advised, "secret");
  Must(madvise(advised, kPage, MADV_DONTDUMP) == 0, "madvise");
  std::strcpy(huge + kHuge / 2, "in the middle");
  std::strcpy(shared, "of everybody");
  std::strcpy(changed_file + kPage, "a copy");
  std::strcpy(shared_file + kPage, "in the file, too");

  int ends[2];
  Must(pipe(ends) == 0, "pipe");
  std::fflush(stdout);
  const pid_t child = Fork([&] {
    SetLimit(RLIMIT_CORE, RLIM_INFINITY);
    prctl(PR_SET_NAME, "the leader");
    static char* faulting;
    faulting = hidden;
    static int out;
    out = ends[1];
    pthread_t thread;
    pthread_create(
        &thread, nullptr,
        [](void*) -> void* {
          prctl(PR_SET_NAME, "who died");
          const pid_t tid = Tid();
          Must(write(out, &tid, sizeof tid) == sizeof tid, "write");
          *reinterpret_cast<volatile char*>(faulting) = 1;
          return nullptr;
        },
        nullptr);
    pthread_join(thread, nullptr);
    return 1;
  });
  pid_t tid;
  Must(read(ends[0], &tid, sizeof tid) == sizeof tid, "read");
  const int status = Wait(child);
  std::printf("a thread: %s%s\n", StatusText(status).c_str(),
              WCOREDUMP(status) ? " with a core" : "");
  ReadCore();
  const auto header = At<Elf64_Ehdr>(0);
  Must(std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0, "an ELF file");
  std::printf("type %d\n", header.e_type);
  ShowNotes(child, tid);
  ShowPage("first page", written);
  ShowPage("third page", written + 2 * kPage);
  ShowPage("not readable", hidden);
  ShowPage("never touched", untouched);
  ShowPage("MADV_DONTDUMP", advised);
  ShowPage("the middle of a huge one", huge + kHuge / 2);
  ShowPage("its beginning", huge);
  ShowPage("shared memory", shared);
  ShowPage("a private file", private_file);
  ShowPage("a private file that was written to", changed_file);
  ShowPage("its second page", changed_file + kPage);
  ShowPage("a shared file", shared_file);
  struct stat file_status;
  Must(stat("core", &file_status) == 0, "stat");
  Must(static_cast<size_t>(file_status.st_size) > kHuge, "longer than the huge mapping");
  Must(file_status.st_blocks < int64_t{kHuge / 2 / 512}, "but for what nobody touched");
  core = std::string();
  unlink("core");
}

void Filters() {
  char* page = Map(4096, MAP_PRIVATE | MAP_ANONYMOUS);
  char* shared = Map(4096, MAP_SHARED | MAP_ANONYMOUS);
  std::strcpy(page, "private");
  std::strcpy(shared, "shared");
  for (const char* filter : {"0x2", "1", "0", "0777"}) {
    WriteFile("/proc/self/coredump_filter", filter);
    std::printf("%s is %s", filter, FileText("/proc/self/coredump_filter"));
    Die("filtered", SIGABRT, Nothing);
    ReadCore();
    ShowPage("private memory", page);
    ShowPage("shared memory", shared);
    unlink("core");
  }
  const int file = open("/proc/self/coredump_filter", O_WRONLY);
  Show("no number", write(file, "x", 1));
  Show("too large", write(file, "0x100000000", 11));
  Show("a negative one", write(file, "-1", 2));
  close(file);
  WriteFile("/proc/self/coredump_filter", "0x33");
}

// What SIGCHLD says.
void ChildSignal() {
  Block({SIGCHLD});
  Die("SIGABRT", SIGABRT, Nothing);
  const sigset_t set = SetOf({SIGCHLD});
  siginfo_t info;
  Must(sigwaitinfo(&set, &info) == SIGCHLD, "SIGCHLD");
  std::printf("SIGCHLD: %s, status %d\n",
              info.si_code == CLD_DUMPED ? "CLD_DUMPED" : "another code", info.si_status);
  unlink("core");
}

}  // namespace

int main() {
  EnterScratchDirectory();
  // Whoever started it may have chosen another one.
  WriteFile("/proc/self/coredump_filter", "0x33");
  std::printf("core_pattern: %s", FileText("/proc/sys/kernel/core_pattern"));
  std::printf("core_uses_pid: %s", FileText("/proc/sys/kernel/core_uses_pid"));
  Signals();
  Limits();
  InTheWay();
  Contents();
  Filters();
  ChildSignal();
  return 0;
}
