#include "machine/contained.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace pollux::machine {
namespace {

constexpr size_t kMostBytes = size_t{16} << 20;
constexpr rlim_t kMemoryBytes = rlim_t{1} << 30;
constexpr rlim_t kProcessorSeconds = 5;
// Should it wait for something: longer than it may compute on a busy host.
constexpr std::chrono::seconds kLongest{60};

void Limit(int resource, rlim_t value) {
  const rlimit limit{value, value};
  (void)setrlimit(static_cast<__rlimit_resource>(resource), &limit);
}

// What this process has of address space now, a guest's 256 GiB among it.
rlim_t AddressSpaceBytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return RLIM_INFINITY;
  char text[64] = "";
  const bool read = std::fgets(text, sizeof(text), file) != nullptr;
  std::fclose(file);
  if (!read) return RLIM_INFINITY;
  return std::strtoull(text, nullptr, 10) * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

// A library's last words are not for the user.
void Silence() {
  const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nowhere < 0) return;
  dup2(nowhere, STDOUT_FILENO);
  dup2(nowhere, STDERR_FILENO);
  close(nowhere);
}

void GiveUpRights() {
  const rlim_t used = AddressSpaceBytes();
  if (used != RLIM_INFINITY) Limit(RLIMIT_AS, used + kMemoryBytes);
  // Files of the host that a guest's file names: DWARF has several ways to say "see there".
  Limit(RLIMIT_NOFILE, 0);
}

void WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) _exit(1);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

// Until the end, the deadline or kMostBytes; whole lines only.
std::string ReadLines(int fd) {
  const auto deadline = std::chrono::steady_clock::now() + kLongest;
  std::string lines;
  while (lines.size() < kMostBytes) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = left.count() <= 0 ? 0 : poll(&readable, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) break;
    char bytes[4096];
    const ssize_t count = read(fd, bytes, sizeof(bytes));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    lines.append(bytes, static_cast<size_t>(count));
  }
  const size_t last = lines.rfind('\n');
  lines.resize(last == std::string::npos ? 0 : last + 1);
  return lines;
}

}  // namespace

std::string RunContained(
    const std::function<void()>& prepare,
    const std::function<void(const std::function<void(std::string_view)>&)>& work) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {};
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    Silence();
    Limit(RLIMIT_CORE, 0);
    Limit(RLIMIT_CPU, kProcessorSeconds);
    (void)std::signal(SIGPIPE, SIG_DFL);
    prepare();
    GiveUpRights();
    work([&ends](std::string_view line) {
      WriteAll(ends[1], line);
      WriteAll(ends[1], "\n");
    });
    _exit(0);
  }
  close(ends[1]);
  std::string lines;
  if (child > 0) {
    lines = ReadLines(ends[0]);
    (void)kill(child, SIGKILL);
    while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  close(ends[0]);
  return lines;
}

}  // namespace pollux::machine
