// misaligned_atomics: on RISC-V, atomics at odd addresses are refused with SIGBUS, where plain
// loads and stores work. Linux gives the instruction's address in si_addr, not the memory's
// (arch/riscv/kernel/traps.c).
#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

sigjmp_buf back;
siginfo_t seen;
bool at_instruction;
void OnFault(int, siginfo_t* info, void* context) {
  seen = *info;
  at_instruction = reinterpret_cast<uint64_t>(info->si_addr) ==
                   static_cast<ucontext_t*>(context)->uc_mcontext.__gregs[REG_PC];
  siglongjmp(back, 1);
}

alignas(64) char bytes[64];

template <typename Access>
void Try(const char* what, Access access) {
  if (sigsetjmp(back, 1) == 0) {
    access();
    std::printf("%s: fine\n", what);
    return;
  }
  std::printf("%s: %s, %s, %s\n", what, seen.si_signo == SIGBUS ? "SIGBUS" : "another signal",
              seen.si_code == BUS_ADRALN ? "BUS_ADRALN" : "another code",
              at_instruction ? "si_addr is the instruction" : "si_addr is something else");
}

}  // namespace

int main() {
  struct sigaction action = {};
  action.sa_sigaction = OnFault;
  action.sa_flags = SA_SIGINFO;
  for (const int signal : {SIGILL, SIGSEGV, SIGBUS})
    Must(sigaction(signal, &action, nullptr) == 0, "sigaction");

  Try("ld at 3", [] {
    uint64_t value;
    asm volatile("ld %0, 0(%1)" : "=r"(value) : "r"(bytes + 3) : "memory");
  });
  Try("sd at 5", [] { asm volatile("sd zero, 0(%0)" : : "r"(bytes + 5) : "memory"); });
  Try("fld at 1", [] {
    double value;
    asm volatile("fld %0, 0(%1)" : "=f"(value) : "r"(bytes + 1) : "memory");
  });
  Try("amoadd.w at 4", [] {
    asm volatile("amoadd.w zero, %0, (%1)" : : "r"(1), "r"(bytes + 4) : "memory");
  });
  Try("amoadd.w at 2", [] {
    asm volatile("amoadd.w zero, %0, (%1)" : : "r"(1), "r"(bytes + 2) : "memory");
  });
  Try("amoswap.d at 4", [] {
    asm volatile("amoswap.d zero, %0, (%1)" : : "r"(1), "r"(bytes + 4) : "memory");
  });
  Try("lr.w at 1", [] {
    int value;
    asm volatile("lr.w %0, (%1)" : "=r"(value) : "r"(bytes + 1) : "memory");
  });
  Try("sc.d at 12", [] {
    long value;
    asm volatile("sc.d %0, zero, (%1)" : "=r"(value) : "r"(bytes + 12) : "memory");
  });
  return 0;
}
