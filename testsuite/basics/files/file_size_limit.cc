// file_size_limit: RLIMIT_FSIZE: what would make a file longer goes up to the limit; what has no
// byte left below it is EFBIG and sends SIGXFSZ, to the thread. Each call in a file in memory,
// whose rules no file system changes.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <string>

#include "testsuite/basics/check.h"

namespace {

volatile sig_atomic_t signals = 0, as_expected = 0;
constexpr rlim_t kLimit = 10000;

void Handle(int, siginfo_t* info, void*) {
  signals = signals + 1;
  as_expected = info->si_code == SI_USER && info->si_pid == getpid();
}

// The limit counts for what comes until the end of the scope: what is printed may go to a file,
// too.
class Limited {
 public:
  explicit Limited(rlim_t soft = kLimit) {
    Must(getrlimit(RLIMIT_FSIZE, &before_) == 0, "getrlimit");
    const rlimit limit = {soft, before_.rlim_max};
    Must(setrlimit(RLIMIT_FSIZE, &limit) == 0, "setrlimit");
  }
  ~Limited() { Must(setrlimit(RLIMIT_FSIZE, &before_) == 0, "setrlimit"); }

 private:
  rlimit before_;
};

int NewFile(off_t bytes) {
  const int file = memfd_create("file", MFD_ALLOW_SEALING);
  Must(file >= 0 && ftruncate(file, bytes) == 0, "memfd");
  return file;
}

off_t SizeOf(int file) {
  struct stat status;
  Must(fstat(file, &status) == 0, "fstat");
  return status.st_size;
}

template <typename Call>
void Try(const char* what, int file, Call call, rlim_t limit = kLimit) {
  signals = 0;
  long result;
  int error;
  {
    const Limited limited(limit);
    errno = 0;
    result = call();
    error = errno;
  }
  std::printf("%s: %s, %ld bytes, position %ld, %d signals%s\n", what,
              result >= 0 ? std::to_string(result).c_str() : ErrorName(error),
              static_cast<long>(SizeOf(file)), static_cast<long>(lseek(file, 0, SEEK_CUR)), signals,
              signals > 0 && !as_expected ? " that say something else" : "");
}

std::string bytes(100000, 'x');

void Writing() {
  std::puts("- writing");
  int file = NewFile(0);
  Try("write across", file, [&] { return write(file, bytes.data(), 20000); });
  Try("write at the limit", file, [&] { return write(file, bytes.data(), 1); });
  Try("write of nothing there", file, [&] { return write(file, bytes.data(), 0); });
  char* volatile nowhere = reinterpret_cast<char*>(8);
  Try("an inaccessible byte there", file, [&] { return write(file, nowhere, 1); });
  Must(lseek(file, 9990, SEEK_SET) == 9990, "lseek");
  Try("write over the last bytes", file, [&] { return write(file, bytes.data(), 30); });
  Try("pwrite below", file, [&] { return pwrite(file, bytes.data(), 10, 9990); });
  Try("pwrite across", file, [&] { return pwrite(file, bytes.data(), 100, 9990); });
  Try("pwrite beyond", file, [&] { return pwrite(file, bytes.data(), 100, 10001); });
  const iovec vectors[] = {{bytes.data(), 6}, {bytes.data(), 0}, {bytes.data(), 20}};
  Must(lseek(file, 9990, SEEK_SET) == 9990, "lseek");
  Try("writev across", file, [&] { return writev(file, vectors, 3); });
  Try("writev at the limit", file, [&] { return writev(file, vectors, 3); });
  Try("pwritev beyond", file, [&] { return pwritev(file, vectors, 3, 20000); });
  Try("pwritev2 that appends", file, [&] { return pwritev2(file, vectors, 3, 0, RWF_APPEND); });
  Must(fcntl(file, F_SETFL, O_APPEND) == 0, "fcntl");
  Try("appending", file, [&] { return pwrite(file, bytes.data(), 100, 5); });

  file = NewFile(50000);
  Try("within a file that is longer", file, [&] { return write(file, bytes.data(), 20000); });
  Try("and again", file, [&] { return write(file, bytes.data(), 20000); });
  Try(
      "limit 0", file, [&] { return pwrite(file, bytes.data(), 1, 0); }, 0);
  Try(
      "limit 1", file, [&] { return pwrite(file, bytes.data(), 2, 0); }, 1);
  Try(
      "a limit that is negative", file, [&] { return pwrite(file, bytes.data(), 2, 0); },
      rlim_t{1} << 63);
  Try(
      "the largest that is not", file, [&] { return pwrite(file, bytes.data(), 2, 0); },
      (rlim_t{1} << 63) - 1);
  Try(
      "no limit", file, [&] { return pwrite(file, bytes.data(), 2, 50000); }, RLIM_INFINITY);
  Try(
      "beyond what files can be", file, [&] { return pwrite(file, bytes.data(), 2, INT64_MAX); },
      RLIM_INFINITY);
}

void Resizing() {
  std::puts("- resizing");
  int file = NewFile(0);
  Try("ftruncate to the limit", file, [&] { return ftruncate(file, 10000); });
  Try("ftruncate beyond", file, [&] { return ftruncate(file, 10001); });
  Try("fallocate up to it", file, [&] { return fallocate(file, 0, 0, 10000); });
  Try("fallocate beyond", file, [&] { return fallocate(file, 0, 0, 10001); });
  Try("and of what is beyond alone", file, [&] { return fallocate(file, 0, 20000, 1); });
  Try("and keeping the size", file, [&] { return fallocate(file, FALLOC_FL_KEEP_SIZE, 20000, 1); });
  Try("and a hole", file,
      [&] { return fallocate(file, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 20000, 1); });
  Must(ftruncate(file, 50000) == 0, "ftruncate");
  Try("a long file, shorter", file, [&] { return ftruncate(file, 40000); });
  Try("a long file, as it is", file, [&] { return ftruncate(file, 40000); });
  Try("a long file, longer", file, [&] { return ftruncate(file, 40001); });
  Try("fallocate within a long file", file, [&] { return fallocate(file, 0, 20000, 20000); });
  Try("fallocate past a long file", file, [&] { return fallocate(file, 0, 20000, 20001); });
  Try(
      "a negative limit", file, [&] { return ftruncate(file, 40001); }, rlim_t{1} << 63);
  Must(fcntl(file, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) == 0, "seals");
  Try("sealed: ftruncate", file, [&] { return ftruncate(file, 60000); });
  Try("sealed: fallocate", file, [&] { return fallocate(file, 0, 0, 60000); });
  Must(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE) == 0, "seals");
  Try("sealed: write", file, [&] { return pwrite(file, bytes.data(), 2, 20000); });

