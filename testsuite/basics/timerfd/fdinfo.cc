// fdinfo: what /proc says of a timerfd, a signalfd and a pidfd.
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include <cstdint>
#include <string>

#include "testsuite/basics/check.h"

namespace {

// The lines behind those that all descriptors have.
void Print(const char* what, int number) {
  std::printf("%s\n", what);
  const std::string text = FileText(("/proc/self/fdinfo/" + std::to_string(number)).c_str());
  const size_t inode = text.find("\nino:\t");
  Must(inode != std::string::npos, "an ino line");
  const std::string flags = text.substr(0, text.find("\nmnt_id"));
  std::printf("%s\n...%s", flags.c_str(), text.substr(text.find('\n', inode + 1)).c_str());
}

void PrintTimer(const char* what, int timer) {
  const std::string text = FileText(("/proc/self/fdinfo/" + std::to_string(timer)).c_str());
  // What is left runs on.
  const size_t value = text.find("\nit_value");
  const size_t clock = text.find("\nclockid");
  Must(clock != std::string::npos && value != std::string::npos, "lines of a timerfd");
  std::printf("%s%s%s", what, text.substr(clock, value - clock).c_str(),
              text.substr(text.find("\nit_interval")).c_str());
}

}  // namespace

int main() {
  const int timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC);
  Print("a new timerfd", timer);
  itimerspec setting = {{7, 8}, {1000000, 0}};
  Must(timerfd_settime(timer, 0, &setting, nullptr) == 0, "timerfd_settime");
  PrintTimer("running", timer);
  setting.it_value.tv_sec = 5000000000;
  Must(timerfd_settime(timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &setting, nullptr) == 0,
       "timerfd_settime");
  uint64_t ticks = 12;
  Must(ioctl(timer, _IOW('T', 0, uint64_t), &ticks) == 0, "TFD_IOC_SET_TICKS");
  PrintTimer("absolute", timer);

  sigset_t mask;
  sigemptyset(&mask);
  for (const int signal : {SIGHUP, SIGUSR1, SIGKILL, 40, 64}) sigaddset(&mask, signal);
  Print("a signalfd", signalfd(-1, &mask, SFD_NONBLOCK));

  const int own = static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0));
  const std::string text = FileText(("/proc/self/fdinfo/" + std::to_string(own)).c_str());
  const std::string pid = std::to_string(getpid());
  Must(text.find("\nPid:\t" + pid + "\nNSpid:\t" + pid + "\n") != std::string::npos,
       "lines of a pidfd");
  char link[100] = {};
  for (const int number : {timer, own}) {
    const ssize_t bytes =
        readlink(("/proc/self/fd/" + std::to_string(number)).c_str(), link, sizeof link - 1);
    Must(bytes > 0, "readlink");
    std::printf("%.*s\n", static_cast<int>(bytes), link);
  }
  return 0;
}
