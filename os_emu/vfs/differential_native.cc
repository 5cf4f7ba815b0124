// The host's kernel as a world.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "abi/check.h"
#include "os_emu/vfs/differential.h"

namespace pollux::os_emu::differential {
namespace {

// Linux 6.6; not in older headers.
constexpr long kFchmodat2 = 452;

// O_* of this host from riscv64's, which differ in a few bits on some architectures.
int HostFlags(uint32_t flags) {
  struct Pair {
    uint32_t guest;
    int host;
  };
  static constexpr Pair kPairs[] = {
      {kOCreat, O_CREAT},         {kOExcl, O_EXCL},
      {kOTrunc, O_TRUNC},         {kOAppend, O_APPEND},
      {kODirectory, O_DIRECTORY}, {kONoFollow, O_NOFOLLOW},
      {kOPath, O_PATH},           {kOTmpFileBit, O_TMPFILE & ~O_DIRECTORY},
      {kONoAtime, O_NOATIME},
  };
  int host = static_cast<int>(flags & kOAccMode);
  for (const Pair& pair : kPairs) {
    if ((flags & pair.guest) != 0) host |= pair.host;
  }
  return host;
}

class NativeWorld final : public World {
 public:
  NativeWorld(const std::string& base, Details details) : base_(base), details_(details) {
    std::fill(std::begin(fds_), std::end(fds_), -1);
    POLLUX_CHECK(chdir(base.c_str()) == 0) << base;
  }
  ~NativeWorld() override {
    for (const int fd : fds_) {
      if (fd >= 0) close(fd);
    }
  }

  Outcome Apply(const Op& op) override;

 private:
  std::string Path(const std::string& path) const {
    return path.starts_with('@') ? base_ + path.substr(1) : path;
  }
  std::string Hide(const std::string& text) const { return HideBase(text, base_); }
  // An unused slot is a number that is not open.
  int Base(int slot) const { return slot < 0 ? AT_FDCWD : fds_[slot] < 0 ? 999999 : fds_[slot]; }
  static Outcome Of(int64_t result) { return {result < 0 ? -errno : result, ""}; }
  Outcome OfStat(int result, const struct stat& status) {
    if (result < 0) return Of(result);
    return {0, StatusText(status.st_mode, status.st_nlink, static_cast<uint64_t>(status.st_size),
                          static_cast<uint64_t>(status.st_blocks), numbers_.Order(status.st_ino),
                          details_)};
  }
  // Positions in directories are the file system's own.
  static Outcome OfSeek(int fd, int64_t result) {
    struct stat status;
    if (result > 0 && fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) result = 0;
    return Of(result);
  }
  Outcome List(int fd);
  Outcome ListSome(int fd, uint32_t bytes);

