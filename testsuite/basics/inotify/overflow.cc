// overflow: what does not fit into the queue is lost, and one IN_Q_OVERFLOW says so.
#include <cctype>

#include "testsuite/basics/inotify/events.h"

int main() {
  EnterScratchDirectory();
  WriteFile("file", "");
  const int limit = std::atoi(FileText("/proc/sys/fs/inotify/max_queued_events"));
  Must(limit > 0, "max_queued_events");
  std::printf("limit %d\n", limit);
  Watcher watcher;
  const int watch = watcher.Add("file", IN_ATTRIB | IN_MODIFY, "file");
  const auto fill = [&](int count) {
    for (int i = 0; i < count; ++i) {
      Must(i % 2 == 0 ? chmod("file", 0600) == 0 : truncate("file", 0) == 0, "an event");
    }
  };
  const auto show = [&](const char* what) {
    const std::vector<Event> events = TakeEvents(watcher.instance());
    int overflows = 0;
    for (const Event& event : events) overflows += (event.mask & IN_Q_OVERFLOW) != 0;
    std::printf("%s: %d events, overflows %d, the last %s of %d\n", what,
                static_cast<int>(events.size()), overflows, MaskNames(events.back().mask).c_str(),
                events.back().watch);
  };
  fill(limit);
  show("just full");
  fill(limit + 1);
  show("one too many");
  fill(limit + 1000);
  show("many too many");
  fill(10);
  show("afterwards");
  fill(limit + 1);
  Must(inotify_rm_watch(watcher.instance(), watch) == 0, "inotify_rm_watch");
  show("IN_IGNORED is lost, too");
  return 0;
}
