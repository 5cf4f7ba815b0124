// proc_of_the_ended: what /proc says of a process that nobody has waited for, and of one whose
// first thread has ended while another goes on; and which calls still find them.
#include <dirent.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <set>
#include <sstream>

#include "testsuite/basics/tasks.h"

namespace {

pid_t process;

std::string Link(const std::string& path) {
  char target[4096];
  const ssize_t bytes = readlink(path.c_str(), target, sizeof target);
  return bytes < 0 ? ErrorName(errno) : std::string(target, static_cast<size_t>(bytes));
}

// What can be read of it; an error's name.
std::string Text(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::string("open ") + ErrorName(errno);
  std::string text(4096, '\0');
  const ssize_t bytes = read(fd, text.data(), text.size());
  close(fd);
  if (bytes < 0) return std::string("read ") + ErrorName(errno);
  text.resize(static_cast<size_t>(bytes));
  return text;
}

std::set<std::string> Names(const std::string& path) {
  std::set<std::string> names;
  DIR* directory = opendir(path.c_str());
  if (directory == nullptr) return {ErrorName(errno)};
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] != '.') names.insert(entry->d_name);
  }
  closedir(directory);
  return names;
}

void ShowEntries(const std::string& directory) {
  for (const char* name : {"auxv", "environ", "cmdline", "maps", "statm", "mounts", "mountinfo",
                           "comm", "coredump_filter"}) {
    std::printf("  %s: [%s]\n", name, Text(directory + "/" + name).c_str());
  }
  std::printf("  limits: %d\n", Text(directory + "/limits").rfind("Limit ", 0) == 0);
  for (const char* name : {"cwd", "exe", "root"}) {
    std::printf("  %s: %s\n", name, Link(directory + "/" + name).c_str());
  }
  for (const char* name : {"fd", "fdinfo"}) {
    const std::set<std::string> names = Names(directory + "/" + name);
    std::printf("  %s: %d\n", name, static_cast<int>(names.size()));
  }
  std::printf("  fd/0: %s\n", Link(directory + "/fd/0").c_str());
  std::printf("  tasks: %d\n", static_cast<int>(Names(directory + "/task").size()));

  std::string stat = Text(directory + "/stat");
  stat = stat.substr(stat.rfind(')') + 2);
  std::istringstream words(stat);
  std::string word;
  for (int i = 3; words >> word; ++i) {
    // The state; threads; sizes; addresses of code and stack.
    if (i == 3 || i == 20 || (i >= 23 && i <= 24) || (i >= 26 && i <= 28))
      std::printf("  stat %d: %s\n", i, word.c_str());
  }
  std::istringstream lines(Text(directory + "/status"));
  std::string line;
  while (std::getline(lines, line)) {
    for (const char* begin : {"Name", "Umask", "State", "FDSize", "Threads", "Vm"}) {
      if (line.rfind(begin, 0) == 0) std::printf("  %s\n", line.c_str());
    }
  }
}

void ShowCalls(pid_t pid) {
  Show("  kill", kill(pid, 0));
  Show("  tgkill", syscall(SYS_tgkill, pid, pid, 0));
  Show("  tgkill SIGUSR1", syscall(SYS_tgkill, pid, pid, SIGUSR1));
  Show("  tkill", syscall(SYS_tkill, pid, 0));
  cpu_set_t set;
  Show("  sched_getaffinity", sched_getaffinity(pid, sizeof set, &set));
  Show("  sched_getscheduler", sched_getscheduler(pid));
  errno = 0;
  Show("  getpriority", getpriority(PRIO_PROCESS, static_cast<id_t>(pid)));
  Show("  setpriority", setpriority(PRIO_PROCESS, static_cast<id_t>(pid), 19));
  std::printf("  its group: %d, its session: %d\n", getpgid(pid) == getpgrp(),
              getsid(pid) == getsid(0));
  void* head;
  size_t bytes;
  Show("  get_robust_list", syscall(SYS_get_robust_list, pid, &head, &bytes));
  rlimit limit;
  Show("  prlimit", prlimit(pid, RLIMIT_CPU, nullptr, &limit));
  for (const auto of_memory : {RLIMIT_STACK, RLIMIT_AS}) {
    Must(prlimit(pid, of_memory, nullptr, &limit) == 0, "prlimit");
    Show("  prlimit of its memory", prlimit(pid, of_memory, &limit, nullptr));
  }
  timespec time;
  Show("  its clock", clock_gettime(static_cast<clockid_t>(~pid * 8 | 2), &time));
}

std::string Directory(pid_t pid) { return "/proc/" + std::to_string(pid); }

char StateOf(pid_t tid) {
  const std::string text = Text(Directory(process) + "/task/" + std::to_string(tid) + "/stat");
  const size_t end = text.rfind(')');
  Must(end != std::string::npos, "stat");
  return text[end + 2];
}

void* GoOn(void*) {
  while (StateOf(process) != 'Z') sched_yield();
  std::printf("the first thread has ended\n");
  ShowEntries(Directory(process));
  std::printf("as a task\n");
  ShowEntries(Directory(process) + "/task/" + std::to_string(process));
  std::printf("self\n");
  ShowEntries("/proc/self");
  ShowCalls(process);
  timespec time;
  Show("  the thread's clock", clock_gettime(static_cast<clockid_t>(~process * 8 | 6), &time));
  const std::string own = Directory(process) + "/task/" + std::to_string(Tid());
  std::printf("the other thread: %c, arguments %d, descriptors %d, program %d\n", StateOf(Tid()),
              !Text(own + "/cmdline").empty(), Names(own + "/fd").count("0") == 1,
              Link(own + "/exe")[0] == '/');
  std::fflush(stdout);
  _exit(3);
}

}  // namespace

int main() {
  EnterScratchDirectory();
  std::fclose(stdin);
  Must(open("/dev/null", O_RDONLY) == 0, "open");
  Must(pthread_setname_np(pthread_self(), "a name") == 0, "pthread_setname_np");
  const pid_t zombie = Fork([] { return 5; });
  siginfo_t info;
  Must(waitid(P_PID, static_cast<id_t>(zombie), &info, WEXITED | WNOWAIT) == 0, "waitid");
  std::printf("a zombie\n");
  ShowEntries(Directory(zombie));
  std::printf("its task\n");
  ShowEntries(Directory(zombie) + "/task/" + std::to_string(zombie));
  ShowCalls(zombie);
  const int name = open((Directory(zombie) + "/comm").c_str(), O_WRONLY | O_CLOEXEC);
  Must(name >= 0, "comm");
  Show("a name from outside", write(name, "other", 5));
  ShowEnd("the zombie", zombie);
  Show("a name for nobody", write(name, "other", 5));
  std::printf("gone: %s\n", Link(Directory(zombie) + "/exe").c_str());

  ShowEnd("the process", Fork([] {
            process = getpid();
            pthread_t thread;
            Must(pthread_create(&thread, nullptr, GoOn, nullptr) == 0, "pthread_create");
            syscall(SYS_exit, 9);
            return 1;
          }));
  return 0;
}