  WriteFile("named", "abc");
  const int named = open("named", O_RDWR);
  Must(named >= 0, "open");
  Try("truncate to the limit", named, [&] { return truncate("named", 10000); });
  Try("truncate beyond", named, [&] { return truncate("named", 10001); });
  Try("write across, in a file with a name", named,
      [&] { return pwrite(named, bytes.data(), 20000, 0); });
  Try("O_TRUNC", named, [&] {
    const int again = open("named", O_WRONLY | O_TRUNC);
    close(again);
    return again >= 0 ? 0 : -1;
  });
}

void Moving() {
  std::puts("- moving");
  int ends[2];
  Must(pipe(ends) == 0 && fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) > 0, "pipe");
  const auto fill = [&](size_t count) {
    Must(write(ends[1], bytes.data(), count) == static_cast<ssize_t>(count), "fill");
  };
  const auto empty = [&] {
    static char sink[1 << 20];
    fill(1);
    return static_cast<long>(read(ends[0], sink, sizeof sink)) - 1;
  };
  int file = NewFile(0);
  fill(5000);
  Try("splice below", file, [&] { return splice(ends[0], nullptr, file, nullptr, 5000, 0); });
  fill(20000);
  Try("splice across", file, [&] { return splice(ends[0], nullptr, file, nullptr, 20000, 0); });
  std::printf("in the pipe: %ld\n", empty());
  fill(20000);
  Try("splice at the limit", file,
      [&] { return splice(ends[0], nullptr, file, nullptr, 20000, 0); });
  off_t offset = 9000;
  Try("splice with an offset", file,
      [&] { return splice(ends[0], nullptr, file, &offset, 1000, 0); });
  std::printf("the offset: %ld, in the pipe: %ld\n", static_cast<long>(offset), empty());

  const int source = NewFile(100000);
  file = NewFile(0);
  Try("sendfile across", file, [&] { return sendfile(file, source, nullptr, 100000); });
  std::printf("the source is at %ld\n", static_cast<long>(lseek(source, 0, SEEK_CUR)));
  Try("sendfile at the limit", file, [&] { return sendfile(file, source, nullptr, 100000); });
  offset = 7;
  Must(lseek(file, 9000, SEEK_SET) == 9000, "lseek");
  Try("sendfile with an offset", file, [&] { return sendfile(file, source, &offset, 1001); });
  std::printf("the offset: %ld\n", static_cast<long>(offset));
  Try("sendfile with an offset, at the limit", file,
      [&] { return sendfile(file, source, &offset, 1001); });
  std::printf("the offset: %ld\n", static_cast<long>(offset));
  offset = 100000;
  Try("sendfile from the end, at the limit", file,
      [&] { return sendfile(file, source, &offset, 10); });
  file = NewFile(0);
  Try(
      "sendfile of 70000 with a limit of 68000", file,
      [&] { return sendfile(file, source, nullptr, 70000); }, 68000);

  file = NewFile(0);
  Must(lseek(source, 0, SEEK_SET) == 0, "lseek");
  Try("copy_file_range across", file,
      [&] { return copy_file_range(source, nullptr, file, nullptr, 100000, 0); });
  Try("copy_file_range at the limit", file,
      [&] { return copy_file_range(source, nullptr, file, nullptr, 100000, 0); });
  off_t to = 10000;
  Try("copy_file_range of nothing", file,
      [&] { return copy_file_range(source, nullptr, file, &to, 0, 0); });
  offset = 100000;
  Try("copy_file_range from the end", file,
      [&] { return copy_file_range(source, &offset, file, &to, 10, 0); });
  to = 9990;
  Try("copy_file_range with offsets", file,
      [&] { return copy_file_range(source, nullptr, file, &to, 100, 0); });
  std::printf("the offset: %ld\n", static_cast<long>(to));
  file = NewFile(50000);
  offset = 9000;
  to = 9990;
  Try("copy_file_range in one file, which the limit keeps apart", file,
      [&] { return copy_file_range(file, &offset, file, &to, 1000, 0); });
}

