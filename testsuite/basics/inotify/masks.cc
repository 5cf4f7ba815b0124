// masks: what the bits of inotify_add_watch do beside naming events: IN_ONLYDIR, IN_DONT_FOLLOW,
// IN_EXCL_UNLINK, IN_MASK_ADD, IN_MASK_CREATE, IN_ONESHOT; and how watches are numbered.
#include "testsuite/basics/inotify/events.h"

namespace {

void Touch(const char* path) {
  const int fd = open(path, O_WRONLY | O_CREAT, 0600);
  Must(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0, path);
}

}  // namespace

int main() {
  EnterScratchDirectory();
  Touch("file");
  Touch("other");
  Must(mkdir("dir", 0700) == 0 && symlink("file", "link") == 0 && symlink("dir", "dirlink") == 0,
       "names");

  {
    std::printf("-- numbers\n");
    Watcher watcher;
    const int instance = watcher.instance();
    ShowCount("first", inotify_add_watch(instance, "file", IN_OPEN));
    ShowCount("second", inotify_add_watch(instance, "dir", IN_OPEN));
    ShowCount("the same file", inotify_add_watch(instance, "file", IN_OPEN));
    Must(link("file", "again") == 0, "link");
    ShowCount("the same file by another name", inotify_add_watch(instance, "again", IN_OPEN));
    ShowCount("through a link", inotify_add_watch(instance, "link", IN_OPEN));
    ShowCount("the link", inotify_add_watch(instance, "link", IN_OPEN | IN_DONT_FOLLOW));
    Show("remove", inotify_rm_watch(instance, 2));
    Show("remove again", inotify_rm_watch(instance, 2));
    ShowCount("after a removal", inotify_add_watch(instance, "dir", IN_OPEN));
    Watcher second;
    ShowCount("in another instance", inotify_add_watch(second.instance(), "dir", IN_OPEN));
    watcher.Print("what the removal told");
    Must(unlink("again") == 0, "unlink");
  }
  {
    std::printf("-- replacing and adding\n");
    Watcher watcher;
    watcher.Add("file", IN_MODIFY, "file");
    watcher.Add("file", IN_OPEN, "file");
    Touch("file");
    watcher.Print("replaced: OPEN");
    watcher.Add("file", IN_CLOSE_WRITE | IN_MASK_ADD, "file");
    Touch("file");
    watcher.Print("added: OPEN and CLOSE_WRITE");
    Show("IN_MASK_CREATE of what is watched",
         inotify_add_watch(watcher.instance(), "file", IN_OPEN | IN_MASK_CREATE));
    Show("IN_MASK_CREATE of another",
         inotify_add_watch(watcher.instance(), "other", IN_OPEN | IN_MASK_CREATE));
    Show("IN_MASK_ADD of what is not watched",
         inotify_add_watch(watcher.instance(), "dir", IN_OPEN | IN_MASK_ADD));
    Show("both",
         inotify_add_watch(watcher.instance(), "dir", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE));
  }
  {
    std::printf("-- IN_ONLYDIR and IN_DONT_FOLLOW\n");
    Watcher watcher;
    const int instance = watcher.instance();
    Show("IN_ONLYDIR of a file", inotify_add_watch(instance, "file", IN_OPEN | IN_ONLYDIR));
    Show("IN_ONLYDIR of a directory", inotify_add_watch(instance, "dir", IN_OPEN | IN_ONLYDIR));
    Show("IN_ONLYDIR of a link to one",
         inotify_add_watch(instance, "dirlink", IN_OPEN | IN_ONLYDIR));
    Show("IN_ONLYDIR of the link itself",
         inotify_add_watch(instance, "dirlink", IN_OPEN | IN_ONLYDIR | IN_DONT_FOLLOW));
    watcher.Add("link", IN_ALL_EVENTS | IN_DONT_FOLLOW, "link");
    Touch("link");
    char target[10];
    Must(readlink("link", target, sizeof target) == 4, "readlink");
    watcher.Print("nothing happens to the link");
    Must(rename("link", "moved") == 0 && unlink("moved") == 0, "rename and unlink");
    watcher.Print("the link moved and gone");
  }
  {
    std::printf("-- IN_ONESHOT\n");
    Watcher watcher;
    const int watch = watcher.Add("dir", IN_CREATE | IN_DELETE | IN_ONESHOT, "dir");
    Touch("dir/one");
    Touch("dir/two");
    watcher.Print("one event");
    Show("it is gone", inotify_rm_watch(watcher.instance(), watch));
    watcher.Add("dir", IN_CREATE | IN_ONESHOT, "dir");
    Must(unlink("dir/one") == 0, "unlink");
    watcher.Print("what is not named does not count");
    watcher.Add("dir", IN_CREATE | IN_MASK_ADD, "dir");
    Touch("dir/one");
    Touch("dir/three");
    watcher.Print("still one event");
    watcher.Add("dir", IN_CREATE | IN_ONESHOT, "dir");
    watcher.Add("dir", IN_CREATE, "dir");
    Touch("dir/four");
    Touch("dir/five");
    watcher.Print("replaced: no longer one-shot");
  }
  for (const uint32_t flag : {0u, static_cast<uint32_t>(IN_EXCL_UNLINK)}) {
    std::printf("-- a removed file that is open, %s IN_EXCL_UNLINK\n",
                flag == 0 ? "without" : "with");
    Watcher watcher;
    Touch("dir/six");
    const int fd = open("dir/six", O_RDWR);
    watcher.Add("dir", IN_ALL_EVENTS | flag, "dir");
    watcher.Add("dir/six", IN_ALL_EVENTS | flag, "file");
    Must(unlink("dir/six") == 0 && write(fd, "x", 1) == 1, "unlink and write");
    watcher.Print("removed and written");
    Show("fchmod", fchmod(fd, 0640));
    Show("ftruncate", ftruncate(fd, 0));
    watcher.Print("fchmod and ftruncate");
    Must(close(fd) == 0, "close");
    watcher.Print("closed");
  }
  {
    std::printf("-- events that are not asked for\n");
    Watcher watcher;
    watcher.Add("dir", IN_DELETE_SELF, "dir");
    Touch("dir/seven");
    watcher.Print("nothing");
    watcher.Add("other", IN_OPEN, "other");
    Must(unlink("other") == 0, "unlink");
    watcher.Print("IN_IGNORED comes unasked");
  }
  {
    std::printf("-- a watch of a removed directory\n");
    Must(mkdir("away", 0700) == 0, "mkdir");
    Watcher watcher;
    Must(chdir("away") == 0 && rmdir("../away") == 0, "chdir and rmdir");
    Show("of the working directory", inotify_add_watch(watcher.instance(), ".", IN_ALL_EVENTS));
    Must(chdir(ScratchDirectory()) == 0, "chdir");
    watcher.Print("left");
  }
  return 0;
}
