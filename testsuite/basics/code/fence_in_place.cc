// fence_in_place: on RISC-V, a loop that rewrites its own next instruction and executes fence.i,
// without a call in between: decoded code must not outlive the fence. Also an instruction whose
// second half is on a page that is not there.
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

constexpr size_t kPage = 4096;
sigjmp_buf back;
siginfo_t seen;
void OnFault(int, siginfo_t* info, void*) {
  seen = *info;
  siglongjmp(back, 1);
}

char* Page(int protection) {
  void* start = mmap(nullptr, 2 * kPage, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  Must(start != MAP_FAILED, "mmap");
  return static_cast<char*>(start);
}

void Place(char* at, std::initializer_list<uint32_t> words) {
  for (const uint32_t word : words) {
    std::memcpy(at, &word, sizeof word);
    at += sizeof word;
  }
}

}  // namespace

int main() {
  char* code = Page(PROT_READ | PROT_WRITE | PROT_EXEC);

  // long f(long turns): adds 1 in the first turn, 2 in the second and so on, by changing its own
  // addi.
  Place(code, {
                  0x00000297,  // auipc t0, 0           the function's own address
                  0x00000313,  // li t1, 0              the sum
                  0x00100393,  // li t2, 1              the next immediate
                  0x01439e13,  // 12: slli t3, t2, 20
                  0x00030eb7,  // lui t4, 0x30          0x30313 is addi t1, t1, 0
                  0x313e8e9b,  // addiw t4, t4, 0x313
                  0x01ceeeb3,  // or t4, t4, t3
                  0x03d2a223,  // sw t4, 36(t0)
                  0x0000100f,  // fence.i
                  0x00000000,  // 36: becomes addi t1, t1, t2's value
                  0x00138393,  // addi t2, t2, 1
                  0xfff50513,  // addi a0, a0, -1
                  0xfc051ee3,  // bnez a0, 12
                  0x00030513,  // mv a0, t1
                  0x00008067,  // ret
              });
  asm volatile("fence.i" ::: "memory");
  const long sum = reinterpret_cast<long (*)(long)>(code)(1000);
  std::printf("1 + 2 + ... + 1000 = %ld\n", sum);
  Must(sum == 500500, "every version of the instruction ran once");

  struct sigaction action = {};
  action.sa_sigaction = OnFault;
  action.sa_flags = SA_SIGINFO;
  Must(sigaction(SIGSEGV, &action, nullptr) == 0, "sigaction");
  char* edge = code + kPage;
  const uint32_t nop = 0x00000013;
  std::memcpy(edge - 2, &nop, sizeof nop);
  Must(mprotect(edge, kPage, PROT_READ) == 0, "mprotect");
  asm volatile("fence.i" ::: "memory");
  if (sigsetjmp(back, 1) == 0) reinterpret_cast<void (*)()>(edge - 2)();
  Must(seen.si_signo == SIGSEGV && seen.si_code == SEGV_ACCERR, "half an instruction is none");
  std::printf("half an instruction: si_addr is %+td from the border\n",
              static_cast<char*>(seen.si_addr) - edge);

  // A compressed instruction is enough at the end of a page; what follows faults.
  const uint16_t compressed_nop = 0x0001;
  std::memcpy(edge - 2, &compressed_nop, sizeof compressed_nop);
  asm volatile("fence.i" ::: "memory");
  if (sigsetjmp(back, 1) == 0) reinterpret_cast<void (*)()>(edge - 2)();
  std::printf("behind the last instruction: si_addr is %+td from the border\n",
              static_cast<char*>(seen.si_addr) - edge);

  // The page opens: the instruction is whole.
  std::memcpy(edge - 2, &nop, 2);
  Must(mprotect(edge, kPage, PROT_READ | PROT_WRITE) == 0, "mprotect");
  const uint32_t ret = 0x00008067;
  std::memcpy(edge, reinterpret_cast<const char*>(&nop) + 2, 2);
  std::memcpy(edge + 2, &ret, sizeof ret);
  Must(mprotect(edge, kPage, PROT_READ | PROT_EXEC) == 0, "mprotect");
  asm volatile("fence.i" ::: "memory");
  reinterpret_cast<void (*)()>(edge - 2)();
  std::printf("whole again\n");

  // A jump into the middle of an instruction is another instruction.
  const uint32_t tricky = 0x80820537;  // lui a0, 0x80820; its second half is c.ret
  std::memcpy(code, &tricky, sizeof tricky);
  std::memcpy(code + 4, &ret, sizeof ret);
  asm volatile("fence.i" ::: "memory");
  const long whole = reinterpret_cast<long (*)(long)>(code)(5),
             half = reinterpret_cast<long (*)(long)>(code + 2)(5);
  std::printf("whole %lx, from the middle %lx\n", whole, half);
  return 0;
}