void NotFiles() {
  std::puts("- no files");
  int ends[2];
  Must(pipe(ends) == 0, "pipe");
  const int null = open("/dev/null", O_WRONLY);
  long to_pipe, to_null;
  signals = 0;
  {
    const Limited limited(0);
    to_pipe = write(ends[1], "abc", 3);
    to_null = write(null, "abc", 3);
  }
  std::printf("pipe: %ld, null: %ld, signals: %d\n", to_pipe, to_null, signals);
}

void Signals() {
  std::puts("- the signal");
  const int file = NewFile(10000);
  sigset_t set, before;
  sigemptyset(&set);
  sigaddset(&set, SIGXFSZ);
  Must(sigprocmask(SIG_BLOCK, &set, &before) == 0, "sigprocmask");
  Try("blocked", file, [&] { return pwrite(file, "x", 1, 10000); });
  sigset_t pending;
  Must(sigpending(&pending) == 0, "sigpending");
  std::printf("pending: %d\n", sigismember(&pending, SIGXFSZ));
  Must(sigprocmask(SIG_SETMASK, &before, nullptr) == 0, "sigprocmask");
  std::printf("let through: %d\n", signals);
  signal(SIGXFSZ, SIG_IGN);
  Try("ignored", file, [&] { return pwrite(file, "x", 1, 10000); });
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_DFL);
    const rlimit none = {0, 0};
    Must(setrlimit(RLIMIT_CORE, &none) == 0, "setrlimit");
    const Limited limited;
    const char part = static_cast<char>(pwrite(file, bytes.data(), 5, 9999));
    Must(part == 1, "the part below the limit kills nobody");
    (void)!pwrite(file, "x", 1, 10000);
    _exit(7);
  }
  int status;
  Must(waitpid(child, &status, 0) == child, "waitpid");
  std::printf("by default: killed %d by SIGXFSZ %d\n", WIFSIGNALED(status),
              WTERMSIG(status) == SIGXFSZ);
}

}  // namespace

int main() {
  EnterScratchDirectory();
  struct sigaction action = {};
  action.sa_sigaction = Handle;
  action.sa_flags = SA_SIGINFO;
  Must(sigaction(SIGXFSZ, &action, nullptr) == 0, "sigaction");
  Writing();
  Resizing();
  Moving();
  NotFiles();
  Signals();
  return 0;
}
