// machine_files: what C libraries, allocators and the runtimes of Go, Rust and Node read below
// /proc and /sys when they start: it is there, and it has the form that they expect.
#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/sysinfo.h>

#include <fstream>
#include <regex>
#include <sstream>
#include <string>

#include "testsuite/basics/check.h"

namespace {

std::string Read(const std::string& path) {
  std::ifstream file(path);
  if (!file) return "cannot be opened";
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void Matches(const char* path, const char* pattern) {
  const std::string text = Read(path);
  const bool matches = std::regex_search(text, std::regex(pattern));
  std::printf("%s: %s\n", path, matches ? "as expected" : text.c_str());
}

}  // namespace

int main() {
  const char* const kNumber = "^[0-9]+\n$";
  for (const char* path : {"/proc/sys/fs/epoll/max_user_watches",
                           "/proc/sys/fs/file-max",
                           "/proc/sys/fs/inotify/max_queued_events",
                           "/proc/sys/fs/inotify/max_user_instances",
                           "/proc/sys/fs/inotify/max_user_watches",
                           "/proc/sys/fs/nr_open",
                           "/proc/sys/fs/pipe-max-size",
                           "/proc/sys/kernel/cap_last_cap",
                           "/proc/sys/kernel/ngroups_max",
                           "/proc/sys/kernel/pid_max",
                           "/proc/sys/kernel/pty/max",
                           "/proc/sys/kernel/random/entropy_avail",
                           "/proc/sys/kernel/threads-max",
                           "/proc/sys/net/core/somaxconn",
                           "/proc/sys/net/unix/max_dgram_qlen",
                           "/proc/sys/vm/max_map_count",
                           "/proc/sys/vm/mmap_min_addr",
                           "/proc/sys/vm/overcommit_memory",
                           "/proc/sys/vm/overcommit_ratio",
                           "/sys/devices/system/cpu/kernel_max",
                           "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"}) {
    Matches(path, kNumber);
  }
  const char* const kUuid =
      "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\n$";
  Matches("/proc/sys/kernel/random/uuid", kUuid);
  Matches("/proc/sys/kernel/random/boot_id", "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n$");
  std::printf("another uuid each time: %d, one boot_id: %d\n",
              Read("/proc/sys/kernel/random/uuid") != Read("/proc/sys/kernel/random/uuid"),
              Read("/proc/sys/kernel/random/boot_id") == Read("/proc/sys/kernel/random/boot_id"));
  Matches("/proc/sys/kernel/osrelease", "^[0-9]+\\.[0-9]+\\.[0-9]+.*\n$");
  Matches("/proc/sys/kernel/ostype", "^Linux\n$");
  char host[65];
  Must(gethostname(host, sizeof host) == 0, "gethostname");
  std::printf("hostname: %d\n", Read("/proc/sys/kernel/hostname") == std::string(host) + "\n");
  for (const char* path : {"/sys/devices/system/cpu/online", "/sys/devices/system/cpu/possible",
                           "/sys/devices/system/cpu/present"}) {
    Matches(path, "^0(-[0-9]+)?\n$");
  }
  Matches("/sys/kernel/mm/transparent_hugepage/enabled",
          "^[^\n]*\\[(always|madvise|never)\\].*\n$");

  Matches("/proc/cpuinfo", "^processor\t: 0\n");
  Matches("/proc/meminfo",
          "^MemTotal: +[0-9]+ kB\nMemFree: +[0-9]+ kB\nMemAvailable: +[0-9]+ kB\n");
  Matches("/proc/stat", "^cpu  [0-9]+( [0-9]+){9}\ncpu0 ");
  Matches("/proc/stat", "\nbtime [0-9]+\n");
  Matches("/proc/uptime", "^[0-9]+\\.[0-9][0-9] [0-9]+\\.[0-9][0-9]\n$");
  Matches("/proc/loadavg", "^([0-9]+\\.[0-9][0-9] ){3}[0-9]+/[0-9]+ [0-9]+\n$");
  Matches("/proc/version", "^Linux version [^ ]+ \\(");
  Matches("/proc/filesystems", "nodev\tproc\n");

  Matches("/proc/self/stat", "^[0-9]+ \\(.*\\) R( -?[0-9]+){49}\n$");
  Matches("/proc/self/statm", "^[0-9]+( [0-9]+){6}\n$");
  Matches("/proc/self/cgroup", "(^|\n)0::/");
  Matches("/proc/self/mountinfo", "[0-9]+ [0-9]+ [0-9]+:[0-9]+ / / r[ow].* - [a-z0-9]+ ");
  Matches("/proc/self/mounts", "^[^ ]+ [^ ]+ [^ ]+ r[ow][^ ]* 0 0\n");
  Matches("/proc/self/oom_score_adj", "^-?[0-9]+\n$");
  Matches("/proc/self/limits", "\nMax open files +[0-9]+ +[0-9]+ +files +\n");
  Matches("/proc/self/maps", "[0-9a-f]+-[0-9a-f]+ r.xp [0-9a-f]+ [0-9a-f:]+ [0-9]+ +/.*\n");
  Matches("/proc/self/timerslack_ns", kNumber);
  Matches("/proc/self/loginuid", "^[0-9]+$");
  for (const char* line : {"\nTgid:\t[0-9]+\n", "\nUid:\t[0-9]+(\t[0-9]+){3}\n", "\nNSpid:\t[0-9]+",
                           "\nVmRSS:\t *[0-9]+ kB\n", "\nThreads:\t1\n", "\nSigQ:\t[0-9]+/[0-9]+\n",
                           "\nSigCgt:\t[0-9a-f]{16}\n", "\nCapBnd:\t[0-9a-f]{16}\n",
                           "\nSeccomp:\t[0-9]\n", "\nCpus_allowed_list:\t[-,0-9]+\n"}) {
    Matches("/proc/self/status", line);
  }
  const std::string task = "/proc/self/task/" + std::to_string(getpid());
  std::printf("task: comm %d, stat %d\n", Read(task + "/comm") == Read("/proc/self/comm"),
              Read(task + "/stat").compare(0, 5, Read("/proc/self/stat"), 0, 5) == 0);

  // The auxiliary vector, as getauxval() knows it.
  const std::string vector = Read("/proc/self/auxv");
  const auto* entries = reinterpret_cast<const Elf64_auxv_t*>(vector.data());
  const size_t count = vector.size() / sizeof *entries;
  std::printf("auxv: whole entries %d, ends %d\n", vector.size() % sizeof *entries == 0,
              count > 0 && entries[count - 1].a_type == AT_NULL);
  for (size_t i = 0; i + 1 < count; ++i) {
    switch (entries[i].a_type) {
      case AT_PHDR:
      case AT_ENTRY:
      case AT_PAGESZ:
      case AT_RANDOM:
      case AT_UID:
        std::printf("auxv: %d, as getauxval says %d\n", static_cast<int>(entries[i].a_type),
                    getauxval(entries[i].a_type) == entries[i].a_un.a_val);
    }
  }

  Show("a value that may not be set", open("/proc/sys/kernel/osrelease", O_WRONLY));
  Show("none of that name", open("/proc/sys/kernel/nothing", O_RDONLY));
  return 0;
}
