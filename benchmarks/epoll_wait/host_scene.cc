// The program on the host's kernel: a process that reads commands from one pipe and writes marks to
// another. It times its loop itself, by the host's clock.
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "abi/check.h"
#include "absl/strings/str_cat.h"
#include "benchmarks/epoll_wait/scene.h"

namespace pollux::benchmarks {
namespace {

class HostScene final : public Scene {
 public:
  HostScene(const std::string& native, SceneKind kind, uint32_t size) {
    int commands[2], marks[2];
    POLLUX_CHECK(pipe2(commands, O_CLOEXEC) == 0 && pipe2(marks, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, commands[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, marks[1], STDOUT_FILENO);
    std::string scene = absl::StrCat(static_cast<uint32_t>(kind));
    std::string number = absl::StrCat(size);
    std::string name = native;
    char* const arguments[] = {name.data(), scene.data(), number.data(), nullptr};
    char* const environment[] = {nullptr};
    const int error =
        posix_spawn(&child_, native.c_str(), &actions, nullptr, arguments, environment);
    POLLUX_CHECK(error == 0) << native << ": error " << error;
    posix_spawn_file_actions_destroy(&actions);
    close(commands[0]);
    close(marks[1]);
    commands_ = commands[1];
    marks_ = marks[0];
  }
  ~HostScene() override {
    close(commands_);
    close(marks_);
    waitpid(child_, nullptr, 0);
  }

  void Begin(const Command& command) override {
    const uint32_t sequence = command_.sequence + 1;
    command_ = command;
    command_.sequence = sequence;
  }
  Seconds Batch() override {
    POLLUX_CHECK(write(commands_, &command_, sizeof(command_)) == sizeof(command_));
    Mark mark;
    do {
      POLLUX_CHECK(read(marks_, &mark, sizeof(mark)) == sizeof(mark))
          << "the native program has ended";
    } while (mark.sequence != command_.sequence || mark.end == 0);
    return std::chrono::nanoseconds(mark.nanoseconds);
  }

 private:
  pid_t child_ = -1;
  int commands_ = -1, marks_ = -1;
  Command command_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Scene>> MakeHostScene(const std::string& native, SceneKind kind,
                                                     uint32_t size) {
  constexpr rlim_t kOthers = 64;
  rlim_t needed = kOthers;
  if (kind == SceneKind::kRegistered) needed += size + rlim_t{kExtraDescriptors};
  if (kind == SceneKind::kTimers) needed += size;
  rlimit limit;
  POLLUX_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  if (limit.rlim_max < needed) {
    return absl::OutOfRangeError(absl::StrCat("RLIMIT_NOFILE is ", limit.rlim_max));
  }
  return std::make_unique<HostScene>(native, kind, size);
}

}  // namespace pollux::benchmarks
