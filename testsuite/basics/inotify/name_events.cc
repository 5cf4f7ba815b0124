// name_events: which events the calls on names raise, in which order: create, link, rename, remove;
// at watches of both directories and of the files themselves.
#include <dirent.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "testsuite/basics/inotify/events.h"

namespace {

void Make(const char* path) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  Must(fd >= 0 && close(fd) == 0, path);
}

}  // namespace

int main() {
  EnterScratchDirectory();
  Must(mkdir("a", 0700) == 0 && mkdir("b", 0700) == 0, "mkdir");
  Watcher watcher;
  watcher.Add(".", IN_ALL_EVENTS, "START");
  watcher.Add("a");
  watcher.Add("b");

  Show("mkdir", mkdir("a/dir", 0700));
  watcher.Print("mkdir");
  Show("symlink", symlink("nowhere", "a/link"));
  watcher.Print("symlink");
  Show("mkfifo", mkfifo("a/fifo", 0600));
  watcher.Print("mkfifo");
  Show("mknod of a file", mknod("a/node", S_IFREG | 0600, 0));
  watcher.Print("mknod of a file");
  watcher.Add("a/node");
  Show("link", link("a/node", "b/node"));
  watcher.Print("link");
  Show("mkdir of what is there", mkdir("a/dir", 0700));
  watcher.Print("mkdir of what is there");

  Show("unlink of one of two names", unlink("a/node"));
  watcher.Print("unlink of one of two names");
  Show("unlink of the last name", unlink("b/node"));
  watcher.Print("unlink of the last name");
  Show("unlink of a link", unlink("a/link"));
  watcher.Print("unlink of a link");
  Show("unlink of a FIFO", unlink("a/fifo"));
  watcher.Print("unlink of a FIFO");
  Show("unlink of what is not there", unlink("a/fifo"));
  watcher.Print("unlink of what is not there");

  watcher.Add("a/dir");
  DIR* list = opendir("a/dir");
  watcher.Print("opendir");
  Must(list != nullptr && readdir(list) != nullptr, "readdir");
  watcher.Print("readdir");
  while (readdir(list) != nullptr) {
  }
  watcher.Print("readdir to the end");
  Must(closedir(list) == 0, "closedir");
  watcher.Print("closedir");
  Show("chmod of a directory", chmod("a/dir", 0755));
  watcher.Print("chmod of a directory");
  Show("chdir", chdir("a/dir"));
  Show("chdir back", chdir("../.."));
  watcher.Print("chdir");
  Show("rename of a directory", rename("a/dir", "a/dir2"));
  watcher.Print("rename of a directory");
  Show("rename of a directory into another", rename("a/dir2", "b/dir3"));
  watcher.Print("rename of a directory into another");
  Make("b/dir3/inside");
  watcher.Print("a file inside");
  Show("rmdir of what is not empty", rmdir("b/dir3"));
  watcher.Print("rmdir of what is not empty");
  Must(unlink("b/dir3/inside") == 0, "unlink");
  watcher.Print("unlink inside");
  Show("rmdir", rmdir("b/dir3"));
  watcher.Print("rmdir");

  Make("a/one");
  Make("a/two");
  watcher.Add("a/one");
  watcher.Add("a/two");
  watcher.Print("two files");
  Show("rename in a directory", rename("a/one", "a/three"));
  watcher.Print("rename in a directory");
  Show("rename across directories", rename("a/three", "b/three"));
  watcher.Print("rename across directories");
  Show("rename to itself", rename("b/three", "b/three"));
  watcher.Print("rename to itself");
  Show("rename over another", rename("b/three", "a/two"));
  watcher.Print("rename over another");
  Must(link("a/two", "b/two") == 0, "link");
  watcher.Print("link");
  Show("rename of two names of one file", rename("a/two", "b/two"));
  watcher.Print("rename of two names of one file");
  Make("b/four");
  watcher.Add("b/four");
  watcher.Print("one more");
  Show("exchange", renameat2(AT_FDCWD, "a/two", AT_FDCWD, "b/four", RENAME_EXCHANGE));
  watcher.Print("exchange");
  Show("no replace", renameat2(AT_FDCWD, "a/two", AT_FDCWD, "b/four", RENAME_NOREPLACE));
  watcher.Print("no replace");
  Must(mkdir("a/full", 0700) == 0 && mkdir("b/empty", 0700) == 0, "mkdir");
  watcher.Add("a/full");
  watcher.Add("b/empty");
  watcher.Print("two directories");
  Show("rename of a directory over another", rename("a/full", "b/empty"));
  watcher.Print("rename of a directory over another");

  // Removed while open: the events go on under the old name.
  Make("a/open");
  const int fd = open("a/open", O_RDWR), second = open("a/open", O_RDONLY);
  watcher.Add("a/open");
  watcher.Print("open");
  Show("unlink of what is open", unlink("a/open"));
  watcher.Print("unlink of what is open");
  Must(write(fd, "x", 1) == 1, "write");
  watcher.Print("write to what has no name");
  Must(close(fd) == 0, "close");
  watcher.Print("close of one");
  Must(close(second) == 0, "close");
  watcher.Print("close of the last");
  Must(mkdir("a/gone", 0700) == 0, "mkdir");
  const int directory = open("a/gone", O_RDONLY | O_DIRECTORY);
  watcher.Add("a/gone");
  watcher.Print("open of a directory");
  Show("rmdir of what is open", rmdir("a/gone"));
  watcher.Print("rmdir of what is open");
  Must(close(directory) == 0, "close");
  watcher.Print("close of the removed directory");
  Make("a/last");
  const int path = open("a/last", O_PATH);
  watcher.Add("a/last");
  watcher.Print("O_PATH");
  Show("unlink of what O_PATH holds", unlink("a/last"));
  watcher.Print("unlink of what O_PATH holds");
  Must(close(path) == 0, "close");
  watcher.Print("close of it");

  Show("the watched directory moves", rename("a", "c"));
  watcher.Print("the watched directory moves");
  Make("c/new");
  watcher.Print("and goes on");
  return 0;
}
