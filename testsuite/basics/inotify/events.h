// What the programs here share: an inotify instance whose events are printed as words.
#ifndef POLLUX_TESTSUITE_BASICS_INOTIFY_EVENTS_H_
#define POLLUX_TESTSUITE_BASICS_INOTIFY_EVENTS_H_

#include <fcntl.h>
#include <sys/inotify.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "testsuite/basics/check.h"

inline std::string MaskNames(uint32_t mask) {
  static const struct {
    uint32_t bit;
    const char* name;
  } kNames[] = {{IN_ACCESS, "ACCESS"},
                {IN_MODIFY, "MODIFY"},
                {IN_ATTRIB, "ATTRIB"},
                {IN_CLOSE_WRITE, "CLOSE_WRITE"},
                {IN_CLOSE_NOWRITE, "CLOSE_NOWRITE"},
                {IN_OPEN, "OPEN"},
                {IN_MOVED_FROM, "MOVED_FROM"},
                {IN_MOVED_TO, "MOVED_TO"},
                {IN_CREATE, "CREATE"},
                {IN_DELETE, "DELETE"},
                {IN_DELETE_SELF, "DELETE_SELF"},
                {IN_MOVE_SELF, "MOVE_SELF"},
                {IN_UNMOUNT, "UNMOUNT"},
                {IN_Q_OVERFLOW, "Q_OVERFLOW"},
                {IN_IGNORED, "IGNORED"},
                {IN_ISDIR, "ISDIR"}};
  std::string text;
  for (const auto& [bit, name] : kNames) {
    if ((mask & bit) == 0) continue;
    text += (text.empty() ? "" : "|") + std::string(name);
    mask &= ~bit;
  }
  if (mask != 0) text += "|more";
  return text;
}

struct Event {
  int watch;
  uint32_t mask;
  uint32_t cookie;
  std::string name;
};

// All that is queued; the instance does not block.
inline std::vector<Event> TakeEvents(int instance) {
  std::vector<Event> events;
  alignas(inotify_event) static char bytes[65536];
  while (true) {
    const ssize_t size = read(instance, bytes, sizeof bytes);
    if (size < 0) {
      Must(errno == EAGAIN, "nothing is left to read");
      return events;
    }
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(bytes + at);
      Must(event->len % 16 == 0 && at + 16 + static_cast<ssize_t>(event->len) <= size,
           "whole events, names padded to 16 bytes");
      events.push_back({event->wd, event->mask, event->cookie, event->len > 0 ? event->name : ""});
      at += 16 + static_cast<ssize_t>(event->len);
    }
  }
}

// An instance whose watches have names; cookies are told as c1, c2 ... in order of appearance.
class Watcher {
 public:
  Watcher() : instance_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    Must(instance_ >= 0, "inotify_init1");
    names_[-1] = "-";
  }
  ~Watcher() { close(instance_); }

  int instance() const { return instance_; }
  int Add(const char* path, uint32_t mask, const char* name) {
    const int watch = inotify_add_watch(instance_, path, mask);
    Must(watch > 0, path);
    names_[watch] = name;
    return watch;
  }
  int Add(const char* path) { return Add(path, IN_ALL_EVENTS, path); }

  void Print(const char* what) {
    std::printf("%s:\n", what);
    for (const Event& event : TakeEvents(instance_)) {
      std::printf("  %s %s", names_.count(event.watch) != 0 ? names_[event.watch].c_str() : "?",
                  MaskNames(event.mask).c_str());
      if (!event.name.empty()) std::printf(" [%s]", event.name.c_str());
      if (event.cookie != 0) {
        const auto number = cookies_.emplace(event.cookie, cookies_.size() + 1).first->second;
        std::printf(" c%d", static_cast<int>(number));
      }
      std::printf("\n");
    }
  }

 private:
  int instance_;
  std::map<int, std::string> names_;
  std::map<uint32_t, size_t> cookies_;
};

#endif  // POLLUX_TESTSUITE_BASICS_INOTIFY_EVENTS_H_
