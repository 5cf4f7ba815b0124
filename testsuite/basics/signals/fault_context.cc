// fault_context: the context that a handler gets says which instruction faulted, and going on
// elsewhere is a matter of writing another address into it.
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

uintptr_t fault_pc, next_pc;
bool in_handler_as_expected;
int handled;

auto& Pc(void* context) {
  auto& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
#ifdef __riscv
  return machine.__gregs[REG_PC];
#else
  return machine.gregs[REG_RIP];
#endif
}

void Skip(int, siginfo_t*, void* context) {
  ++handled;
  in_handler_as_expected = static_cast<uintptr_t>(Pc(context)) == fault_pc;
  Pc(context) = next_pc;
}

// Each runs one instruction between two labels; the value that it would have loaded or stored is
// left alone.
long Load(const void* from) {
  long value = 77;
#ifdef __riscv
  asm volatile(
      "la t0, 1f\n sd t0, %1\n la t0, 2f\n sd t0, %2\n"
      "1: ld %0, 0(%3)\n"
      "2:\n"
      : "+r"(value), "=m"(fault_pc), "=m"(next_pc)
      : "r"(from)
      : "t0", "memory");
#else
  asm volatile(
      "lea 1f(%%rip), %%rdx\n mov %%rdx, %1\n lea 2f(%%rip), %%rdx\n mov %%rdx, %2\n"
      "1: mov (%3), %0\n"
      "2:\n"
      : "+r"(value), "=m"(fault_pc), "=m"(next_pc)
      : "r"(from)
      : "rdx", "memory");
#endif
  return value;
}

void Store(void* to) {
#ifdef __riscv
  asm volatile(
      "la t0, 1f\n sd t0, %0\n la t0, 2f\n sd t0, %1\n"
      "1: sd zero, 0(%2)\n"
      "2:\n"
      : "=m"(fault_pc), "=m"(next_pc)
      : "r"(to)
      : "t0", "memory");
#else
  asm volatile(
      "lea 1f(%%rip), %%rdx\n mov %%rdx, %0\n lea 2f(%%rip), %%rdx\n mov %%rdx, %1\n"
      "1: movq $0, (%2)\n"
      "2:\n"
      : "=m"(fault_pc), "=m"(next_pc)
      : "r"(to)
      : "rdx", "memory");
#endif
}

void Illegal() {
#ifdef __riscv
  asm volatile(
      "la t0, 1f\n sd t0, %0\n la t0, 2f\n sd t0, %1\n"
      "1: .word 0xffffffff\n"
      "2:\n"
      : "=m"(fault_pc), "=m"(next_pc)
      :
      : "t0", "memory");
#else
  asm volatile(
      "lea 1f(%%rip), %%rdx\n mov %%rdx, %0\n lea 2f(%%rip), %%rdx\n mov %%rdx, %1\n"
      "1: ud2\n"
      "2:\n"
      : "=m"(fault_pc), "=m"(next_pc)
      :
      : "rdx", "memory");
#endif
}

}  // namespace

int main() {
  struct sigaction action = {};
  action.sa_sigaction = Skip;
  action.sa_flags = SA_SIGINFO;
  for (const int signal : {SIGSEGV, SIGILL})
    Must(sigaction(signal, &action, nullptr) == 0, "sigaction");
  void* none = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  std::printf("a load that faults leaves its register alone: %ld", Load(none));
  std::printf(", pc at the instruction: %d\n", in_handler_as_expected);
  Store(none);
  std::printf("a store: pc at the instruction: %d\n", in_handler_as_expected);
  Illegal();
  std::printf("an illegal instruction: pc at the instruction: %d\n", in_handler_as_expected);
  for (int i = 0; i < 1000; ++i) Load(none);
  std::printf("%d handled\n", handled);
  return 0;
}
