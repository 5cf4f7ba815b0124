// waiting_options: waitpid, wait4 and waitid: whom one waits for and for what, what one is told,
// what is left afterwards, and the errors and their order.
#include <sys/resource.h>
#include <sys/wait.h>

#include "testsuite/basics/tasks.h"

namespace {

const char* CodeName(int code) {
  switch (code) {
    case CLD_EXITED:
      return "CLD_EXITED";
    case CLD_KILLED:
    case CLD_DUMPED:  // Whether there is a core is the host's business.
      return "CLD_KILLED";
    case CLD_STOPPED:
      return "CLD_STOPPED";
    case CLD_CONTINUED:
      return "CLD_CONTINUED";
    default:
      return "another code";
  }
}

void Ask(const char* what, idtype_t type, pid_t id, int options) {
  siginfo_t info;
  memset(&info, 0x55, sizeof info);
  const int result = waitid(type, static_cast<id_t>(id), &info, options);
  if (result != 0) {
    std::printf("%s: %s\n", what, ErrorName(errno));
  } else if (info.si_pid == 0) {
    std::printf("%s: nobody yet, signal %d\n", what, info.si_signo);
  } else {
    std::printf("%s: %s %s %d, uid %d\n", what, info.si_signo == SIGCHLD ? "SIGCHLD" : "?",
                CodeName(info.si_code), info.si_status, info.si_uid == getuid());
  }
}

void AskPid(const char* what, pid_t pid, int options) {
  int status = 0;
  const pid_t result = waitpid(pid, &status, options);
  if (result > 0) {
    std::printf("%s: %s\n", what, StatusText(status).c_str());
  } else {
    std::printf("%s: %s\n", what, result == 0 ? "nobody yet" : ErrorName(errno));
  }
}

}  // namespace

int main() {
  DropRoot();
  Ask("no children", P_ALL, 0, WEXITED);
  AskPid("no children", -1, WNOHANG);
  Gate gate;
  pid_t child = Fork([&] {
    gate.Pass();
    return 5;
  });
  AskPid("runs", child, WNOHANG);
  Ask("runs", P_PID, child, WEXITED | WNOHANG);
  Ask("runs, stopped or continued", P_PID, child, WSTOPPED | WCONTINUED | WNOHANG);
  AskPid("in my group", 0, WNOHANG);
  AskPid("in a group of its own", -child, WNOHANG);
  Ask("in my group", P_PGID, getpgrp(), WEXITED | WNOHANG);
  Ask("in my group, said by 0", P_PGID, 0, WEXITED | WNOHANG);
  Ask("in another group", P_PGID, child, WEXITED | WNOHANG);
  AskPid("somebody else's child", getppid(), WNOHANG);
  AskPid("oneself", getpid(), 0);
  AskPid("made by clone without SIGCHLD", child, WNOHANG | __WCLONE);
  AskPid("any kind", child, WNOHANG | __WALL);
  gate.Open();
  Ask("looked at", P_PID, child, WEXITED | WNOWAIT);
  Ask("looked at again", P_ALL, 0, WEXITED | WNOWAIT | WNOHANG);
  Ask("a zombie is not stopped", P_PID, child, WSTOPPED | WNOHANG);
  Show("a zombie can be sent signals", kill(child, SIGKILL));
  Show("its group", getpgid(child) == getpgrp() ? 0 : -1);
  rusage usage;
  memset(&usage, 0x55, sizeof usage);
  int status = 0;
  Must(wait4(child, &status, 0, &usage) == child, "wait4");
  std::printf("taken: %s, usage %d\n", StatusText(status).c_str(),
              usage.ru_utime.tv_sec >= 0 && usage.ru_utime.tv_sec < 100 && usage.ru_nsignals == 0);
  AskPid("taken twice", child, 0);
  Show("it has gone", kill(child, 0));

  child = Fork([] { return raise(SIGKILL); });
  Ask("killed", P_ALL, 0, WEXITED);
  child = Fork([] {
    signal(SIGSEGV, SIG_DFL);
    return raise(SIGSEGV);
  });
  AskPid("killed by SIGSEGV", 0, 0);
  child = Fork([] { return 0x1234 & 0xff; });
  Ask("the low byte", P_PGID, getpgrp(), WEXITED);
  child = Fork([]() -> int { exit(-1); });
  AskPid("exit -1", -1, 0);

  // Stopped and continued: each is told once.
  child = Fork([&] {
    raise(SIGSTOP);
    gate.Pass();
    return 6;
  });
  Ask("stopped, looked at", P_PID, child, WSTOPPED | WNOWAIT);
  AskPid("stopped", child, WUNTRACED);
  AskPid("told once", child, WUNTRACED | WNOHANG);
  Must(kill(child, SIGCONT) == 0, "kill");
  Ask("continued, looked at", P_PID, child, WCONTINUED | WNOWAIT);
  Ask("continued", P_PID, child, WCONTINUED);
  AskPid("told once", child, WCONTINUED | WNOHANG);
  Must(kill(child, SIGSTOP) == 0, "kill");
  AskPid("not to whoever asks for ends", child, WNOHANG);
  Ask("stopped again", P_ALL, 0, WSTOPPED | WEXITED);
  Must(kill(child, SIGCONT) == 0, "kill");
  AskPid("continued", child, WCONTINUED | WUNTRACED);
  gate.Open();
  AskPid("exits", child, WCONTINUED | WUNTRACED);

  // A child that tells nobody when it ends is waited for with __WCLONE or __WALL.
  for (const int options : {static_cast<int>(__WCLONE), __WALL}) {
    std::fflush(stdout);
    const auto silent = static_cast<pid_t>(syscall(SYS_clone, 0, 0, 0, 0, 0));
    if (silent == 0) _exit(8);
    AskPid("a silent child, as others", silent, 0);
    AskPid("a silent child", silent, options);
  }

  Show("waitpid, unknown option", waitpid(-1, nullptr, 0x100));
  Show("waitpid, WEXITED", waitpid(-1, nullptr, WEXITED));
  Show("waitpid, no such process and unknown option", waitpid(0x3ffffff, nullptr, 0x100));
  Show("waitpid, the least number", waitpid(INT32_MIN, nullptr, 0));
  siginfo_t info;
  Show("waitid, nothing to wait for", waitid(P_ALL, 0, &info, WNOHANG));
  Show("waitid, unknown option", waitid(P_ALL, 0, &info, WEXITED | 0x100));
  Show("waitid, unknown kind", waitid(static_cast<idtype_t>(9), 0, &info, WEXITED));
  Show("waitid, pid 0", waitid(P_PID, 0, &info, WEXITED));
  Show("waitid, pid -1", waitid(P_PID, static_cast<id_t>(-1), &info, WEXITED));
  Show("waitid, group -1", waitid(P_PGID, static_cast<id_t>(-1), &info, WEXITED));
  child = Fork([] { return 0; });
  Ask("wait for its end", P_PID, child, WEXITED | WNOWAIT);
  Show("wait4, status out of reach", syscall(SYS_wait4, child, 8, 0, nullptr));
  Show("it is taken all the same", waitpid(child, nullptr, 0));
  child = Fork([] { return 0; });
  Ask("wait for its end", P_PID, child, WEXITED | WNOWAIT);
  Show("waitid, info out of reach",
       waitid(P_PID, static_cast<id_t>(child), reinterpret_cast<siginfo_t*>(8), WEXITED));
  Show("it is taken all the same", waitpid(child, nullptr, 0));
  child = Fork([] { return 0; });
  Show("waitid without info", waitid(P_PID, static_cast<id_t>(child), nullptr, WEXITED));
  return 0;
}
