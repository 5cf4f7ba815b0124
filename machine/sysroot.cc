#include "machine/sysroot.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "memory/user_buffer.h"

namespace pollux::machine {
namespace {

namespace fs = std::filesystem;
using os_emu::Caller;

Caller Root() {
  Caller root;
  root.umask = 0;
  return root;
}

class Shower {
 public:
  Shower(os_emu::FileSystem& files, uint32_t uid, uint32_t gid)
      : files_(files), uid_(uid), gid_(gid) {}

  // The entries of `host` below the guest's directory `guest` ("" or "/usr").
  absl::Status ShowEntries(const fs::path& host, const std::string& guest) {
    std::error_code error;
    std::vector<fs::path> entries;
    for (fs::directory_iterator at(host, error), end; !error && at != end; at.increment(error))
      entries.push_back(at->path());
    if (error) return Refused(host, error.message());
    std::sort(entries.begin(), entries.end());
    for (const fs::path& entry : entries) {
      const std::string path = absl::StrCat(guest, "/", entry.filename().string());
      if (path == "/dev" || path == "/proc" || path == "/sys" || path == "/tmp") continue;
      if (absl::Status shown = Show(entry, path); !shown.ok()) return shown;
    }
    return absl::OkStatus();
  }

 private:
  static absl::Status Refused(const fs::path& path, absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat(path.string(), ": ", why));
  }
  static absl::Status StatusOf(const fs::path& path, const Result<void>& result) {
    if (result.ok()) return absl::OkStatus();
    return Refused(path, std::string(ErrnoText(result.error())));
  }

  absl::Status Show(const fs::path& host, const std::string& path) {
    std::error_code error;
    const fs::file_status status = fs::symlink_status(host, error);
    if (error) return Refused(host, error.message());
    const bool guest_has = files_.Access(Root(), {}, path, 0).ok();
    switch (status.type()) {
      case fs::file_type::directory:
        if (!guest_has) return files_.MountHostDirectory(path, host.string(), true, uid_, gid_);
        // Both have one.
        if (files_.OpenDirectory(Root(), {}, path).ok()) return ShowEntries(host, path);
        return absl::OkStatus();
      case fs::file_type::symlink: {
        if (guest_has) return absl::OkStatus();
        const std::string target = fs::read_symlink(host, error).string();
        if (error) return Refused(host, error.message());
        return StatusOf(host, files_.MakeSymlink(Root(), target, {}, path));
      }
      case fs::file_type::regular:
        return guest_has ? absl::OkStatus() : Copy(host, path, status);
      default:
        return absl::OkStatus();  // Devices, sockets: not of this world.
    }
  }

  absl::Status Copy(const fs::path& host, const std::string& path, const fs::file_status& status) {
    std::ifstream from(host, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(from)),
                            std::istreambuf_iterator<char>());
    if (!from) return Refused(host, "it cannot be read");
    const auto mode = static_cast<uint32_t>(status.permissions()) & 0755;
    Result<os_emu::DescriptionRef> made =
        files_.Open(Root(), {}, path, os_emu::kOCreat | os_emu::kOWrOnly, mode);
    if (!made.ok()) return Refused(host, std::string(ErrnoText(made.error())));
    memory::UserBuffer buffer = memory::UserBuffer::HostConst(
        {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
    while (buffer.remaining() > 0) {
      const Result<size_t> wrote = (*made)->Write(buffer);
      if (!wrote.ok()) return Refused(host, std::string(ErrnoText(wrote.error())));
    }
    return absl::OkStatus();
  }

  os_emu::FileSystem& files_;
  uint32_t uid_, gid_;
};

}  // namespace

absl::Status ShowSysroot(os_emu::FileSystem& files, const std::string& root, uint32_t uid,
                         uint32_t gid) {
  std::error_code error;
  const fs::path host = fs::canonical(root, error);
  if (error) return absl::InvalidArgumentError(error.message());
  if (!fs::is_directory(host)) return absl::InvalidArgumentError("is not a directory");
  return Shower(files, uid, gid).ShowEntries(host, "");
}

}  // namespace pollux::machine