  std::string base_;
  Details details_;
  Numbers numbers_;
  int fds_[kSlots];
};

Outcome NativeWorld::List(int fd) {
  if (lseek(fd, 0, SEEK_SET) < 0) return Of(-1);
  std::vector<std::string> lines;
  std::vector<std::pair<std::string, std::pair<int, uint64_t>>> entries;
  char buffer[8192];
  while (true) {
    const long bytes = syscall(SYS_getdents64, fd, buffer, sizeof(buffer));
    if (bytes < 0) return Of(-1);
    if (bytes == 0) break;
    for (long at = 0; at < bytes;) {
      const auto* entry = reinterpret_cast<const struct dirent64*>(buffer + at);
      entries.push_back({entry->d_name, {entry->d_type, entry->d_ino}});
      at += entry->d_reclen;
    }
  }
  std::sort(entries.begin(), entries.end());
  Outcome outcome;
  for (const auto& [name, what] : entries) {
    outcome.text += name + ":" + std::to_string(what.first);
    if (name != "..") outcome.text += ":" + std::to_string(numbers_.Order(what.second));
    outcome.text += " ";
  }
  return outcome;
}

// How many entries there are, counted in calls with a small buffer.
Outcome NativeWorld::ListSome(int fd, uint32_t bytes) {
  if (lseek(fd, 0, SEEK_SET) < 0) return Of(-1);
  int64_t count = 0;
  std::vector<char> buffer(bytes);
  while (true) {
    const long got = syscall(SYS_getdents64, fd, buffer.data(), buffer.size());
    if (got < 0) return Of(-1);
    if (got == 0) return {count, ""};
    for (long at = 0; at < got;) {
      ++count;
      at += reinterpret_cast<const struct dirent64*>(buffer.data() + at)->d_reclen;
    }
  }
}

Outcome NativeWorld::Apply(const Op& op) {
  const std::string path = Path(op.path), path2 = Path(op.path2);
  const int base = Base(op.base), base2 = Base(op.base2);
  int& fd = fds_[op.slot];
  const int at = static_cast<int>(op.flags);
  struct stat status;
  switch (op.kind) {
    case Kind::kOpen: {
      const int opened =
          static_cast<int>(syscall(SYS_openat, base, path.c_str(), HostFlags(op.flags), op.mode));
      if (opened < 0) return Of(-1);
      if (fd >= 0) close(fd);
      fd = opened;
      return {};
    }
    case Kind::kClose: {
      const int result = close(Base(op.slot));
      fd = -1;
      return Of(result);
    }
    case Kind::kRead:
    case Kind::kReadAt: {
      std::string buffer(op.bytes, '\0');
      const ssize_t got = op.kind == Kind::kRead
                              ? read(Base(op.slot), buffer.data(), op.bytes)
                              : pread(Base(op.slot), buffer.data(), op.bytes, op.offset);
      if (got < 0) return Of(-1);
      buffer.resize(static_cast<size_t>(got));
      return {got, buffer};
    }
    case Kind::kWrite:
    case Kind::kWriteAt: {
      const std::string bytes = Pattern(op.mode, op.bytes);
      return Of(op.kind == Kind::kWrite
                    ? write(Base(op.slot), bytes.data(), bytes.size())
                    : pwrite(Base(op.slot), bytes.data(), bytes.size(), op.offset));
    }
    case Kind::kSeek:
      return OfSeek(Base(op.slot), lseek(Base(op.slot), op.offset, static_cast<int>(op.mode)));
    case Kind::kTruncateFile:
      return Of(ftruncate(Base(op.slot), op.offset));
    case Kind::kAllocate:
      return Of(fallocate(Base(op.slot), at, op.offset, op.bytes));
    case Kind::kStatFile:
      return OfStat(fstat(Base(op.slot), &status), status);
    case Kind::kList:
      return List(Base(op.slot));
    case Kind::kListSome:
      return ListSome(Base(op.slot), op.bytes);
    case Kind::kStat:
      return OfStat(fstatat(base, path.c_str(), &status, at), status);
    case Kind::kReadLink: {
      char target[8192];
      const ssize_t bytes = readlinkat(base, path.c_str(), target, sizeof(target));
      if (bytes < 0) return Of(-1);
      return {bytes, Hide(std::string(target, static_cast<size_t>(bytes)))};
    }
    case Kind::kAccess:
      return Of(syscall(SYS_faccessat2, base, path.c_str(), op.mode, op.flags));
    case Kind::kMakeDirectory:
      return Of(mkdirat(base, path.c_str(), op.mode));
    case Kind::kMakeNode:
      return Of(syscall(SYS_mknodat, base, path.c_str(), op.mode, 0));
    case Kind::kSymlink:
      return Of(symlinkat(path2.c_str(), base, path.c_str()));
    case Kind::kLink:
      return Of(linkat(base, path.c_str(), base2, path2.c_str(), at));
    case Kind::kUnlink:
      return Of(syscall(SYS_unlinkat, base, path.c_str(), at));
    case Kind::kRename:
      return Of(syscall(SYS_renameat2, base, path.c_str(), base2, path2.c_str(), at));
    case Kind::kChangeMode:
      if (at == 0) return Of(syscall(SYS_fchmodat, base, path.c_str(), op.mode));
      return Of(syscall(kFchmodat2, base, path.c_str(), op.mode, at));
    case Kind::kChangeFileMode:
      return Of(fchmod(Base(op.slot), op.mode));
    case Kind::kChangeOwner: {
      const uid_t uid = op.offset == kOwnId ? geteuid() : static_cast<uid_t>(op.offset);
      const gid_t gid = op.mode == kOwnId ? getegid() : op.mode;
      return Of(syscall(SYS_fchownat, base, path.c_str(), uid, gid, at));
    }
    case Kind::kChangeTimes: {
      const struct timespec times[2] = {{0, op.mode == 0   ? UTIME_NOW
                                            : op.mode == 1 ? UTIME_OMIT
                                                           : 5},
                                        {0, op.bytes == 0   ? UTIME_NOW
                                            : op.bytes == 1 ? UTIME_OMIT
                                                            : 5}};
      return Of(syscall(SYS_utimensat, base, path.c_str(), times, at));
    }
    case Kind::kTruncate:
      return Of(truncate(path.c_str(), op.offset));
    case Kind::kChangeDirectory:
      return Of(chdir(path.c_str()));
    case Kind::kChangeToFile:
      return Of(fchdir(Base(op.slot)));
    case Kind::kWorkingDirectory: {
      char buffer[4096];
      const long bytes = syscall(SYS_getcwd, buffer, sizeof(buffer));
      if (bytes < 0) return Of(-1);
      return {0, Hide(buffer)};
    }
    case Kind::kCount:
      break;
  }
  return {};
}

}  // namespace

std::unique_ptr<World> MakeNativeWorld(const std::string& base, Details details) {
  return std::make_unique<NativeWorld>(base, details);
}

}  // namespace pollux::os_emu::differential
