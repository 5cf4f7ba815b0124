#include "explore/shared_state.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "absl/status/status.h"

namespace pollux::explore {

absl::StatusOr<std::unique_ptr<SharedState, SharedState::Unmap>> SharedState::Create() {
  void* const memory =
      mmap(nullptr, sizeof(SharedState), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return absl::ErrnoToStatus(errno, "the host has no room");
  auto* const state = new (memory) SharedState;
  for (Worker& worker : state->workers) worker.seed = kIdle;
  return std::unique_ptr<SharedState, Unmap>(state);
}

void SharedState::Unmap::operator()(SharedState* state) const {
  munmap(state, sizeof(SharedState));
}

bool SendMessage(int fd, std::string_view message) {
  const uint64_t size = message.size();
  std::string bytes(reinterpret_cast<const char*>(&size), sizeof size);
  bytes += message;
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t written = write(fd, bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    done += static_cast<size_t>(written);
  }
  return true;
}

std::optional<std::string> MessageReader::Next() {
  char chunk[65536];
  for (;;) {
    const ssize_t got = read(fd_, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    bytes_.append(chunk, static_cast<size_t>(got));
  }
  uint64_t size;
  if (bytes_.size() < sizeof size) return std::nullopt;
  std::memcpy(&size, bytes_.data(), sizeof size);
  if (bytes_.size() - sizeof size < size) return std::nullopt;
  std::string message = bytes_.substr(sizeof size, size);
  bytes_.erase(0, sizeof size + size);
  return message;
}

}  // namespace pollux::explore
