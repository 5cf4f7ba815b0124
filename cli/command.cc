#include "cli/command.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace pollux::cli {

void PrintError(absl::string_view message) {
  std::fprintf(stderr, "pollux: %.*s\n", static_cast<int>(message.size()), message.data());
}

int ExitStatusOf(const absl::Status& status) {
  if (absl::IsNotFound(status)) return kExitNotFound;
  return absl::IsFailedPrecondition(status) ? kExitCannotLoad : kExitUsage;
}

absl::StatusOr<HostFileView> HostFileView::Open(const std::string& path) {
  const auto refuse = [&](absl::string_view why) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": ", why));
  };
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
    return absl::NotFoundError(absl::StrCat(path, ": ", std::strerror(errno)));
  if (fd < 0) return refuse(std::strerror(errno));
  absl::Cleanup close_fd = [fd] { close(fd); };
  struct stat status;
  if (fstat(fd, &status) != 0) return refuse(std::strerror(errno));
  if (S_ISDIR(status.st_mode)) return refuse("is a directory");
  if (!S_ISREG(status.st_mode)) return refuse("is not a regular file");
  const auto size = static_cast<size_t>(status.st_size);
  if (size == 0) return HostFileView({});
  void* const at = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (at == MAP_FAILED) return refuse(std::strerror(errno));
  return HostFileView({static_cast<const char*>(at), size});
}

HostFileView::~HostFileView() {
  if (!bytes_.empty()) munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

absl::StatusOr<std::string> ReadHostFile(const std::string& path) {
  absl::StatusOr<HostFileView> file = HostFileView::Open(path);
  if (!file.ok()) return file.status();
  return std::string(file->bytes());
}

void WriteToHost(int stream, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(stream, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

std::optional<uint64_t> ParseBytes(absl::string_view text) {
  uint64_t unit = 1;
  if (!text.empty()) {
    switch (text.back()) {
      case 'K':
        unit = uint64_t{1} << 10;
        break;
      case 'M':
        unit = uint64_t{1} << 20;
        break;
      case 'G':
        unit = uint64_t{1} << 30;
        break;
    }
    if (unit != 1) text.remove_suffix(1);
  }
  uint64_t count = 0;
  if (!absl::SimpleAtoi(text, &count) || count == 0 || count > UINT64_MAX / unit)
    return std::nullopt;
  return count * unit;
}

}  // namespace pollux::cli
