// scheduling: policies, nice values and barriers of a program without privileges: what is refused,
// and what is told afterwards. How it is then scheduled is not asked.
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

// Larger than any number of a task.
constexpr int kNobody = 0x3fffffff;
auto* const nowhere = reinterpret_cast<sched_param*>(8);

void Policy(const char* what) { std::printf("%s: %#x\n", what, sched_getscheduler(0)); }

void Policies() {
  sched_param parameter = {0};
  // SCHED_EXT is there or not, as the kernel was built.
  for (int policy : {-1, 0, 1, 2, 3, 4, 5, 6, 8}) {
    for (int priority : {-1, 0, 1, 99, 100}) {
      parameter.sched_priority = priority;
      // Whoever is idle may not come back: asked last.
      if (policy == SCHED_IDLE && priority == 0) continue;
      const long result = syscall(SYS_sched_setscheduler, 0, policy, &parameter);
      std::printf("policy %d, priority %d: %s\n", policy, priority,
                  result == 0 ? "ok" : ErrorName(errno));
    }
  }
  Policy("now");
  parameter.sched_priority = 0;
  Show("back", sched_setscheduler(0, SCHED_OTHER, &parameter));
  Show("parameter", sched_setparam(0, &parameter));
  parameter.sched_priority = 5;
  Show("another parameter", sched_setparam(0, &parameter));
  Show("parameter, null", syscall(SYS_sched_setparam, 0, nullptr));
  Show("parameter, out of reach", syscall(SYS_sched_setparam, 0, nowhere));
  Show("parameter of -1", syscall(SYS_sched_setparam, -1, nowhere));
  Show("parameter of nobody, out of reach", syscall(SYS_sched_setparam, kNobody, nowhere));
  Show("policy, null", syscall(SYS_sched_setscheduler, 0, 0, nullptr));
  Show("policy -1, out of reach", syscall(SYS_sched_setscheduler, 0, -1, nowhere));
  Show("unknown policy, out of reach", syscall(SYS_sched_setscheduler, 0, 99, nowhere));
  Show("unknown policy of nobody", syscall(SYS_sched_setscheduler, kNobody, 99, &parameter));

  timespec slice = {-1, -1};
  Show("slice", sched_rr_get_interval(0, &slice));
  std::printf("a second or more: %d\n", slice.tv_sec != 0);
  Show("slice of -1", sched_rr_get_interval(-1, &slice));
  Show("slice of nobody", sched_rr_get_interval(kNobody, &slice));
  Show("slice of nobody to nowhere", syscall(SYS_sched_rr_get_interval, kNobody, nowhere));
  Show("slice to nowhere", syscall(SYS_sched_rr_get_interval, 0, nowhere));

  parameter.sched_priority = 0;
  Show("children begin anew", sched_setscheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, &parameter));
  Policy("now");
  Show("parameter", sched_setparam(0, &parameter));
  Policy("now");
  Show("children do not", sched_setscheduler(0, SCHED_BATCH, &parameter));
  Show("idle", sched_setscheduler(0, SCHED_IDLE | SCHED_RESET_ON_FORK, &parameter));
  Show("idle no more", sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &parameter));
  Policy("now");
}

void Nice(const char* what) {
  std::printf("%s: %ld\n", what, syscall(SYS_getpriority, PRIO_PROCESS, 0));
}

void NiceValues() {
  // Whoever runs this may be nice itself.
  for (int nice : {15, 15, 17, 16, 17, 100, 19, 18, -100}) {
    std::printf("to %d", nice);
    Show("", setpriority(PRIO_PROCESS, 0, nice));
  }
  Nice("at last");
  Show("by number", setpriority(PRIO_PROCESS, getpid(), 19));
  for (int which : {-1, 3}) {
    Show("set, unknown kind", setpriority(static_cast<__priority_which_t>(which), kNobody, 0));
    Show("get, unknown kind", syscall(SYS_getpriority, which, kNobody));
  }
  for (int which : {PRIO_PROCESS, PRIO_PGRP, PRIO_USER}) {
    Show("set of nobody", setpriority(static_cast<__priority_which_t>(which), kNobody, 0));
    Show("get of nobody", syscall(SYS_getpriority, which, kNobody));
  }
  Show("get of -5", syscall(SYS_getpriority, PRIO_PROCESS, -5));
}

void Affinity() {
  unsigned char mask[256] = {};
  for (unsigned bytes : {0u, 7u, 12u, 0x20000000u})
    Show("mask too short or odd", syscall(SYS_sched_getaffinity, 0, bytes, mask));
  Show("mask", syscall(SYS_sched_getaffinity, 0, sizeof mask, mask));
  Show("mask of nobody", syscall(SYS_sched_getaffinity, kNobody, sizeof mask, mask));
  Show("mask of -1", syscall(SYS_sched_getaffinity, -1, sizeof mask, mask));
  Show("mask of nobody, odd", syscall(SYS_sched_getaffinity, kNobody, 7, mask));
  Show("mask to nowhere", syscall(SYS_sched_getaffinity, 0, sizeof mask, nowhere));
  Show("set the same", syscall(SYS_sched_setaffinity, 0, sizeof mask, mask));
  Show("set from nowhere", syscall(SYS_sched_setaffinity, 0, sizeof mask, nowhere));
  Show("set from nowhere, nobody", syscall(SYS_sched_setaffinity, kNobody, sizeof mask, nowhere));
  Show("set of nobody", syscall(SYS_sched_setaffinity, kNobody, sizeof mask, mask));
  Show("set no bytes", syscall(SYS_sched_setaffinity, 0, 0, nowhere));
  memset(mask, 0, sizeof mask);
  Show("set no cpu", syscall(SYS_sched_setaffinity, 0, sizeof mask, mask));
  unsigned cpu = ~0u, node = ~0u;
  Show("getcpu", syscall(SYS_getcpu, &cpu, &node, nullptr));
  std::printf("told: %d %d\n", cpu != ~0u, node != ~0u);
  Show("getcpu, of no interest", syscall(SYS_getcpu, nullptr, nullptr, nullptr));
  Show("getcpu to nowhere", syscall(SYS_getcpu, nowhere, nullptr, nullptr));
  Show("yield", sched_yield());
}

void Barriers() {
  const auto barrier = [](int command, unsigned flags = 0) {
    return syscall(SYS_membarrier, command, flags, 0);
  };
  constexpr int kRegistrations = 512;  // MEMBARRIER_CMD_GET_REGISTRATIONS
  ShowCount("registered", barrier(kRegistrations));
  Show("private", barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED));
  Show("for code", barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE));
  Show("register for code", barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE));
  // Registered for both, and ready for one.
  ShowCount("registered", barrier(kRegistrations));
  Show("private", barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED));
  Show("for code", barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE));
  Show("register", barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED));
  ShowCount("registered", barrier(kRegistrations));
  Show("private", barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED));
  Show("global", barrier(MEMBARRIER_CMD_GLOBAL));
  Show("global, expedited", barrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED));
  Show("register globally", barrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED));
  ShowCount("registered", barrier(kRegistrations));
  for (int command : {-1, 3, 1024}) Show("unknown", barrier(command));
  for (int command : {0, 1, 8, 512}) Show("with flags", barrier(command, 1));
}

}  // namespace

int main() {
  DropRoot();
  const rlimit none = {0, 0};
  Must(setrlimit(RLIMIT_NICE, &none) == 0 && setrlimit(RLIMIT_RTPRIO, &none) == 0, "setrlimit");
  Affinity();
  Barriers();
  NiceValues();
  Policies();
  return 0;
}
