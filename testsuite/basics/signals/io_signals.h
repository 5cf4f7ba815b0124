// For the programs about signal-driven I/O: files that send a real-time signal, which queues, so
// that none is lost, and Tell, which takes all that have come and says what they were.
#ifndef POLLUX_TESTSUITE_BASICS_SIGNALS_IO_SIGNALS_H_
#define POLLUX_TESTSUITE_BASICS_SIGNALS_IO_SIGNALS_H_

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <time.h>

#include <map>
#include <string>

#include "testsuite/basics/check.h"

inline constexpr int kIoSignal = 40;

// What is printed for a number in si_fd.
inline std::map<int, std::string>& FileNames() {
  static std::map<int, std::string> names;
  return names;
}

inline void BlockSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGIO, SIGURG, SIGUSR1, SIGUSR2, SIGCHLD, SIGPIPE, kIoSignal}) {
    sigaddset(&set, signal);
  }
  Must(sigprocmask(SIG_BLOCK, &set, nullptr) == 0, "sigprocmask");
}

inline int AddFlags(int fd, int flags) { return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | flags); }
inline int DropFlags(int fd, int flags) { return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~flags); }

// From now on what happens to `fd` sends `signal` to this process; 0: a plain SIGIO.
inline void SendSignals(int fd, const char* name, int signal = kIoSignal) {
  FileNames()[fd] = name;
  Must(fcntl(fd, F_SETOWN, getpid()) == 0, "F_SETOWN");
  Must(fcntl(fd, F_SETSIG, signal) == 0, "F_SETSIG");
  Must(AddFlags(fd, O_ASYNC | O_NONBLOCK) == 0, "F_SETFL");
}

inline std::string BandText(long band) {
  const struct {
    int bit;
    const char* name;
  } kNames[] = {{POLLIN, "IN"},         {POLLPRI, "PRI"},       {POLLOUT, "OUT"},
                {POLLERR, "ERR"},       {POLLHUP, "HUP"},       {POLLRDNORM, "RDNORM"},
                {POLLRDBAND, "RDBAND"}, {POLLWRNORM, "WRNORM"}, {POLLWRBAND, "WRBAND"}};
  std::string text;
  for (const auto& [bit, name] : kNames) {
    if ((band & bit) == 0) continue;
    text += (text.empty() ? "" : "|") + std::string(name);
    band &= ~static_cast<long>(bit);
  }
  if (band != 0) text += " and " + std::to_string(band);
  return text;
}

inline std::string InfoText(const siginfo_t& info) {
  const char* name = sigabbrev_np(info.si_signo);
  std::string text = name != nullptr ? "SIG" + std::string(name) : "";
  if (name == nullptr && info.si_signo != kIoSignal) {
    text = "signal " + std::to_string(info.si_signo);
  }
  if (info.si_code == SI_KERNEL) {
    return text + (info.si_pid == 0 && info.si_uid == 0 ? " from the kernel" : " from somebody");
  }
  static constexpr const char* kCodes[] = {"",         "POLL_IN",  "POLL_OUT", "POLL_MSG",
                                           "POLL_ERR", "POLL_PRI", "POLL_HUP"};
  if (!text.empty()) text += " ";
  if (info.si_code >= POLL_IN && info.si_code <= POLL_HUP) {
    text += kCodes[info.si_code];
  } else {
    text += info.si_code == SI_SIGIO  ? "SI_SIGIO"
            : info.si_code == SI_USER ? "SI_USER"
                                      : "code " + std::to_string(info.si_code);
    if (info.si_code == SI_USER) return text;
  }
  const auto file = FileNames().find(info.si_fd);
  text += file == FileNames().end() ? " of another file" : " of " + file->second;
  return text + " " + BandText(info.si_band);
}

// Takes one signal; 0: none has come.
inline int Take(siginfo_t* info) {
  sigset_t set;
  sigfillset(&set);
  const timespec no_time = {0, 0};
  const int signal = sigtimedwait(&set, info, &no_time);
  Must(signal > 0 || errno == EAGAIN, "sigtimedwait");
  return signal > 0 ? signal : 0;
}

// Prints what has come since the last time: "WHAT: POLL_IN of reader IN|RDNORM; SIGIO from the
// kernel".
inline void Tell(const char* what) {
  usleep(3000);  // What is under way has happened nearly always, and always after this.
  std::printf("%s:", what);
  siginfo_t info;
  const char* separator = " ";
  while (Take(&info) != 0) {
    std::printf("%s%s", separator, InfoText(info).c_str());
    separator = "; ";
  }
  std::printf("%s\n", *separator == ' ' ? " nothing" : "");
}

#endif  // POLLUX_TESTSUITE_BASICS_SIGNALS_IO_SIGNALS_H_
