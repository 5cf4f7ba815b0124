// For the differential test: operations on files as plain data, and the worlds that they are done
// in: the host's kernel in a real directory, and a FileSystem. The same operation must have the
// same outcome in both.
#ifndef POLLUX_OS_EMU_VFS_DIFFERENTIAL_H_
#define POLLUX_OS_EMU_VFS_DIFFERENTIAL_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "os_emu/vfs/file_system.h"

namespace pollux::os_emu::differential {

inline constexpr int kSlots = 8;  // Open files, by number.
// Of fchownat: the id of who walks, which differs from world to world.
inline constexpr uint32_t kOwnId = 0xfffffffe;

enum class Kind {
  kOpen,
  kClose,
  kRead,
  kWrite,
  kReadAt,
  kWriteAt,
  kSeek,
  kTruncateFile,
  kAllocate,
  kStatFile,
  kList,
  kListSome,
  kStat,
  kReadLink,
  kAccess,
  kMakeDirectory,
  kMakeNode,
  kSymlink,
  kLink,
  kUnlink,
  kRename,
  kChangeMode,
  kChangeFileMode,
  kChangeOwner,
  kChangeTimes,
  kTruncate,
  kChangeDirectory,
  kChangeToFile,
  kWorkingDirectory,
  kCount
};
const char* NameOf(Kind kind);

// `path` and `path2` may begin with '@': the world's base directory. `base` and `base2`: a slot, or
// -1 for the working directory.
struct Op {
  Kind kind = Kind::kStat;
  int slot = 0;
  int base = -1;
  int base2 = -1;
  std::string path;
  std::string path2;
  uint32_t flags = 0;
  uint32_t mode = 0;
  int64_t offset = 0;
  uint32_t bytes = 0;

  std::string Text() const;
};

// A value or a negated error number, and what else was told.
struct Outcome {
  int64_t value = 0;
  std::string text;

  friend bool operator==(const Outcome&, const Outcome&) = default;
  std::string Text() const;
};

// What is compared only between like file systems.
struct Details {
  bool directories = false;  // Size and link count of directories.
  bool blocks = false;
};

// Inode numbers become the order in which they were first seen.
class Numbers {
 public:
  uint64_t Order(uint64_t ino) { return order_.try_emplace(ino, order_.size()).first->second; }

 private:
  std::map<uint64_t, uint64_t> order_;
};

class World {
 public:
  virtual ~World() = default;
  virtual Outcome Apply(const Op& op) = 0;
};

// In the directory `base` of the host, as the calling process.
std::unique_ptr<World> MakeNativeWorld(const std::string& base, Details details);
// In the directory `base` of `files`. `canary`: unlink says ENOENT where it should say ENOTDIR.
std::unique_ptr<World> MakeEmulatedWorld(FileSystem* files, const std::string& base, uint32_t uid,
                                         uint32_t gid, Details details, bool canary);

// `text` with '@' for the base directory at its front, and '%' for what is kBelow above it.
inline constexpr char kBelow[] = "/u/u/u/u/u/u/base";
std::string HideBase(const std::string& text, const std::string& base);

// The bytes that the write operation number `seed` writes.
std::string Pattern(uint64_t seed, uint32_t bytes);

// One line of text for what stat tells.
std::string StatusText(uint32_t mode, uint64_t nlink, uint64_t size, uint64_t blocks,
                       uint64_t order, Details details);

}  // namespace pollux::os_emu::differential

#endif  // POLLUX_OS_EMU_VFS_DIFFERENTIAL_H_
