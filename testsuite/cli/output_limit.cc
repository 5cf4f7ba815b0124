// output_limit: RLIMIT_FSIZE where stdout is a file of the host's. Says on stderr what each call
// gave. (basics/files/file_size_limit is about files of the guest's own.)
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include <string>

#include "testsuite/basics/check.h"

namespace {

volatile sig_atomic_t signals = 0;
void Count(int) { signals = signals + 1; }

// Told at the end: stderr may be a file, too.
std::string report;

void Say(const char* what, long result) {
  report += std::string(what) + ": " + (result >= 0 ? std::to_string(result) : ErrorName(errno)) +
            ", " + std::to_string(signals) + " signals";
  struct stat status;
  Must(fstat(1, &status) == 0, "fstat");
  if (S_ISREG(status.st_mode)) report += ", " + std::to_string(status.st_size) + " bytes";
  report += '\n';
  signals = 0;
}

}  // namespace

int main(int count, char**) {
  char bytes[200];
  std::memset(bytes, 'x', sizeof bytes);
  const int from = memfd_create("from", 0);
  Must(from >= 0 && write(from, bytes, 50) == 50, "memfd");
  rlimit before, limit;
  Must(getrlimit(RLIMIT_FSIZE, &before) == 0, "getrlimit");
  limit = before;
  limit.rlim_cur = 100;
  Must(setrlimit(RLIMIT_FSIZE, &limit) == 0, "setrlimit");
  if (count > 1) {  // The signal's own action.
    Must(write(1, bytes, 200) == 100, "write");
    return static_cast<int>(write(1, bytes, 1));
  }
  struct sigaction action = {};
  action.sa_handler = Count;
  Must(sigaction(SIGXFSZ, &action, nullptr) == 0, "sigaction");
  Say("within", write(1, bytes, 60));
  Say("across", write(1, bytes, 60));
  Say("at the limit", write(1, bytes, 1));
  Say("nothing there", write(1, bytes, 0));
  lseek(1, 90, SEEK_SET);
  const iovec two[] = {{bytes, 6}, {bytes, 6}};
  Say("writev across", writev(1, two, 2));
  Say("writev at the limit", writev(1, two, 2));
  Say("pwrite across", pwrite(1, bytes, 10, 95));
  Say("pwrite beyond", pwrite(1, bytes, 10, 100));
  Say("ftruncate to it", ftruncate(1, 100));
  Say("ftruncate beyond", ftruncate(1, 101));
  Say("ftruncate to fewer", ftruncate(1, 70));
  lseek(1, 70, SEEK_SET);
  off_t at = 0;
  Say("sendfile across", sendfile(1, from, &at, 50));
  Say("sendfile at the limit", sendfile(1, from, &at, 10));
  Must(setrlimit(RLIMIT_FSIZE, &before) == 0, "setrlimit");
  std::fputs(report.c_str(), stderr);
  return 0;
}
