#include "machine/sysroot.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "os_emu/file/directory_sink.h"

namespace pollux::machine {
namespace {

namespace fs = std::filesystem;
using os_emu::RootCaller;

// Whether a directory of the guest has no entries.
class EntrySink final : public os_emu::DirectorySink {
 public:
  bool Add(uint64_t, uint64_t, os_emu::EntryType, std::string_view name) override {
    any = any || (name != "." && name != "..");
    return true;
  }
  bool any = false;
};

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
    const bool guest_has = files_.Access(RootCaller(), {}, path, 0).ok();
    switch (status.type()) {
      case fs::file_type::directory:
        return guest_has ? ShowBeside(host, path) : Mount(host, path);
      case fs::file_type::symlink: {
        if (guest_has) return absl::OkStatus();
        const std::string target = fs::read_symlink(host, error).string();
        if (error) return Refused(host, error.message());
        return StatusOf(host, files_.MakeSymlink(RootCaller(), target, {}, path));
      }
      case fs::file_type::regular:
        return guest_has ? absl::OkStatus() : Copy(host, path, status);
      default:
        return absl::OkStatus();  // Devices, sockets: not of this world.
    }
  }

  absl::Status Mount(const fs::path& host, const std::string& path) {
    return files_.MountHostDirectory(path, host.string(), /*read_only=*/true, uid_, gid_);
  }

  // The guest has something at `path`. An empty directory gives way, wherever a link leads to it.
  absl::Status ShowBeside(const fs::path& host, const std::string& path) {
    const Result<os_emu::DescriptionRef> directory =
        files_.Open(RootCaller(), {}, path, os_emu::kODirectory);
    if (!directory.ok()) return absl::OkStatus();
    EntrySink entries;
    if (Result<void> read = (*directory)->ReadDirectory(entries); !read.ok())
      return StatusOf(host, read);
    if (entries.any) return ShowEntries(host, path);
    const Result<std::string> place = files_.PathOf(*directory);
    if (!place.ok()) return Refused(host, std::string(ErrnoText(place.error())));
    return Mount(host, *place);
  }

  absl::Status Copy(const fs::path& host, const std::string& path, const fs::file_status& status) {
    std::ifstream from(host, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(from)),
                            std::istreambuf_iterator<char>());
    if (!from) return Refused(host, "it cannot be read");
    const auto mode = static_cast<uint32_t>(status.permissions()) & 0755;
    return StatusOf(host, files_.MakeFile(path, bytes, mode));
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
