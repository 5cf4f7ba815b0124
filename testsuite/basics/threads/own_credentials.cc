// own_credentials: who a process is and what it may do belongs to each of its threads: a bare
// system call changes the calling one's alone. A new thread and a new process begin with those of
// the thread that made them. capget, capset and prctl's options about capabilities, as far as they
// let somebody without any.
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>

#include <thread>

#include "testsuite/basics/tasks.h"

namespace {

constexpr uint32_t kVersion1 = 0x19980330, kVersion2 = 0x20071026, kVersion3 = 0x20080522;

using Header = __user_cap_header_struct;
using Data = __user_cap_data_struct;

long Get(Header* header, Data* data) { return syscall(SYS_capget, header, data); }
long Set(Header* header, const Data* data) { return syscall(SYS_capset, header, data); }

void ShowOwn(const char* what) {
  Header header = {kVersion3, 0};
  Data data[2] = {};
  Must(Get(&header, data) == 0, "capget");
  std::printf("%s: effective %x %x, permitted %x %x, inheritable %x %x\n", what, data[0].effective,
              data[1].effective, data[0].permitted, data[1].permitted, data[0].inheritable,
              data[1].inheritable);
}

void Getting() {
  std::puts("- capget");
  ShowOwn("own");
  Data data[2];
  for (const uint32_t version : {kVersion1, kVersion2, kVersion3}) {
    std::memset(data, 0xaa, sizeof data);
    Header header = {version, 0};
    std::printf("version %x: ", version);
    Show("capget", Get(&header, data));
    std::printf("  written: %d %d\n", data[0].permitted != 0xaaaaaaaa,
                data[1].permitted != 0xaaaaaaaa);
  }
  Header header = {1, 0};
  Show("another version", Get(&header, data));
  std::printf("  which is told: %x\n", header.version);
  header = {0, -1};
  Show("another version, to nowhere", Get(&header, nullptr));
  std::printf("  which is told: %x\n", header.version);
  header = {kVersion3, 0};
  Show("to nowhere", Get(&header, nullptr));
  Show("to a bad address", Get(&header, reinterpret_cast<Data*>(8)));
  Show("no header", Get(nullptr, data));
  header = {kVersion3, -1};
  Show("of -1", Get(&header, data));
  Show("of -1, to nowhere", Get(&header, nullptr));
  header = {kVersion3, 0x3ffffff};
  Show("of nobody", Get(&header, data));
  header = {kVersion3, getpid()};
  Show("of the process", Get(&header, data));
  header = {kVersion3, getppid()};
  Data others[2] = {};
  header.pid = Tid();
  Show("of the thread", Get(&header, others));
}

void Setting() {
  std::puts("- capset");
  Header header = {kVersion3, 0};
  Data data[2] = {};
  Show("none", Set(&header, data));
  header.pid = getpid();
  Show("of oneself", Set(&header, data));
  header.pid = getppid();
  Show("of another", Set(&header, data));
  header.pid = -1;
  Show("of -1", Set(&header, data));
  header = {2, 0};
  Show("another version", Set(&header, data));
  std::printf("  which is told: %x\n", header.version);
  header = {kVersion3, 0};
  Show("from nowhere", Set(&header, nullptr));
  Show("no header", Set(nullptr, data));
  data[0].effective = 1 << CAP_KILL;
  Show("effective", Set(&header, data));
  data[0] = {0, 1 << CAP_KILL, 0};
  Show("permitted", Set(&header, data));
  data[0] = {0, 0, 1 << CAP_KILL};
  Show("inheritable", Set(&header, data));
  data[0] = {};
  data[1].effective = data[1].permitted = data[1].inheritable = 0xffff0000;
  Show("what there is not", Set(&header, data));
  header.version = kVersion1;
  Show("version 1 looks at half of it", Set(&header, data));
  ShowOwn("afterwards");
}

void Options() {
  std::puts("- prctl");
  ShowCount("PR_GET_KEEPCAPS", prctl(PR_GET_KEEPCAPS));
  ShowCount("PR_SET_KEEPCAPS 2", prctl(PR_SET_KEEPCAPS, 2));
  ShowCount("PR_SET_KEEPCAPS -1", prctl(PR_SET_KEEPCAPS, -1));
  ShowCount("PR_GET_SECUREBITS", prctl(PR_GET_SECUREBITS));
  ShowCount("PR_SET_KEEPCAPS 1", prctl(PR_SET_KEEPCAPS, 1, 2, 3, 4));
  ShowCount("PR_GET_KEEPCAPS", prctl(PR_GET_KEEPCAPS, 1, 2, 3, 4));
  std::printf("the secure bit: %d\n", prctl(PR_GET_SECUREBITS) == SECBIT_KEEP_CAPS);
  ShowCount("PR_SET_SECUREBITS", prctl(PR_SET_SECUREBITS, SECBIT_NOROOT));
  ShowCount("PR_CAPBSET_READ 0", prctl(PR_CAPBSET_READ, 0));
  ShowCount("PR_CAPBSET_READ 63", prctl(PR_CAPBSET_READ, 63));
  ShowCount("PR_CAPBSET_DROP", prctl(PR_CAPBSET_DROP, CAP_KILL));
  ShowCount("PR_CAPBSET_DROP 63", prctl(PR_CAPBSET_DROP, 63));
  const auto ambient = [](long what, long capability, long more = 0) {
    return prctl(PR_CAP_AMBIENT, what, capability, more, 0);
  };
  ShowCount("PR_CAP_AMBIENT_IS_SET", ambient(PR_CAP_AMBIENT_IS_SET, CAP_KILL));
  ShowCount("PR_CAP_AMBIENT_IS_SET 63", ambient(PR_CAP_AMBIENT_IS_SET, 63));
  ShowCount("PR_CAP_AMBIENT_IS_SET, more", ambient(PR_CAP_AMBIENT_IS_SET, CAP_KILL, 1));
  ShowCount("PR_CAP_AMBIENT_RAISE", ambient(PR_CAP_AMBIENT_RAISE, CAP_KILL));
  ShowCount("PR_CAP_AMBIENT_LOWER", ambient(PR_CAP_AMBIENT_LOWER, CAP_KILL));
  ShowCount("PR_CAP_AMBIENT_CLEAR_ALL", ambient(PR_CAP_AMBIENT_CLEAR_ALL, 0));
  ShowCount("PR_CAP_AMBIENT_CLEAR_ALL of one", ambient(PR_CAP_AMBIENT_CLEAR_ALL, CAP_KILL));
  ShowCount("PR_CAP_AMBIENT, unknown", ambient(7, CAP_KILL));
}

// KEEPCAPS is the credentials', PR_SET_NO_NEW_PRIVS the thread's.
void ShowKept(const char* who) {
  std::printf("%s: keeps capabilities %d, no new privileges %d\n", who, prctl(PR_GET_KEEPCAPS),
              prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

void Threads() {
  std::puts("- threads");
  Must(prctl(PR_SET_KEEPCAPS, 0) == 0, "PR_SET_KEEPCAPS");
  ShowKept("at first");
  std::thread([] {
    ShowKept("a thread");
    Must(prctl(PR_SET_KEEPCAPS, 1) == 0, "PR_SET_KEEPCAPS");
    Must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS");
    ShowKept("a thread, changed");
    std::thread([] { ShowKept("a thread of it"); }).join();
    const pid_t child = Fork([] {
      ShowKept("its child");
      return 0;
    });
    Wait(child);
    const std::string status = "/proc/self/task/" + std::to_string(Tid()) + "/status";
    std::printf("its status: %.14s\n", strstr(FileText(status.c_str()), "NoNewPrivs"));
    std::printf("the process's: %.14s\n", strstr(FileText("/proc/self/status"), "NoNewPrivs"));
  }).join();
  ShowKept("the first one");
  const pid_t child = Fork([] {
    ShowKept("its child");
    return 0;
  });
  Wait(child);
}

void Executing(const char* program) {
  std::puts("- executing");
  const pid_t child = Fork([program] {
    std::thread([program] {
      Must(prctl(PR_SET_KEEPCAPS, 1) == 0, "PR_SET_KEEPCAPS");
      Must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS");
      std::fflush(stdout);
      execl("/proc/self/exe", program, "executed", nullptr);
      Must(false, "execl");
    }).join();
    return 1;
  });
  ShowEnd("by another thread than the first", child);
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1) {
    ShowKept("executed");
    return 0;
  }
  DropRoot();
  Getting();
  Setting();
  Options();
  Threads();
  Executing(arguments[0]);
  return 0;
}
