#include "os_emu/vfs/differential.h"

#include "abi/errno.h"
#include "absl/strings/str_format.h"

namespace pollux::os_emu::differential {

const char* NameOf(Kind kind) {
  static constexpr const char* kNames[] = {
      "open",      "close",      "read",      "write",    "pread",    "pwrite",
      "lseek",     "ftruncate",  "fallocate", "fstat",    "getdents", "getdents_small",
      "fstatat",   "readlinkat", "faccessat", "mkdirat",  "mknodat",  "symlinkat",
      "linkat",    "unlinkat",   "renameat2", "fchmodat", "fchmod",   "fchownat",
      "utimensat", "truncate",   "chdir",     "fchdir",   "getcwd"};
  static_assert(std::size(kNames) == static_cast<size_t>(Kind::kCount));
  return kNames[static_cast<size_t>(kind)];
}

std::string Op::Text() const {
  auto shorten = [](const std::string& text) {
    return text.size() <= 80 ? text : absl::StrFormat("%s...[%d]", text.substr(0, 60), text.size());
  };
  return absl::StrFormat(
      "%s(slot=%d, base=%d, \"%s\", base2=%d, \"%s\", flags=0%o, mode=0%o, offset=%d, bytes=%d)",
      NameOf(kind), slot, base, shorten(path), base2, shorten(path2), flags, mode, offset, bytes);
}

std::string Outcome::Text() const {
  std::string shown =
      value < 0 ? std::string(ErrnoName(static_cast<Errno>(-value))) : std::to_string(value);
  if (!text.empty())
    shown += " [" + (text.size() <= 300 ? text : text.substr(0, 300) + "...") + "]";
  return shown;
}

std::string HideBase(const std::string& text, const std::string& base) {
  if (text.starts_with(base)) return "@" + text.substr(base.size());
  const std::string top = base.substr(0, base.size() - (sizeof(kBelow) - 1));
  if (text.starts_with(top)) return "%" + text.substr(top.size());
  return text;
}

std::string Pattern(uint64_t seed, uint32_t bytes) {
  std::string pattern(bytes, '\0');
  for (uint32_t i = 0; i < bytes; ++i) pattern[i] = static_cast<char>('a' + (seed + i * 7) % 26);
  return pattern;
}

std::string StatusText(uint32_t mode, uint64_t nlink, uint64_t size, uint64_t blocks,
                       uint64_t order, Details details) {
  const bool directory = (mode & kModeTypeMask) == kModeDirectory;
  std::string text = absl::StrFormat("mode=0%o #%d", mode, order);
  if (!directory || details.directories)
    absl::StrAppendFormat(&text, " nlink=%d size=%d", nlink, size);
  if (details.blocks && !directory) absl::StrAppendFormat(&text, " blocks=%d", blocks);
  return text;
}

}  // namespace pollux::os_emu::differential
