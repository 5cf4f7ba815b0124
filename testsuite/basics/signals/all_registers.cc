// all_registers: on RISC-V, a signal at an arbitrary instruction. Every integer and floating-point
// register gets a value of its own, then an illegal instruction raises SIGILL; the handler destroys
// what it can, steps over the instruction, and all registers are as they were. Also: a handler may
// change a register in the context, and the program sees that.
#include <signal.h>
#include <ucontext.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

constexpr int kX = 31, kF = 32;  // x1 to x31, f0 to f31.
uint64_t before[kX + kF], after[kX + kF];
uint32_t fcsr_before = 0x31, fcsr_after;
int change = -1;  // A register for the handler to change.

void OnIllegal(int, siginfo_t* info, void* context) {
  auto& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
  Must(info->si_signo == SIGILL && info->si_code == ILL_ILLOPC, "ILL_ILLOPC");
  Must(reinterpret_cast<uint64_t>(info->si_addr) == machine.__gregs[REG_PC],
       "si_addr is the instruction");
  for (int i = 0; i < kX; ++i) {
    if (i + 1 == 2 || i + 1 == 3 || i + 1 == 4) continue;  // sp, gp and tp are not ours to choose.
    Must(machine.__gregs[i + 1] == before[i], "the context holds the integer registers");
  }
  for (int i = 0; i < kF; ++i) {
    Must(machine.__fpregs.__d.__f[i] == before[kX + i],
         "the context holds the floating-point registers");
  }
  Must(machine.__fpregs.__d.__fcsr == fcsr_before, "the context holds fcsr");
  machine.__gregs[REG_PC] += 4;
  if (change >= 0) machine.__gregs[change] = 0xc0ffee;
  asm volatile(
      "li t0, -1\n li t1, -1\n li t2, -1\n li t3, -1\n li t4, -1\n li t5, -1\n li t6, -1\n"
      "li a0, -1\n li a1, -1\n li a2, -1\n li a3, -1\n li a4, -1\n li a5, -1\n li a6, -1\n li a7, "
      "-1\n"
      "fscsr zero\n"
      "fmv.d.x ft0, zero\n fmv.d.x ft1, zero\n fmv.d.x ft2, zero\n fmv.d.x ft3, zero\n fmv.d.x "
      "ft4, zero\n"
      "fmv.d.x ft5, zero\n fmv.d.x ft6, zero\n fmv.d.x ft7, zero\n fmv.d.x ft8, zero\n fmv.d.x "
      "ft9, zero\n"
      "fmv.d.x ft10, zero\n fmv.d.x ft11, zero\n fmv.d.x fa0, zero\n fmv.d.x fa1, zero\n fmv.d.x "
      "fa2, zero\n"
      "fmv.d.x fa3, zero\n fmv.d.x fa4, zero\n fmv.d.x fa5, zero\n fmv.d.x fa6, zero\n fmv.d.x "
      "fa7, zero\n"
      :
      :
      : "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7",
        "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "ft8", "ft9", "ft10", "ft11", "fa0",
        "fa1", "fa2", "fa3", "fa4", "fa5", "fa6", "fa7");
}

}  // namespace

// void Run(const uint64_t* before, uint64_t* after, uint32_t* fcsr): loads all registers but sp, gp
// and tp from before (x1 to x31, f0 to f31), meets an illegal instruction, and stores all of them
// to after. What it needs itself it keeps on the stack.
extern "C" void Run(const uint64_t* before, uint64_t* after, uint32_t* fcsr);
asm(R"(
  .text
  .globl Run
  .type Run, @function
Run:
  addi sp, sp, -256
  sd ra, 0(sp)
  sd s0, 8(sp)
  sd s1, 16(sp)
  sd s2, 24(sp)
  sd s3, 32(sp)
  sd s4, 40(sp)
  sd s5, 48(sp)
  sd s6, 56(sp)
  sd s7, 64(sp)
  sd s8, 72(sp)
  sd s9, 80(sp)
  sd s10, 88(sp)
  sd s11, 96(sp)
  fsd fs0, 104(sp)
  fsd fs1, 112(sp)
  fsd fs2, 120(sp)
  fsd fs3, 128(sp)
  fsd fs4, 136(sp)
  fsd fs5, 144(sp)
  fsd fs6, 152(sp)
  fsd fs7, 160(sp)
  fsd fs8, 168(sp)
  fsd fs9, 176(sp)
  fsd fs10, 184(sp)
  fsd fs11, 192(sp)
  sd a1, 200(sp)
  sd a2, 208(sp)
  lw t0, 0(a2)
  fscsr t0
  mv t6, a0
  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  fld f\n, (31 + \n) * 8(t6)
  .endr
  .irp n, 1,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  ld x\n, (\n - 1) * 8(t6)
  .endr
  .option push
  .option norvc
  .word 0xffffffff
  .option pop
  sd t6, 216(sp)
  ld t6, 200(sp)
  .irp n, 1,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
  sd x\n, (\n - 1) * 8(t6)
  .endr
  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  fsd f\n, (31 + \n) * 8(t6)
  .endr
  ld t0, 216(sp)
  sd t0, 30 * 8(t6)
  frcsr t0
  ld t6, 208(sp)
  sw t0, 4(t6)
  ld ra, 0(sp)
  ld s0, 8(sp)
  ld s1, 16(sp)
  ld s2, 24(sp)
  ld s3, 32(sp)
  ld s4, 40(sp)
  ld s5, 48(sp)
  ld s6, 56(sp)
  ld s7, 64(sp)
  ld s8, 72(sp)
  ld s9, 80(sp)
  ld s10, 88(sp)
  ld s11, 96(sp)
  fld fs0, 104(sp)
  fld fs1, 112(sp)
  fld fs2, 120(sp)
  fld fs3, 128(sp)
  fld fs4, 136(sp)
  fld fs5, 144(sp)
  fld fs6, 152(sp)
  fld fs7, 160(sp)
  fld fs8, 168(sp)
  fld fs9, 176(sp)
  fld fs10, 184(sp)
  fld fs11, 192(sp)
  addi sp, sp, 256
  ret
)");

namespace {

void RunOnce() {
  uint32_t fcsr[2] = {fcsr_before, 0};
  Run(before, after, fcsr);
  fcsr_after = fcsr[1];
}

}  // namespace

int main() {
  struct sigaction action = {};
  action.sa_sigaction = OnIllegal;
  action.sa_flags = SA_SIGINFO;
  Must(sigaction(SIGILL, &action, nullptr) == 0, "sigaction");
  // x31 is the base of the loads and is loaded last: it has its value like the others.
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < kX + kF; ++i) before[i] = 0x0123456789abcdef * (i + 1) + round;
    fcsr_before = (round % 5) << 5 | round % 32;
    RunOnce();
    for (int i = 0; i < kX + kF; ++i) {
      if (i >= 1 && i <= 3) continue;
      Must(after[i] == before[i], "a register came back");
    }
    Must(fcsr_after == fcsr_before, "fcsr came back");
  }
  std::printf("100 rounds\n");
  for (int changed = 5; changed < 32; ++changed) {
    change = changed;
    RunOnce();
    Must(after[changed - 1] == 0xc0ffee, "a register that the handler changed");
  }
  std::printf("changed by the handler\n");
  return 0;
}
