// DirectorySink: where FileDescription::ReadDirectory puts entries, one after the other, until it
// is full (Linux's dir_context). The system-call layer implements it over struct linux_dirent64.
#ifndef POLLUX_OS_EMU_FILE_DIRECTORY_SINK_H_
#define POLLUX_OS_EMU_FILE_DIRECTORY_SINK_H_

#include <cstdint>
#include <string_view>

namespace pollux::os_emu {

// d_type of getdents64(2).
enum class EntryType : uint8_t {
  kUnknown = 0,
  kFifo = 1,
  kCharacter = 2,
  kDirectory = 4,
  kBlock = 6,
  kRegular = 8,
  kLink = 10,
  kSocket = 12,
};
// The type of an inode with this st_mode.
constexpr EntryType EntryTypeOf(uint32_t mode) { return static_cast<EntryType>((mode >> 12) & 15); }

class DirectorySink {
 public:
  virtual ~DirectorySink() = default;
  // False: no room, the entry was not taken and none will be. `next_offset`: the file position
  // after this entry (d_off), from which a later ReadDirectory goes on. `name` has no '/' and no
  // NUL.
  virtual bool Add(uint64_t ino, uint64_t next_offset, EntryType type, std::string_view name) = 0;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_FILE_DIRECTORY_SINK_H_
