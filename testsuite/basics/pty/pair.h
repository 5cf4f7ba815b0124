// What the programs here share: a pseudo terminal, both sides non-blocking, and words for what it
// says. Linux leaves part of the work to a worker: Settle() waits for it.
#ifndef POLLUX_TESTSUITE_BASICS_PTY_PAIR_H_
#define POLLUX_TESTSUITE_BASICS_PTY_PAIR_H_

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <string>

#include "testsuite/basics/check.h"

inline void Settle() { usleep(30000); }

inline std::string Escaped(const char* bytes, ssize_t size) {
  std::string text;
  for (ssize_t i = 0; i < size; ++i) {
    char code[8];
    const unsigned char c = bytes[i];
    std::snprintf(code, sizeof code, c >= 32 && c < 127 ? "%c" : "\\x%02x", c);
    text += code;
  }
  return text;
}

// Prints "WHAT: [bytes]", or the error.
inline void ShowRead(const char* what, int fd, size_t room = 4000) {
  char bytes[4000];
  const ssize_t size = read(fd, bytes, room);
  if (size < 0) {
    std::printf("%s: %s\n", what, ErrorName(errno));
  } else {
    std::printf("%s: [%s]\n", what, Escaped(bytes, size).c_str());
  }
}

inline void ShowPoll(const char* what, int fd) {
  pollfd entry = {fd, 0x3fff, 0};
  Must(poll(&entry, 1, 0) >= 0, "poll");
  std::printf("%s: ready %x\n", what, entry.revents);
}

struct Pair {
  Pair() {
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
    Must(master >= 0, "/dev/ptmx");
    int number = -1, unlocked = 0;
    Must(ioctl(master, TIOCGPTN, &number) == 0 && ioctl(master, TIOCSPTLCK, &unlocked) == 0,
         "TIOCGPTN and TIOCSPTLCK");
    name = "/dev/pts/" + std::to_string(number);
    slave = OpenSlave();
  }
  ~Pair() {
    close(slave);
    close(master);
  }
  int OpenSlave() const {
    const int fd = open(name.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK);
    Must(fd >= 0, name.c_str());
    return fd;
  }
  // What is typed.
  void Type(const char* what, const std::string& bytes) const {
    const ssize_t size = write(master, bytes.data(), bytes.size());
    if (size != static_cast<ssize_t>(bytes.size())) ShowCount(what, size);
    Settle();
  }
  void Type(const std::string& bytes) const { Type("typed", bytes); }
  // What was typed, as a program reads it and as the screen shows it.
  void Show(const char* what) const {
    std::printf("-- %s\n", what);
    ShowRead("slave", slave);
    ShowRead("master", master);
  }
  termios Settings() const {
    termios settings;
    Must(tcgetattr(slave, &settings) == 0, "tcgetattr");
    return settings;
  }
  void Set(const termios& settings) const {
    Must(tcsetattr(slave, TCSANOW, &settings) == 0, "tcsetattr");
  }
  void SetRaw(unsigned char least = 1, unsigned char tenths = 0) const {
    termios settings = Settings();
    cfmakeraw(&settings);
    settings.c_cc[VMIN] = least;
    settings.c_cc[VTIME] = tenths;
    Set(settings);
  }

  int master, slave;
  std::string name;
};

#endif  // POLLUX_TESTSUITE_BASICS_PTY_PAIR_H_
