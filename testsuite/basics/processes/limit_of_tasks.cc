// limit_of_tasks: RLIMIT_NPROC: a user with so many tasks gets no more, be they processes or
// threads; and setgroups(2), which is for the privileged.
#include <grp.h>
#include <pthread.h>
#include <sys/resource.h>

#include "testsuite/basics/check.h"
#include "testsuite/basics/tasks.h"

namespace {

void* Nothing(void*) { return nullptr; }

void Try(const char* what) {
  std::printf("%s\n", what);
  const pid_t child = fork();
  if (child == 0) _exit(3);
  if (child < 0) {
    std::printf("  fork: %s\n", ErrorName(errno));
  } else {
    ShowEnd("  fork", child);
  }
  pthread_t thread;
  const int error = pthread_create(&thread, nullptr, Nothing, nullptr);
  std::printf("  a thread: %s\n", error == 0 ? "ok" : ErrorName(error));
  if (error == 0) pthread_join(thread, nullptr);
}

void SetSoft(rlim_t soft, rlim_t hard) {
  const rlimit limit = {soft, hard};
  Must(setrlimit(RLIMIT_NPROC, &limit) == 0, "setrlimit");
  std::fflush(stdout);
}

}  // namespace

int main() {
  // Root's real user is never limited, whatever its effective one is. Nobody else is this user.
  constexpr uid_t kUser = 54321;
  if (getuid() == 0) Must(setresuid(kUser, kUser, kUser) == 0, "setresuid");
  rlimit before;
  Must(getrlimit(RLIMIT_NPROC, &before) == 0, "getrlimit");
  Try("as it was");
  SetSoft(0, before.rlim_max);
  Try("none");
  SetSoft(1, before.rlim_max);
  Try("one, and that is this one");
  SetSoft(before.rlim_cur, before.rlim_max);
  Try("as it was");

  const gid_t groups[2] = {1, 2};
  Show("setgroups", setgroups(2, groups));
  Show("setgroups of none", setgroups(0, nullptr));
  Show("setgroups of too many", setgroups(1 << 20, nullptr));
  return 0;
}
