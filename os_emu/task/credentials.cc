#include "os_emu/task/credentials.h"

namespace pollux::os_emu {
namespace {

// CAP_FS_SET: what a file system asks for (linux/capability.h).
constexpr uint64_t Bit(int capability) { return uint64_t{1} << capability; }
constexpr uint64_t kFileCapabilities = Bit(0) | Bit(1) | Bit(2) | Bit(3) | Bit(4) | Bit(27) |
                                       Bit(9) /* CAP_LINUX_IMMUTABLE */ |
                                       Bit(32) /* CAP_MAC_OVERRIDE */;

bool HasRoot(const Credentials& c) { return c.uid == 0 || c.euid == 0 || c.suid == 0; }

}  // namespace

Credentials Credentials::Of(uint32_t user, uint32_t group) {
  Credentials made{.uid = user,
                   .euid = user,
                   .suid = user,
                   .fsuid = user,
                   .gid = group,
                   .egid = group,
                   .sgid = group,
                   .fsgid = group};
  if (user == 0) made.permitted = made.effective = kAllCapabilities;
  return made;
}

void Credentials::AfterChangeOfUser(const Credentials& old) {
  if ((secure_bits & kNoSetUidFixup) != 0) return;
  if (HasRoot(old) && !HasRoot(*this)) {
    if ((secure_bits & kKeepCapabilities) == 0) permitted = effective = 0;
    ambient = 0;
  }
  if (old.euid == 0 && euid != 0) effective = 0;
  if (old.euid != 0 && euid == 0) effective = permitted;
}

void Credentials::AfterChangeOfFileUser(const Credentials& old) {
  if ((secure_bits & kNoSetUidFixup) != 0) return;
  if (old.fsuid == 0 && fsuid != 0) effective &= ~kFileCapabilities;
  if (old.fsuid != 0 && fsuid == 0) effective |= permitted & kFileCapabilities;
}

void Credentials::AfterExec() {
  const uint64_t before = permitted;
  const bool root_is_special = (secure_bits & kNoRoot) == 0;
  permitted = root_is_special && (uid == 0 || euid == 0) ? bounding | inheritable : 0;
  // What was gained is taken back.
  if (no_new_privs) permitted &= before;
  suid = fsuid = euid;
  sgid = fsgid = egid;
  permitted |= ambient;
  effective = root_is_special && euid == 0 ? permitted : ambient;
  secure_bits &= ~kKeepCapabilities;
}

}  // namespace pollux::os_emu
