// The riscv64 signal frame (arch/riscv/kernel/signal.c; uapi asm/ucontext.h, asm/sigcontext.h,
// asm/ptrace.h): what a handler finds on its stack, and what rt_sigreturn(2) takes back.
//
//   0     siginfo_t, 128 bytes
//   128   struct ucontext: uc_flags, uc_link, uc_stack (24 bytes), uc_sigmask (8) and 120 bytes of
//   padding, 304     uc_mcontext: pc, x1 to x31, then f0 to f31 and fcsr in a union of the size of
//   the Q extension's state, whose last 8
//           bytes are the header that ends the list of extensions (0, 0)
//   1088  end
#ifndef POLLUX_SHIMS_SIGNAL_FRAME_H_
#define POLLUX_SHIMS_SIGNAL_FRAME_H_

#include <cstddef>
#include <cstdint>

#include "abi/result.h"
#include "interp/engine/cpu.h"
#include "os_emu/task/kernel.h"
#include "shims/linux_abi.h"

namespace pollux::shims {

struct GuestSiginfo {
  int32_t signal;
  int32_t error;
  int32_t code;
  int32_t pad;
  union {
    struct {
      int32_t pid;
      uint32_t uid;
      uint64_t value;
    } sent;
    struct {
      int32_t id;
      int32_t overrun;
      uint64_t value;
    } timer;
    struct {
      int32_t pid;
      uint32_t uid;
      int32_t status;
      int32_t pad;
      int64_t user_time;
      int64_t system_time;
    } child;
    struct {
      uint64_t address;
    } fault;
    uint8_t bytes[112];
  };
};

struct GuestSigcontext {
  uint64_t pc;
  uint64_t x[31];  // x1 to x31.
  uint64_t f[32];
  uint32_t fcsr;
  uint8_t q_padding[256];  // To offset 512 of struct __riscv_q_ext_state, and its fcsr.
  uint32_t reserved;       // 0
  uint32_t end_magic;      // END_MAGIC and END_HDR_SIZE: no extension follows.
  uint32_t end_bytes;
};

struct GuestUcontext {
  uint64_t flags;
  uint64_t link;
  GuestSigstack stack;
  uint64_t mask;
  uint8_t mask_padding[120];
  uint64_t padding;  // The sigcontext is aligned to 16 bytes.
  GuestSigcontext context;
};

struct GuestSignalFrame {
  GuestSiginfo info;
  GuestUcontext ucontext;
};
static_assert(sizeof(GuestSiginfo) == 128 && offsetof(GuestSiginfo, sent) == 16);
static_assert(sizeof(GuestSigcontext) == 784 && offsetof(GuestSigcontext, f) == 256);
static_assert(offsetof(GuestSigcontext, fcsr) == 512 && offsetof(GuestSigcontext, reserved) == 772);
static_assert(offsetof(GuestUcontext, mask) == 40 && offsetof(GuestUcontext, context) == 176);
static_assert(sizeof(GuestSignalFrame) == 1088 && offsetof(GuestSignalFrame, ucontext) == 128);

// copy_siginfo_to_user() and copy_siginfo_from_user(): what is not part of the layout is 0.
GuestSiginfo ToGuestSiginfo(const os_emu::SignalInfo& info);
os_emu::SignalInfo FromGuestSiginfo(const GuestSiginfo& given, int signal);

// Flags of stack_t.
inline constexpr int32_t kSsOnStack = 1, kSsDisable = 2;
inline constexpr uint32_t kSsAutoDisarm = 0x80000000;
inline constexpr uint64_t kMinSigStackBytes = 2048;

// sas_ss_flags(): kSsDisable, kSsOnStack or 0 for a thread whose stack pointer is `sp`.
int32_t AltStackState(const os_emu::AltStack& stack, uint64_t sp);
bool OnAltStack(const os_emu::AltStack& stack, uint64_t sp);

// Starts the handler of `action` for `info`: writes the frame (on the alternate stack where
// SA_ONSTACK says so), sets pc, sp, a0 to a2 and ra, and blocks what the action says. The mask that
// comes back is thread.saved_mask where a call such as ppoll left one. The caller has reset the
// action where SA_RESETHAND says so. False: the frame cannot be written; nothing was changed. Linux
// then raises SIGSEGV.
bool DeliverSignal(os_emu::Thread& thread, interp::Cpu& cpu, const os_emu::SignalInfo& info,
                   const os_emu::SignalAction& action);

// rt_sigreturn(2): takes registers, mask and alternate stack from the frame at sp. kFault: it
// cannot be read or is no frame (Linux raises SIGSEGV then).
Result<void> ReturnFromSignal(os_emu::Thread& thread, interp::Cpu& cpu);

// do_sigaltstack(). `wanted` null: nothing is set. Errors: kPerm (the thread is on it), kInval,
// kNoMem.
Result<GuestSigstack> ChangeAltStack(os_emu::Thread& thread, uint64_t sp,
                                     const GuestSigstack* wanted);

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_SIGNAL_FRAME_H_
