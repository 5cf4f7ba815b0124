// credentials_of_root: what root's capabilities do, thread by thread: what changing ids makes of
// them, with and without PR_SET_KEEPCAPS; that they and not the number let one do things; that
// execve gives them back to root. What is expected was printed by Linux 6.18 for root (as whom no
// test runs there).
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <thread>

#include "testsuite/basics/tasks.h"

namespace {

void ShowOwn(const char* what) {
  uid_t ids[3];
  Must(syscall(SYS_getresuid, &ids[0], &ids[1], &ids[2]) == 0, "getresuid");
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2];
  Must(syscall(SYS_capget, &header, data) == 0, "capget");
  std::printf("%s: %u %u %u, file system %ld, effective %08x, permitted %08x\n", what, ids[0],
              ids[1], ids[2], syscall(SYS_setfsuid, -1), data[0].effective, data[0].permitted);
}

long SetCapabilities(uint32_t effective, uint32_t permitted) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {{effective, permitted, 0}, {0, 0, 0}};
  return syscall(SYS_capset, &header, data);
}
constexpr uint32_t Bit(int capability) { return uint32_t{1} << capability; }

// In a thread of its own, whose credentials end with it.
template <typename Body>
void Apart(const char* what, Body body) {
  std::printf("- %s\n", what);
  std::thread(body).join();
  ShowOwn("the first thread");
}

long SetUid(uid_t id) { return syscall(SYS_setuid, id); }
long SetResUid(uid_t real, uid_t effective, uid_t saved) {
  return syscall(SYS_setresuid, real, effective, saved);
}
constexpr uid_t kKeep = -1;

void Open(const char* what) {
  const int file = open("/pollux_of_root", O_WRONLY);
  Show(what, file);
  if (file >= 0) close(file);
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1) {
    ShowOwn(arguments[1]);
    return 0;
  }
  // A container's root may lack it.
  Must(prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE) == 0, "PR_CAPBSET_DROP");
  constexpr uint32_t kAll = ~Bit(CAP_SYS_RESOURCE);
  Must(SetCapabilities(kAll, kAll) == 0, "capset");
  ShowOwn("at first");
  Apart("setuid", [] {
    Show("setuid", SetUid(5));
    ShowOwn("then");
    Show("back", SetUid(0));
    std::printf("dumpable: %d\n", prctl(PR_GET_DUMPABLE));
  });
  Apart("the effective one alone", [] {
    Show("setresuid", SetResUid(kKeep, 5, kKeep));
    ShowOwn("then");
    Show("back", SetResUid(kKeep, 0, kKeep));
    ShowOwn("and back");
  });
  Apart("setreuid", [] {
    Show("setreuid", syscall(SYS_setreuid, 5, 6));
    ShowOwn("then");
  });
  Apart("keeping capabilities", [] {
    Must(prctl(PR_SET_KEEPCAPS, 1) == 0, "PR_SET_KEEPCAPS");
    Show("setuid", SetUid(5));
    ShowOwn("then");
    Show("setuid to another", SetUid(6));
    Show("capset", SetCapabilities(Bit(CAP_SETUID), Bit(CAP_SETUID)));
    Show("setuid to another", SetUid(6));
    ShowOwn("then");
    Show("more of them", SetCapabilities(Bit(CAP_KILL), Bit(CAP_KILL)));
  });
  Apart("file system's", [] {
    std::printf("setfsuid: %ld\n", syscall(SYS_setfsuid, 5));
    ShowOwn("then");
    std::printf("back: %ld\n", syscall(SYS_setfsuid, 0));
    ShowOwn("and back");
  });
  Apart("groups change no capabilities", [] {
    Show("setresgid", syscall(SYS_setresgid, 5, 6, 7));
    ShowOwn("then");
    gid_t ids[3];
    Must(syscall(SYS_getresgid, &ids[0], &ids[1], &ids[2]) == 0, "getresgid");
    std::printf("groups %u %u %u\n", ids[0], ids[1], ids[2]);
  });
  std::printf("the first thread's group: %u\n", getegid());

  std::puts("- what capabilities are for");
  unlink("/pollux_of_root");
  const int made = open("/pollux_of_root", O_CREAT | O_WRONLY, 0);
  Must(made >= 0 && close(made) == 0, "open");
  std::thread([] {
    Open("a file of mode 0");
    Must(SetCapabilities(0, Bit(CAP_DAC_OVERRIDE)) == 0, "capset");
    Open("without capabilities");
    Must(SetCapabilities(Bit(CAP_DAC_OVERRIDE), Bit(CAP_DAC_OVERRIDE)) == 0, "capset");
    Open("with CAP_DAC_OVERRIDE");
    Show("chown without CAP_CHOWN", chown("/pollux_of_root", 7, 7));
    Show("setuid without CAP_SETUID", SetUid(5));
    Show("setgid without CAP_SETGID", syscall(SYS_setgid, 5));
    Show("setpriority without CAP_SYS_NICE", setpriority(PRIO_PROCESS, 0, -5));
    rlimit limit;
    Must(getrlimit(RLIMIT_CORE, &limit) == 0, "getrlimit");
    limit.rlim_max = 1000;
    limit.rlim_cur = 0;
    Must(setrlimit(RLIMIT_CORE, &limit) == 0, "setrlimit");
    limit.rlim_max = 2000;
    Show("setrlimit without CAP_SYS_RESOURCE", setrlimit(RLIMIT_CORE, &limit));
    const pid_t other = Fork([] {
      pause();
      return 0;
    });
    Must(SetResUid(kKeep, kKeep, kKeep) == 0, "setresuid");
    Show("kill of root's by root", kill(other, 0));
    Must(kill(other, SIGKILL) == 0, "kill");
    Wait(other);
  }).join();
  std::thread([] {
    Must(SetResUid(kKeep, 5, kKeep) == 0, "setresuid");
    Open("a file of root's");
    Show("chmod of a file of root's", chmod("/pollux_of_root", 0600));
  }).join();
  std::thread([] {
    const pid_t other = Fork([] {
      pause();
      return 0;
    });
    Must(prctl(PR_SET_KEEPCAPS, 1) == 0 && SetUid(5) == 0, "setuid");
    Show("kill of root's by another", kill(other, 0));
    Must(SetCapabilities(Bit(CAP_KILL), Bit(CAP_KILL)) == 0, "capset");
    Show("with CAP_KILL", kill(other, SIGKILL));
    Wait(other);
  }).join();
  Must(unlink("/pollux_of_root") == 0, "unlink");

  std::puts("- executing");
  const auto execute = [&](const char* what, auto prepare) {
    const pid_t child = Fork([&] {
      prepare();
      execl("/proc/self/exe", arguments[0], what, nullptr);
      Must(false, "execl");
      return 1;
    });
    Wait(child);
  };
  execute("root without capabilities", [] { Must(SetCapabilities(0, 0) == 0, "capset"); });
  execute("the same, without new privileges", [] {
    Must(SetCapabilities(0, 0) == 0, "capset");
    Must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS");
  });
  execute("another with capabilities",
          [] { Must(prctl(PR_SET_KEEPCAPS, 1) == 0 && SetUid(5) == 0, "setuid"); });
  execute("root by its real id alone", [] { Must(SetResUid(0, 5, 5) == 0, "setresuid"); });
  execute("by another thread", [&] {
    std::thread([&] {
      Must(SetResUid(4, 5, 6) == 0, "setresuid");
      execl("/proc/self/exe", arguments[0], "another thread's", nullptr);
    }).join();
  });
  return 0;
}
