// secure_bits: PR_SET_SECUREBITS: what may be set and locked, and what is no special user any more.
// What is expected was printed by Linux 6.18 for root (as whom no test runs there).
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

#include <thread>

#include "testsuite/basics/tasks.h"

namespace {

void ShowOwn(const char* what) {
  uid_t ids[3];
  Must(syscall(SYS_getresuid, &ids[0], &ids[1], &ids[2]) == 0, "getresuid");
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2];
  Must(syscall(SYS_capget, &header, data) == 0, "capget");
  std::printf("%s: %u %u %u, effective %08x, permitted %08x, bits %#x\n", what, ids[0], ids[1],
              ids[2], data[0].effective, data[0].permitted,
              static_cast<unsigned>(prctl(PR_GET_SECUREBITS)));
}

constexpr uint32_t Bit(int capability) { return uint32_t{1} << capability; }
constexpr uint32_t kOwn = Bit(CAP_SETPCAP) | Bit(CAP_SETUID) | Bit(CAP_DAC_OVERRIDE);
long SetCapabilities(uint32_t effective, uint32_t permitted, uint32_t inheritable = 0) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {{effective, permitted, inheritable}, {0, 0, 0}};
  return syscall(SYS_capset, &header, data);
}

// In a thread of its own, whose credentials end with it.
template <typename Body>
void Apart(const char* what, Body body) {
  std::printf("- %s\n", what);
  std::thread(body).join();
}

long SetBits(unsigned long bits) { return prctl(PR_SET_SECUREBITS, bits); }
long SetResUid(uid_t real, uid_t effective, uid_t saved) {
  return syscall(SYS_setresuid, real, effective, saved);
}
constexpr uid_t kKeep = -1;

}  // namespace

int main(int count, char** arguments) {
  if (count > 1) {
    ShowOwn(arguments[1]);
    return 0;
  }
  for (int capability = 0; capability < 41; ++capability) {
    if (capability > 31 || (kOwn & Bit(capability)) == 0)
      Must(prctl(PR_CAPBSET_DROP, capability) == 0, "PR_CAPBSET_DROP");
  }
  Must(SetCapabilities(kOwn, kOwn) == 0, "capset");
  ShowOwn("at first");
  Apart("keeping capabilities", [] {
    Show("set", SetBits(SECBIT_KEEP_CAPS));
    std::printf("PR_GET_KEEPCAPS: %d\n", prctl(PR_GET_KEEPCAPS));
    Show("setresuid", SetResUid(5, 5, 5));
    ShowOwn("then");
  });
  Apart("locked", [] {
    Show("locked, and not set", SetBits(SECBIT_KEEP_CAPS_LOCKED));
    Show("PR_SET_KEEPCAPS", prctl(PR_SET_KEEPCAPS, 1));
    Show("PR_SET_KEEPCAPS of nothing", prctl(PR_SET_KEEPCAPS, 0));
    Show("PR_SET_KEEPCAPS of two", prctl(PR_SET_KEEPCAPS, 2));
    Show("setting it", SetBits(SECBIT_KEEP_CAPS | SECBIT_KEEP_CAPS_LOCKED));
    Show("unlocking", SetBits(0));
    Show("another", SetBits(SECBIT_KEEP_CAPS_LOCKED | SECBIT_NOROOT));
    Show("an unknown one", SetBits(SECBIT_KEEP_CAPS_LOCKED | 0x1000));
    Show("one above all", SetBits(SECBIT_KEEP_CAPS_LOCKED | 1ul << 32));
    ShowOwn("then");
  });
  Apart("without CAP_SETPCAP", [] {
    Must(SetCapabilities(Bit(CAP_SETUID), Bit(CAP_SETUID)) == 0, "capset");
    Show("set", SetBits(SECBIT_KEEP_CAPS));
    Show("the same as before", SetBits(0));
    Show("what programs tell themselves", SetBits(0x100));
    Show("and lock", SetBits(0x300));
    Show("the same as before", SetBits(0x300));
    Show("both", SetBits(0x300 | SECBIT_KEEP_CAPS));
    Show("PR_SET_KEEPCAPS", prctl(PR_SET_KEEPCAPS, 1));
    ShowOwn("then");
  });
  Apart("ids change no capabilities", [] {
    Show("set", SetBits(SECBIT_NO_SETUID_FIXUP));
    Show("setresuid", SetResUid(kKeep, 5, kKeep));
    ShowOwn("then");
    Show("setresuid", SetResUid(6, 6, 6));
    ShowOwn("then");
    Show("and back", SetResUid(0, 0, 0));
    ShowOwn("then");
    setfsuid(7);
    ShowOwn("setfsuid");
  });
  Apart("ambient ones", [] {
    Must(SetCapabilities(kOwn, kOwn, kOwn) == 0, "capset");
    Show("set", SetBits(SECBIT_NO_CAP_AMBIENT_RAISE));
    Show("raised", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETUID, 0, 0));
    Show("lowered", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_SETUID, 0, 0));
  });

  const auto execute = [&](const char* what, auto prepare) {
    const pid_t child = Fork([&] {
      prepare();
      execl("/proc/self/exe", arguments[0], what, nullptr);
      Must(false, "execl");
      return 1;
    });
    Wait(child);
  };
  std::puts("- executing");
  execute("root", [] {});
  execute("root that is nobody", [] { Must(SetBits(SECBIT_NOROOT) == 0, "prctl"); });
  execute("the same with an ambient one", [] {
    Must(SetCapabilities(kOwn, kOwn, kOwn) == 0, "capset");
    Must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETUID, 0, 0) == 0, "ambient");
    Must(SetBits(SECBIT_NOROOT) == 0, "prctl");
  });
  execute("keeping ends", [] {
    Must(SetBits(SECBIT_KEEP_CAPS | SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS_LOCKED) == 0,
         "prctl");
  });
  return 0;
}
