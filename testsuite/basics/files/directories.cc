// directories: a directory with many entries is read completely, whatever happens to it meanwhile;
// readdir's position can be kept; types of entries are told.
#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include <map>
#include <set>
#include <string>

#include "testsuite/basics/check.h"

namespace {

constexpr int kEntries = 3000;

std::set<std::string> Names(DIR* directory) {
  std::set<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(directory)) {
    Must(names.insert(entry->d_name).second, "every entry is reported once");
  }
  Must(errno == 0, "readdir");
  return names;
}

std::string NameOf(int number) { return "many/entry_" + std::to_string(number); }

}  // namespace

int main() {
  EnterScratchDirectory();
  Must(mkdir("many", 0755) == 0, "mkdir");
  for (int i = 0; i < kEntries; ++i) {
    const int file = open(NameOf(i).c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
    Must(file >= 0 && close(file) == 0, "open");
  }
  DIR* directory = opendir("many");
  Must(directory != nullptr, "opendir");
  std::set<std::string> names = Names(directory);
  std::printf("%zu entries, . is there %zu, .. is there %zu\n", names.size(), names.count("."),
              names.count(".."));
  for (int i = 0; i < kEntries; ++i)
    Must(names.count(NameOf(i).substr(5)) == 1, "every name is there");
  Must(readdir(directory) == nullptr, "the end stays the end");

  rewinddir(directory);
  std::printf("again: %zu entries\n", Names(directory).size());
  rewinddir(directory);
  for (int i = 0; i < 1000; ++i) Must(readdir(directory) != nullptr, "readdir");
  const long place = telldir(directory);
  std::set<std::string> rest = Names(directory);
  seekdir(directory, place);
  std::printf("seekdir: %zu entries, the same %d\n", rest.size(), Names(directory) == rest);

  // Removing while reading: what has been read can go, the rest is still reported.
  rewinddir(directory);
  int removed = 0;
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    Must(unlinkat(dirfd(directory), entry->d_name, 0) == 0, "unlinkat");
    ++removed;
  }
  rewinddir(directory);
  std::printf("removed while reading: %d, left: %zu\n", removed, Names(directory).size());
  Must(closedir(directory) == 0, "closedir");

  Must(mkdir("types", 0755) == 0 && mkdir("types/directory", 0755) == 0, "mkdir");
  WriteFile("types/file", "");
  Must(symlink("file", "types/link") == 0 && mkfifo("types/fifo", 0600) == 0, "symlink and mkfifo");
  const std::map<int, const char*> type_names = {
      {DT_DIR, "directory"}, {DT_REG, "file"}, {DT_LNK, "symbolic link"}, {DT_FIFO, "fifo"}};
  std::map<std::string, int> types;
  directory = opendir("types");
  while (const dirent* entry = readdir(directory)) {
    types[entry->d_name] = entry->d_type;
    struct stat status;
    Must(fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0, "fstatat");
    if (std::strcmp(entry->d_name, "..") != 0)
      Must(status.st_ino == entry->d_ino, "d_ino is st_ino");
  }
  closedir(directory);
  for (const auto& [name, type] : types) std::printf("%s: %s\n", name.c_str(), type_names.at(type));

  dirent** list = nullptr;
  const int count = scandir("types", &list, nullptr, alphasort);
  for (int i = 0; i < count; ++i) {
    std::printf("%s%c", list[i]->d_name, i + 1 < count ? ' ' : '\n');
    std::free(list[i]);
  }
  std::free(list);

  // A directory that is removed while it is open is empty.
  Must(mkdir("short_lived", 0755) == 0, "mkdir");
  const int gone = open("short_lived", O_RDONLY | O_DIRECTORY);
  Must(rmdir("short_lived") == 0, "rmdir");
  char room[1000];
  ShowCount("getdents64 of a removed directory", syscall(SYS_getdents64, gone, room, sizeof room));
  Show("openat in a removed directory", openat(gone, "x", O_WRONLY | O_CREAT, 0600));
  Show("mkdirat in a removed directory", mkdirat(gone, "x", 0700));
  struct stat status;
  Must(fstat(gone, &status) == 0, "fstat");
  std::printf("links of a removed directory: %d\n", static_cast<int>(status.st_nlink));
  const int file = open("types/file", O_RDONLY), types_directory = open("types", O_RDONLY);
  ShowCount("getdents64 of a file", syscall(SYS_getdents64, file, room, sizeof room));
  ShowCount("getdents64 with little room", syscall(SYS_getdents64, types_directory, room, 10));
  Show("opendir of a file", opendir("types/file") == nullptr ? -1 : 0);
  return 0;
}
