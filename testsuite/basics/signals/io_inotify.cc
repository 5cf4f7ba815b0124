// When an inotify instance sends signals: with each event that is queued, and not with one that
// says what the last one said.
#include <sys/inotify.h>

#include "testsuite/basics/signals/io_signals.h"

int main() {
  BlockSignals();
  EnterScratchDirectory();
  WriteFile("file", "text");
  const int instance = inotify_init1(IN_NONBLOCK);
  const int watch = inotify_add_watch(instance, "file", IN_MODIFY | IN_ATTRIB);
  SendSignals(instance, "instance");
  Must(chmod("file", 0600) == 0, "chmod");
  Tell("a change");
  Must(chmod("file", 0640) == 0, "chmod");
  Tell("the same once more");
  WriteFile("file", "other");
  Tell("written");
  char buffer[4096];
  std::printf("something is read: %d\n", read(instance, buffer, sizeof buffer) > 0);
  Tell("and that");
  Show("the watch goes", inotify_rm_watch(instance, watch));
  Tell("  told");
  return 0;
}
