// identity: what a thread is called: its ids, who can be asked by them, its directory in /proc and
// its name; and what threads of a process have in common: parent, group, session, limits,
// directory, mask of new files, descriptors.
#include <dirent.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <set>
#include <thread>

#include "testsuite/basics/tasks.h"

namespace {

std::set<pid_t> Tasks() {
  std::set<pid_t> tasks;
  DIR* directory = opendir("/proc/self/task");
  Must(directory != nullptr, "opendir");
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] != '.') tasks.insert(std::atoi(entry->d_name));
  }
  closedir(directory);
  return tasks;
}

std::string NameOf(pid_t tid) {
  return FileText(("/proc/self/task/" + std::to_string(tid) + "/comm").c_str());
}

int Tgkill(pid_t process, pid_t thread, int signal) {
  return static_cast<int>(syscall(SYS_tgkill, process, thread, signal));
}

}  // namespace

int main() {
  EnterScratchDirectory();
  const pid_t process = getpid();
  std::printf("the first thread's id is the process's: %d\n", Tid() == process);
  std::printf("one task: %d\n", Tasks() == std::set<pid_t>{process});
  Gate begun, end;
  pid_t tid = 0;
  std::thread thread([&] {
    tid = Tid();
    Must(getpid() == process && tid != process, "ids");
    Must(getpgid(0) == getpgid(process) && getsid(0) == getsid(process), "group and session");
    Must(getpgid(tid) == getpgid(process), "by the thread's id too");
    Must(pthread_setname_np(pthread_self(), "a thread") == 0, "pthread_setname_np");
    std::printf("too long a name: %s\n",
                ErrorName(pthread_setname_np(pthread_self(), "sixteen letters!")));
    const rlimit limit = {40, 50};
    Must(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
    Must(mkdir("below", 0700) == 0 && chdir("below") == 0, "chdir");
    umask(077);
    Must(dup2(1, 33) == 33, "dup2");
    begun.Open();
    end.Pass();
  });
  const pthread_t handle = thread.native_handle();
  begun.Pass();
  std::printf("two tasks: %d\n", Tasks() == std::set<pid_t>{process, tid});
  char name[16];
  Must(pthread_getname_np(handle, name, sizeof name) == 0, "pthread_getname_np");
  std::printf("its name: %s, %s", name, NameOf(tid).c_str());
  std::printf("no room for the name: %s\n", ErrorName(pthread_getname_np(handle, name, 8)));
  Must(prctl(PR_SET_NAME, "a name of more than sixteen") == 0, "PR_SET_NAME");
  std::printf("mine: %s", NameOf(process).c_str());
  WriteFile(("/proc/self/task/" + std::to_string(tid) + "/comm").c_str(), "renamed");
  std::printf("its new name: %s", NameOf(tid).c_str());
  rlimit limit;
  Must(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
  std::printf("its limits are mine: %d %d\n", static_cast<int>(limit.rlim_cur),
              static_cast<int>(limit.rlim_max));
  std::printf("its directory and mask are mine: %d %o\n", access("../below", F_OK), umask(022));
  std::printf("its descriptors are mine: %d\n", fcntl(33, F_GETFD));

  Show("tgkill", Tgkill(process, tid, 0));
  Show("tgkill, another process", Tgkill(1, tid, 0));
  Show("tgkill, process 0", Tgkill(0, tid, 0));
  Show("tgkill, thread -1", Tgkill(process, -1, 0));
  Show("tgkill, signal 65", Tgkill(process, tid, 65));
  Show("tkill", static_cast<int>(syscall(SYS_tkill, tid, 0)));
  Show("tkill, 0", static_cast<int>(syscall(SYS_tkill, 0, 0)));
  Show("kill finds a process by any thread", kill(tid, 0));
  errno = 0;  // A niceness may be negative.
  (void)getpriority(PRIO_PROCESS, static_cast<id_t>(tid));
  Show("getpriority by a thread's id", errno == 0 ? 0 : -1);
  Must(chdir("..") == 0, "chdir");
  end.Open();
  thread.join();
  while (Tasks().size() > 1) sched_yield();  // It is joined a little before it has gone.
  Show("tgkill afterwards", Tgkill(process, tid, 0));
  Show("tkill afterwards", static_cast<int>(syscall(SYS_tkill, tid, 0)));
  return 0;
}
