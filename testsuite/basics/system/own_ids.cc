// own_ids: who the process is, and the calls that change it: to stay who one is is always allowed,
// -1 is nobody or "as it is". (Which other ids there are is the host's.)
#include <grp.h>
#include <sys/fsuid.h>

#include <cstdint>
#include <vector>

#include "testsuite/basics/check.h"

namespace {

// All three ids are the ones that the process began with.
bool Unchanged(uid_t user, gid_t group) {
  uid_t users[3];
  gid_t groups[3];
  Must(syscall(SYS_getresuid, &users[0], &users[1], &users[2]) == 0, "getresuid");
  Must(syscall(SYS_getresgid, &groups[0], &groups[1], &groups[2]) == 0, "getresgid");
  for (int i = 0; i < 3; ++i) {
    if (users[i] != user || groups[i] != group) return false;
  }
  return getuid() == user && geteuid() == user && getgid() == group && getegid() == group;
}

}  // namespace

int main() {
  DropRoot();
  constexpr int kNobody = 0x3ffffff;
  constexpr uint64_t kHighBit = uint64_t{1} << 32;  // Above an id's 32 bits.
  const uid_t user = getuid();
  const gid_t group = getgid();
  std::printf("all three are the same: %d\n", Unchanged(user, group));

  uid_t one, two;
  Show("getresuid, first nowhere", syscall(SYS_getresuid, nullptr, &one, &two));
  Show("getresuid, second nowhere", syscall(SYS_getresuid, &one, nullptr, &two));
  Show("getresuid, third nowhere", syscall(SYS_getresuid, &one, &two, nullptr));
  Show("getresgid, first nowhere", syscall(SYS_getresgid, nullptr, &one, &two));
  Show("getresgid, second nowhere", syscall(SYS_getresgid, &one, nullptr, &two));
  Show("getresgid, third nowhere", syscall(SYS_getresgid, &one, &two, nullptr));

  Show("setuid", syscall(SYS_setuid, user));
  Show("setuid, a bit above the id's", syscall(SYS_setuid, user | kHighBit));
  Show("setuid to -1", syscall(SYS_setuid, -1));
  Show("setgid", syscall(SYS_setgid, group));
  Show("setgid, a bit above the id's", syscall(SYS_setgid, group | kHighBit));
  Show("setgid to -1", syscall(SYS_setgid, -1));
  Show("setreuid", syscall(SYS_setreuid, user, user));
  Show("setreuid, real one only", syscall(SYS_setreuid, user, -1));
  Show("setreuid, effective one only", syscall(SYS_setreuid, -1, user));
  Show("setreuid, none", syscall(SYS_setreuid, -1, -1));
  Show("setregid", syscall(SYS_setregid, group, group));
  Show("setregid, real one only", syscall(SYS_setregid, group, -1));
  Show("setregid, effective one only", syscall(SYS_setregid, -1, group));
  Show("setregid, none", syscall(SYS_setregid, -1, -1));
  Show("setresuid", syscall(SYS_setresuid, user, user, user));
  Show("setresuid, saved one only", syscall(SYS_setresuid, -1, -1, user));
  Show("setresuid, none", syscall(SYS_setresuid, -1, -1, -1));
  Show("setresgid", syscall(SYS_setresgid, group, group, group));
  Show("setresgid, saved one only", syscall(SYS_setresgid, -1, -1, group));
  Show("setresgid, none", syscall(SYS_setresgid, -1, -1, -1));
  std::printf("still the same: %d\n", Unchanged(user, group));

  // These have no errors: they return what it was.
  const auto same_user = [&](long id) { return static_cast<uid_t>(id) == user; };
  const auto same_group = [&](long id) { return static_cast<gid_t>(id) == group; };
  std::printf("setfsuid: %d", same_user(syscall(SYS_setfsuid, user)));
  std::printf(" %d", same_user(syscall(SYS_setfsuid, -1)));
  std::printf(" %d\n", same_user(syscall(SYS_setfsuid, -1)));
  std::printf("setfsgid: %d", same_group(syscall(SYS_setfsgid, group)));
  std::printf(" %d", same_group(syscall(SYS_setfsgid, -1)));
  std::printf(" %d\n", same_group(syscall(SYS_setfsgid, -1)));

  // How many groups there are is the host's.
  const long count = syscall(SYS_getgroups, 0, nullptr);
  Must(count >= 0, "getgroups");
  std::vector<gid_t> groups(count + 1);
  std::printf("getgroups gives as many as it said: %d\n",
              syscall(SYS_getgroups, count + 1, groups.data()) == count);
  Show("getgroups with a negative size", syscall(SYS_getgroups, -1, groups.data()));

  const pid_t process_group = getpgid(0), session = getsid(0);
  std::printf(
      "own group and session: %d %d\n",
      process_group >= 0 && getpgid(getpid()) == process_group && getpgrp() == process_group,
      session >= 0 && getsid(getpid()) == session);
  Show("getpgid of nobody", getpgid(kNobody));
  Show("getpgid of -1", getpgid(-1));
  Show("getsid of nobody", getsid(kNobody));
  Show("getsid of -1", getsid(-1));
  return 0;
}
