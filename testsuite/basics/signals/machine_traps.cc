// machine_traps: on RISC-V, what ebreak, illegal instructions and jumps into nowhere raise, with
// their codes.
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

sigjmp_buf back;
siginfo_t seen;
void OnTrap(int, siginfo_t* info, void*) {
  seen = *info;
  siglongjmp(back, 1);
}

uint16_t* code;

// Runs the words, which end with a return. The fault is counted in bytes from their start.
void Try(const char* what, std::initializer_list<uint16_t> halves) {
  uint16_t* at = code;
  for (const uint16_t half : halves) *at++ = half;
  *at++ = 0x8082;  // c.jr ra
  __builtin___clear_cache(reinterpret_cast<char*>(code), reinterpret_cast<char*>(at));
  if (sigsetjmp(back, 1) == 0) {
    reinterpret_cast<void (*)()>(code)();
    std::printf("%s: fine\n", what);
    return;
  }
  std::printf("%s: signal %d, code %d, at %+td\n", what, seen.si_signo, seen.si_code,
              static_cast<char*>(seen.si_addr) - reinterpret_cast<char*>(code));
}

}  // namespace

int main() {
  struct sigaction action = {};
  action.sa_sigaction = OnTrap;
  action.sa_flags = SA_SIGINFO;
  for (const int signal : {SIGILL, SIGTRAP, SIGSEGV, SIGBUS})
    Must(sigaction(signal, &action, nullptr) == 0, "sigaction");
  void* page =
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  Must(page != MAP_FAILED, "mmap");
  code = static_cast<uint16_t*>(page);

  Try("nop", {0x0001});
  Try("all zero, 16 bits", {0x0000});
  Try("all zero after a nop", {0x0001, 0x0000});
  Try("all ones", {0xffff, 0xffff});
  Try("ebreak", {0x0073, 0x0010});
  Try("c.ebreak after a nop", {0x0001, 0x9002});
  Try("a reserved compressed instruction", {0x2001});  // c.addiw with rd = 0
  Try("c.lwsp with rd = 0", {0x4002});
  Try("a 48-bit instruction", {0x001f, 0x0000, 0x0000});
  Try("csrrw of cycle, which can only be read", {0x1073, 0xc000});
  Try("csrrs of cycle with x0", {0x2073, 0xc000});
  Try("csrrs of an unknown register", {0x2573, 0x1230});
  Try("csrrs of a supervisor's register", {0x2573, 0x1000});  // sstatus
  Try("mret", {0x0073, 0x3020});
  Try("sret", {0x0073, 0x1020});
  Try("sfence.vma", {0x0073, 0x1200});
  Try("a reserved rounding mode", {0x5553, 0x02b5});  // fadd.d with rm = 5
  Try("fence with reserved bits is a fence", {0x000f, 0x8330});
  Try("a vector instruction", {0x7057, 0x0c00});
  Try("a half-precision load", {0x1507, 0x0005});
  return 0;
}
