#include "cli/progress.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <utility>

namespace pollux::cli {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBetweenTerminalLines{100}, kBetweenPlainLines{10'000};

volatile std::sig_atomic_t interrupts = 0;

// The second time it is meant for what does not end by itself.
void OnInterrupt(int) {
  interrupts = 1;
  std::signal(SIGINT, SIG_DFL);
}

}  // namespace

Progress::Progress(std::string what)
    : what_(std::move(what)),
      terminal_(isatty(STDERR_FILENO) == 1),
      next_(terminal_ ? kBetweenTerminalLines : kBetweenPlainLines) {
  interrupts = 0;
  previous_ = std::signal(SIGINT, OnInterrupt);
}

Progress::~Progress() {
  Clear();
  std::signal(SIGINT, previous_);
}

void Progress::Show(milliseconds elapsed, absl::string_view line) {
  if (elapsed < next_) return;
  next_ = elapsed + (terminal_ ? kBetweenTerminalLines : kBetweenPlainLines);
  std::fprintf(stderr, terminal_ ? "\r\x1b[K%s: %.*s" : "%s: %.*s\n", what_.c_str(),
               static_cast<int>(line.size()), line.data());
  std::fflush(stderr);
  shown_ = true;
}

void Progress::Clear() {
  if (shown_ && terminal_) std::fputs("\r\x1b[K", stderr);
  shown_ = false;
}

bool Progress::interrupted() const { return interrupts != 0; }

}  // namespace pollux::cli
