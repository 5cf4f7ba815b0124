// The structures that riscv64 Linux shares with programs, byte for byte (asm-generic and linux/uapi
// headers). The sizes asserted here were printed by the riscv64 cross compiler for the headers' own
// structures.
#ifndef POLLUX_SHIMS_LINUX_ABI_H_
#define POLLUX_SHIMS_LINUX_ABI_H_

#include <cstdint>

namespace pollux::shims {

struct GuestTimespec {
  int64_t seconds;
  int64_t nanoseconds;
};

struct GuestTimeval {
  int64_t seconds;
  int64_t microseconds;
};

struct GuestItimerspec {
  GuestTimespec interval;
  GuestTimespec value;
};

struct GuestItimerval {
  GuestTimeval interval;
  GuestTimeval value;
};

// asm-generic/siginfo.h
struct GuestSigevent {
  uint64_t value;
  int32_t signal;
  int32_t notify;
  int32_t thread;  // Of SIGEV_THREAD_ID.
  int32_t pad[11];
};
static_assert(sizeof(GuestSigevent) == 64);

struct GuestIovec {
  uint64_t start;
  uint64_t bytes;
};

// asm-generic/stat.h
struct GuestStat {
  uint64_t dev;
  uint64_t ino;
  uint32_t mode;
  uint32_t nlink;
  uint32_t uid;
  uint32_t gid;
  uint64_t rdev;
  uint64_t pad1;
  int64_t size;
  int32_t blksize;
  int32_t pad2;
  int64_t blocks;
  GuestTimespec atime;
  GuestTimespec mtime;
  GuestTimespec ctime;
  uint32_t unused[2];
};
static_assert(sizeof(GuestStat) == 128);

struct GuestStatxTime {
  int64_t seconds;
  uint32_t nanoseconds;
  int32_t reserved;
};
// linux/stat.h
struct GuestStatx {
  uint32_t mask;
  uint32_t blksize;
  uint64_t attributes;
  uint32_t nlink;
  uint32_t uid;
  uint32_t gid;
  uint16_t mode;
  uint16_t spare0;
  uint64_t ino;
  uint64_t size;
  uint64_t blocks;
  uint64_t attributes_mask;
  GuestStatxTime atime;
  GuestStatxTime btime;
  GuestStatxTime ctime;
  GuestStatxTime mtime;
  uint32_t rdev_major;
  uint32_t rdev_minor;
  uint32_t dev_major;
  uint32_t dev_minor;
  uint64_t mnt_id;
  uint64_t spare[13];
};
static_assert(sizeof(GuestStatx) == 256);

// asm-generic/statfs.h with 64-bit words.
struct GuestStatfs {
  int64_t type;
  int64_t bsize;
  int64_t blocks;
  int64_t bfree;
  int64_t bavail;
  int64_t files;
  int64_t ffree;
  int32_t fsid[2];
  int64_t namelen;
  int64_t frsize;
  int64_t flags;
  int64_t spare[4];
};
static_assert(sizeof(GuestStatfs) == 120);

// linux/eventpoll.h; not packed on riscv64.
struct GuestEpollEvent {
  uint32_t events;
  uint32_t padding;
  uint64_t data;
};

struct GuestPollfd {
  int32_t fd;
  int16_t events;
  int16_t revents;
};

// linux/resource.h
struct GuestRusage {
  GuestTimeval utime;
  GuestTimeval stime;
  int64_t maxrss;
  int64_t shared_text, own_data, own_stack;  // Linux has no numbers for them.
  int64_t minor_faults;
  int64_t rest[9];
};
static_assert(sizeof(GuestRusage) == 144);

struct GuestRlimit {
  uint64_t soft;
  uint64_t hard;
};

struct GuestTms {
  int64_t utime;
  int64_t stime;
  int64_t cutime;
  int64_t cstime;
};

// linux/utsname.h
struct GuestUtsname {
  char sysname[65];
  char nodename[65];
  char release[65];
  char version[65];
  char machine[65];
  char domainname[65];
};
static_assert(sizeof(GuestUtsname) == 390);

// linux/sysinfo.h
struct GuestSysinfo {
  int64_t uptime;
  uint64_t loads[3];
  uint64_t totalram;
  uint64_t freeram;
  uint64_t sharedram;
  uint64_t bufferram;
  uint64_t totalswap;
  uint64_t freeswap;
  uint16_t procs;
  uint16_t pad;
  uint32_t pad2;
  uint64_t totalhigh;
  uint64_t freehigh;
  uint32_t mem_unit;
  uint32_t pad3;
};
static_assert(sizeof(GuestSysinfo) == 112);

// struct sigaction of the kernel: riscv has no restorer.
struct GuestSigaction {
  uint64_t handler;
  uint64_t flags;
  uint64_t mask;
};

// stack_t
struct GuestSigstack {
  uint64_t start;
  int32_t flags;
  int32_t pad;
  uint64_t bytes;
};
static_assert(sizeof(GuestSigstack) == 24);

// struct flock (asm-generic/fcntl.h)
struct GuestFlock {
  int16_t type;
  int16_t whence;
  int32_t pad;
  int64_t start;
  int64_t length;
  int32_t pid;
  int32_t pad2;
};
static_assert(sizeof(GuestFlock) == 32);

// asm/hwprobe.h
struct GuestHwprobe {
  int64_t key;
  uint64_t value;
};

// The sixth argument of pselect6.
struct GuestSelectMask {
  uint64_t mask;
  uint64_t size;
};

// struct futex_waitv
struct GuestFutexWait {
  uint64_t value;
  uint64_t address;
  uint32_t flags;
  uint32_t reserved;
};

// struct clone_args; what is behind its first version may be missing.
struct GuestCloneArgs {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
  uint64_t set_tid, set_tid_size, cgroup;
};
inline constexpr uint64_t kCloneArgsVersion0 = 64;

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_LINUX_ABI_H_
