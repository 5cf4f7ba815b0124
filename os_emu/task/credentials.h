// Credentials: who a thread is and what it may do (Linux's cred; kernel/sys.c,
// security/commoncap.c). A value: a new thread or process has a copy of its maker's.
#ifndef POLLUX_OS_EMU_TASK_CREDENTIALS_H_
#define POLLUX_OS_EMU_TASK_CREDENTIALS_H_

#include <cstdint>

namespace pollux::os_emu {

// CAP_* of capabilities(7) that something here asks for.
enum class Capability : int {
  kChown = 0,
  kDacOverride = 1,
  kDacReadSearch = 2,
  kFowner = 3,
  kFsetId = 4,
  kKill = 5,
  kSetGid = 6,
  kSetUid = 7,
  kSetPcap = 8,
  kNetBindService = 10,
  kNetAdmin = 12,
  kIpcLock = 14,
  kSysPtrace = 19,
  kSysAdmin = 21,
  kSysNice = 23,
  kSysResource = 24,
  kMknod = 27,
};
inline constexpr int kLastCapability = 40;  // CAP_CHECKPOINT_RESTORE
inline constexpr uint64_t kAllCapabilities = (uint64_t{1} << (kLastCapability + 1)) - 1;

// SECBIT_* of capabilities(7). The bit above each locks it.
inline constexpr uint32_t kNoRoot = 1 << 0, kNoSetUidFixup = 1 << 2, kKeepCapabilities = 1 << 4,
                          kNoAmbientRaise = 1 << 6;

struct Credentials {
  uint32_t uid = 1000, euid = 1000, suid = 1000, fsuid = 1000;
  uint32_t gid = 1000, egid = 1000, sgid = 1000, fsgid = 1000;

  // Bits by capability.
  uint64_t inheritable = 0, permitted = 0, effective = 0, ambient = 0;
  uint64_t bounding = kAllCapabilities;
  uint32_t secure_bits = 0;  // PR_SET_SECUREBITS
  // PR_SET_NO_NEW_PRIVS; the task's, in Linux.
  bool no_new_privs = false;

  // Of somebody who begins with these ids: root may do everything, others nothing.
  static Credentials Of(uint32_t user, uint32_t group);

  bool Has(Capability capability) const {
    return ((effective >> static_cast<int>(capability)) & 1) != 0;
  }
  // After a change of the first three user ids, which were those of `old` (cap_emulate_setxuid()).
  void AfterChangeOfUser(const Credentials& old);
  // After a change of fsuid alone (cap_task_fix_setuid()).
  void AfterChangeOfFileUser(const Credentials& old);
  // What execve(2) makes of them, for a program without capabilities of its own
  // (cap_bprm_creds_from_file()).
  void AfterExec();
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TASK_CREDENTIALS_H_
