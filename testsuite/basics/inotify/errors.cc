// errors: what the three calls refuse, one wrong thing at a time, and which comes first.
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include "testsuite/basics/inotify/events.h"

int main() {
  EnterScratchDirectory();
  WriteFile("file", "text");
  WriteFile("unreadable", "text");
  Must(chmod("unreadable", 0200) == 0, "chmod");
  Must(mkdir("closed", 0600) == 0 && mkdir("unlistable", 0300) == 0, "mkdir");
  Must(symlink("loop", "loop") == 0 && symlink("nowhere", "dangling") == 0, "symlink");
  const int instance = inotify_init1(IN_NONBLOCK), counter = eventfd(0, 0);
  Must(instance >= 0 && counter >= 0, "descriptors");

  Show("init1: an unknown flag", inotify_init1(1));
  Show("init1: no flags", inotify_init1(0));
  Show("init1: IN_CLOEXEC", inotify_init1(IN_CLOEXEC));

  const auto add = [&](const char* what, const char* path, uint32_t mask) {
    Show(what, inotify_add_watch(instance, path, mask));
  };
  add("no events", "file", 0);
  add("an unknown bit", "file", IN_OPEN | 0x1000);
  add("flags without an event", "file", IN_ONESHOT);
  add("IN_ISDIR alone", "file", IN_ISDIR);
  add("IN_Q_OVERFLOW alone", "file", IN_Q_OVERFLOW);
  add("IN_UNMOUNT alone", "file", IN_UNMOUNT);
  add("every event", "file", IN_ALL_EVENTS);
  add("no such file", "nothing", IN_OPEN);
  add("an empty path", "", IN_OPEN);
  add("a file as a directory", "file/x", IN_OPEN);
  add("a slash behind a file", "file/", IN_OPEN);
  add("a loop", "loop", IN_OPEN);
  add("the loop itself", "loop", IN_OPEN | IN_DONT_FOLLOW);
  add("a dangling link", "dangling", IN_OPEN);
  add("a name too long", std::string(256, 'n').c_str(), IN_OPEN);
  add("a path too long", std::string(4096, '/').c_str(), IN_OPEN);
  add("what may not be read", "unreadable", IN_OPEN);
  add("what may not be listed", "unlistable", IN_OPEN);
  add("in what may not be searched", "closed/x", IN_OPEN);
  add("a directory that may not be searched", "closed", IN_OPEN);
  add("a bad address", reinterpret_cast<const char*>(16), IN_OPEN);
  Show("a closed number", inotify_add_watch(700, "file", IN_OPEN));
  Show("not an instance", inotify_add_watch(counter, "file", IN_OPEN));
  const int path = open("file", O_PATH);
  Show("a number that O_PATH gave", inotify_add_watch(path, "file", IN_OPEN));
  Show("remove: a closed number", inotify_rm_watch(700, 1));
  Show("remove: not an instance", inotify_rm_watch(counter, 1));
  Show("remove: a watch that never was", inotify_rm_watch(instance, 99));
  Show("remove: 0", inotify_rm_watch(instance, 0));
  Show("remove: -1", inotify_rm_watch(instance, -1));

  // Two wrong things: which is seen first.
  Show("the mask before the number", inotify_add_watch(700, "file", 0));
  Show("the number before IN_MASK_ADD with IN_MASK_CREATE",
       inotify_add_watch(700, "file", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE));
  Show("what it is before the path", inotify_add_watch(counter, "nothing", IN_OPEN));
  Show("the number before the path",
       inotify_add_watch(700, reinterpret_cast<const char*>(16), IN_OPEN));

  // Instances are counted, and given back.
  int count = 0, last = -1, fd;
  while ((fd = inotify_init1(0)) >= 0) ++count, last = fd;
  Must(count > 0, "some more");
  std::printf("one too many: %s\n", ErrorName(errno));
  Must(close(last) == 0, "close");
  Show("after a close", inotify_init1(0));
  return 0;
}
