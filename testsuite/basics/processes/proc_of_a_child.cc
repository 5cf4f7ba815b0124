// proc_of_a_child: what /proc says of another process: its state while it waits, is stopped, is a
// zombie, has gone; its parent, name, arguments, descriptors, directory.
#include <dirent.h>
#include <sys/prctl.h>

#include <set>
#include <sstream>

#include "testsuite/basics/tasks.h"

namespace {

std::string Path(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

// The fields of stat from the state on: state, parent, group, session.
std::string Stat(pid_t pid, int field) {
  const std::string text = FileText(Path(pid, "stat").c_str());
  const size_t end = text.rfind(')');
  if (end == std::string::npos) return text;
  std::istringstream words(text.substr(end + 2));
  std::string word;
  for (int i = 0; i <= field; ++i) words >> word;
  return word;
}

std::string Line(pid_t pid, const char* name) {
  std::istringstream lines(FileText(Path(pid, "status").c_str()));
  std::string line;
  while (std::getline(lines, line)) {
    if (line.rfind(name, 0) == 0) return line.substr(strlen(name));
  }
  return "none";
}

std::string Link(const std::string& path) {
  char target[4096];
  const ssize_t bytes = readlink(path.c_str(), target, sizeof target);
  return bytes < 0 ? ErrorName(errno) : std::string(target, static_cast<size_t>(bytes));
}

bool Listed(pid_t pid) {
  DIR* directory = opendir("/proc");
  Must(directory != nullptr, "opendir");
  bool found = false;
  while (const dirent* entry = readdir(directory)) {
    found |= entry->d_name == std::to_string(pid);
  }
  closedir(directory);
  return found;
}

}  // namespace

int main() {
  EnterScratchDirectory();
  Must(mkdir("below", 0700) == 0, "mkdir");
  Gate gate;
  const pid_t child = Fork([&] {
    Must(prctl(PR_SET_NAME, "a (child) x") == 0 && chdir("below") == 0, "PR_SET_NAME, chdir");
    Must(open("../file", O_RDWR | O_CREAT, 0600) >= 0 && dup2(1, 40) == 40, "open");
    Block({SIGUSR1});
    Handle(SIGUSR2, SIG_IGN);
    gate.Open();
    pause();
    return 0;
  });
  gate.Pass();
  UntilProcessAsleep(child);
  std::printf("waits: %s, parent %d, group %d, session %d\n", Stat(child, 0).c_str(),
              Stat(child, 1) == std::to_string(getpid()),
              Stat(child, 2) == std::to_string(getpgrp()),
              Stat(child, 3) == std::to_string(getsid(0)));
  std::printf("comm: %s", FileText(Path(child, "comm").c_str()));
  std::printf("status: name%s, state%s, threads%s\n", Line(child, "Name:").c_str(),
              Line(child, "State:").c_str(), Line(child, "Threads:").c_str());
  std::printf("  tgid %d, parent %d\n", std::atoi(Line(child, "Tgid:").c_str()) == child,
              std::atoi(Line(child, "PPid:").c_str()) == getpid());
  // What the program began with may be ignored, too.
  const uint64_t ignored = std::strtoull(Line(child, "SigIgn:").c_str(), nullptr, 16);
  std::printf("  blocked%s, ignored %d %d\n", Line(child, "SigBlk:").c_str(),
              (ignored >> (SIGUSR2 - 1) & 1) != 0, (ignored >> (SIGUSR1 - 1) & 1) != 0);
  std::printf("program: %d, directory: %d, descriptor: %d\n",
              Link(Path(child, "exe")) == Link("/proc/self/exe"),
              Link(Path(child, "cwd")) == std::string(ScratchDirectory()) + "/below",
              Link(Path(child, "fd/40")) == Link("/proc/self/fd/1"));
  std::printf("not open there: %s\n", Link(Path(child, "fd/41")).c_str());
  std::printf("same arguments: %d\n", std::string(FileText(Path(child, "cmdline").c_str())) ==
                                          std::string(FileText("/proc/self/cmdline")));
  std::printf("listed: %d, its task: %s\n", Listed(child),
              Link(Path(child, ("task/" + std::to_string(child) + "/cwd").c_str())) ==
                      Link(Path(child, "cwd"))
                  ? "the same"
                  : "another");
  Must(kill(child, SIGUSR1) == 0 && kill(child, SIGSTOP) == 0, "kill");
  Must(WIFSTOPPED(Wait(child, WUNTRACED)), "stopped");
  std::printf("stopped: %s, pending%s\n", Stat(child, 0).c_str(), Line(child, "ShdPnd:").c_str());
  Must(kill(child, SIGKILL) == 0, "kill");
  siginfo_t info;
  Must(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0, "waitid");
  const std::string arguments = FileText(Path(child, "cmdline").c_str());
  std::printf("zombie: %s, parent %d, state%s, program %s, arguments [%s]\n",
              Stat(child, 0).c_str(), Stat(child, 1) == std::to_string(getpid()),
              Line(child, "State:").c_str(), Link(Path(child, "exe")).c_str(), arguments.c_str());
  const int kept = open(Path(child, "stat").c_str(), O_RDONLY);
  ShowEnd("the child", child);
  std::printf("gone: %s, listed: %d\n", FileText(Path(child, "stat").c_str()), Listed(child));
  char byte;
  Show("what was opened before", read(kept, &byte, 1));
  return 0;
}
