// mapped_writers: a mapping keeps the file that it was made from open when the descriptor is
// closed: the file cannot be executed while it is open for writing, whatever the mapping may do
// (ETXTBSY); flock(2)'s locks stay, and who watches is told of the end with the last page. And for
// memfd seals: shared mappings that may be written to, or be made so, are counted (EBUSY).
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>

#include "testsuite/basics/processes/self.h"

namespace {

constexpr size_t kPage = 4096;
constexpr int kReadWrite = PROT_READ | PROT_WRITE;
constexpr int kSealSeal = 1, kSealWrite = 8, kSealFutureWrite = 16;

// Two pages that are no program: ENOEXEC if nobody writes.
void Try(const char* what) {
  std::string name = "data";
  char* const argv[] = {name.data(), nullptr};
  char* const envp[] = {nullptr};
  std::fflush(stdout);
  Show(what, execve("data", argv, envp));
}

int Open(int flags) {
  const int fd = open("data", flags | O_CLOEXEC);
  Must(fd >= 0, "data");
  return fd;
}

char* Map(int fd, size_t pages, int prot, int flags) {
  void* const start = mmap(nullptr, pages * kPage, prot, flags, fd, 0);
  Must(start != MAP_FAILED, "mmap");
  return static_cast<char*>(start);
}
// Of a descriptor that is closed again.
char* MapOpened(int open_flags, size_t pages, int prot, int flags) {
  const int fd = Open(open_flags);
  char* const start = Map(fd, pages, prot, flags);
  Must(close(fd) == 0, "close");
  return start;
}
void Unmap(char* start, size_t pages) { Must(munmap(start, pages * kPage) == 0, "munmap"); }

void Executing() {
  std::puts("- execve");
  Try("nobody");
  const int fd = Open(O_RDWR);
  Try("a descriptor");
  close(fd);
  char* pages = MapOpened(O_RDWR, 2, kReadWrite, MAP_SHARED);
  Try("a mapping");
  Must(mprotect(pages, 2 * kPage, PROT_READ) == 0, "mprotect");
  Try("one that is read");
  Unmap(pages, 1);
  Try("half of it");
  Unmap(pages + kPage, 1);
  Try("nothing of it");
  pages = MapOpened(O_RDWR, 1, PROT_READ, MAP_SHARED);
  Try("shared, to be read");
  Unmap(pages, 1);
  pages = MapOpened(O_RDWR, 1, PROT_NONE, MAP_PRIVATE);
  Try("private, for nothing");
  Unmap(pages, 1);
  pages = MapOpened(O_RDONLY, 1, kReadWrite, MAP_PRIVATE);
  Try("private, to be written, of a file that is not");
  Unmap(pages, 1);
  pages = MapOpened(O_RDONLY, 1, PROT_READ, MAP_SHARED);
  Try("shared, of a file that is not written");
  Unmap(pages, 1);

  pages = MapOpened(O_RDWR, 1, kReadWrite, MAP_SHARED);
  char* const other = static_cast<char*>(mremap(pages, kPage, 2 * kPage, MREMAP_MAYMOVE));
  Must(other != MAP_FAILED, "mremap");
  Try("moved");
  char* const twin = static_cast<char*>(mremap(other, 0, kPage, MREMAP_MAYMOVE));
  Must(twin != MAP_FAILED, "mremap");
  Unmap(other, 2);
  Try("a second one of the same");
  Must(mmap(twin, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == twin,
       "mmap");
  Try("mapped over");
  Unmap(twin, 1);
}

void Processes() {
  std::puts("- processes");
  char* const pages = MapOpened(O_RDWR, 1, kReadWrite, MAP_SHARED);
  Gate begun, end;
  pid_t child = Fork([&] {
    begun.Open();
    end.Pass();
    return 0;
  });
  Unmap(pages, 1);
  begun.Pass();
  Try("a child has it");
  end.Open();
  Must(StatusText(Wait(child)) == "exited 0", "the child");
  Try("the child is gone");

  char* const kept = MapOpened(O_RDWR, 1, kReadWrite, MAP_SHARED);
  Must(madvise(kept, kPage, MADV_DONTFORK) == 0, "madvise");
  child = Fork([&] {
    begun.Open();
    end.Pass();
    return 0;
  });
  Unmap(kept, 1);
  begun.Pass();
  Try("a child does not have it");
  end.Open();
  Must(StatusText(Wait(child)) == "exited 0", "the child");

  int line[2];
  Must(pipe(line) == 0, "pipe");
  child = Fork([&] {
    MapOpened(O_RDWR, 1, kReadWrite, MAP_SHARED);
    ExecSelf({"wait", std::to_string(line[1])});
    return 127;
  });
  close(line[1]);
  char byte;
  Must(read(line[0], &byte, 1) == 1, "the child has executed");
  Try("a child has executed");
  kill(child, SIGKILL);
  ShowEnd("the child", child);
  close(line[0]);

  child = Fork([&] {
    MapOpened(O_RDWR, 1, kReadWrite, MAP_SHARED);
    begun.Open();
    pause();
    return 127;
  });
  begun.Pass();
  Try("a child maps it");
  kill(child, SIGKILL);
  ShowEnd("the child", child);
  Try("the child was killed");
}

void Locks() {
  std::puts("- flock");
  int fd = Open(O_RDONLY);
  const int other = Open(O_RDONLY);
  Must(flock(fd, LOCK_EX) == 0, "flock");
  char* const page = Map(fd, 1, PROT_READ, MAP_PRIVATE);
  close(fd);
  Show("while it is mapped", flock(other, LOCK_EX | LOCK_NB));
  Unmap(page, 1);
  Show("then", flock(other, LOCK_EX | LOCK_NB));
  close(other);
}

void Told() {
  std::puts("- inotify");
  const int watcher = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  Must(watcher >= 0 && inotify_add_watch(watcher, "data", IN_CLOSE) > 0, "inotify");
  const auto show = [&](const char* what) {
    char events[4096];
    const ssize_t bytes = read(watcher, events, sizeof events);
    std::printf("%s:", what);
    for (ssize_t at = 0; at < bytes;) {
      const auto* event = reinterpret_cast<const inotify_event*>(events + at);
      std::printf(" %s", event->mask == IN_CLOSE_WRITE ? "written and closed" : "closed");
      at += static_cast<ssize_t>(sizeof *event + event->len);
    }
    std::puts(bytes > 0 ? "" : " nothing");
  };
  char* const pages = MapOpened(O_RDWR, 2, PROT_READ, MAP_PRIVATE);
  show("the descriptor is closed");
  Unmap(pages, 1);
  show("a page is unmapped");
  Unmap(pages + kPage, 1);
  show("the last page is unmapped");
  close(watcher);
}

// How many lines of /proc/self/maps the pages are.
int Lines(const char* start, size_t pages) {
  std::FILE* const file = std::fopen("/proc/self/maps", "r");
  Must(file != nullptr, "maps");
  int lines = 0;
  unsigned long from, to;
  for (char line[512]; std::fgets(line, sizeof line, file) != nullptr;) {
    Must(std::sscanf(line, "%lx-%lx", &from, &to) == 2, "a line");
    lines += to > reinterpret_cast<uintptr_t>(start) &&
             from < reinterpret_cast<uintptr_t>(start) + pages * kPage;
  }
  std::fclose(file);
  return lines;
}

void Neighbours() {
  std::puts("- neighbours");
  const int one = Open(O_RDONLY), two = Open(O_RDONLY), same = dup(one);
  char* const place = Map(one, 2, PROT_NONE, MAP_PRIVATE);
  const auto second = [&](int fd) {
    Must(mmap(place + kPage, kPage, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, kPage) == place + kPage,
         "mmap");
  };
  Must(mmap(place, kPage, PROT_READ, MAP_PRIVATE | MAP_FIXED, one, 0) == place, "mmap");
  second(one);
  std::printf("of one descriptor: %d\n", Lines(place, 2));
  second(two);
  std::printf("of two: %d\n", Lines(place, 2));
  second(same);
  std::printf("of a duplicate: %d\n", Lines(place, 2));
  Unmap(place, 2);
  close(one), close(two), close(same);
}

int Sealable() {
  const int fd = memfd_create("sealable", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  Must(fd >= 0 && ftruncate(fd, 2 * kPage) == 0, "memfd_create");
  return fd;
}
void Seal(const char* what, int fd, int seal = kSealWrite) {
  Show(what, fcntl(fd, F_ADD_SEALS, seal));
}

void Seals() {
  std::puts("- seals");
  int fd = Sealable();
  char* pages = Map(fd, 2, kReadWrite, MAP_SHARED);
  Seal("a mapping to be written", fd);
  Must(mprotect(pages, 2 * kPage, PROT_READ) == 0, "mprotect");
  Seal("that can be read", fd);
  Must(mprotect(pages, kPage, PROT_NONE) == 0, "mprotect");
  Seal("and half of it not", fd);
  Unmap(pages, 1);
  Seal("half of it", fd);
  Unmap(pages + kPage, 1);
  Seal("nothing of it", fd);
  close(fd);

  fd = Sealable();
  pages = Map(fd, 2, PROT_READ, MAP_SHARED);
  Seal("one to be read, of what may be written", fd);
  char* const twin = static_cast<char*>(mremap(pages, 0, kPage, MREMAP_MAYMOVE));
  Must(twin != MAP_FAILED, "mremap");
  Unmap(pages, 2);
  Seal("its twin", fd);
  Unmap(twin, 1);
  const int reader = open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDONLY);
  Must(reader >= 0, "open");
  pages = Map(reader, 1, PROT_READ, MAP_SHARED);
  char* const own = Map(fd, 1, kReadWrite, MAP_PRIVATE);
  own[0] = 'x';
  Seal("of what may not, and a private one", fd);
  Show("mprotect", mprotect(pages, kPage, kReadWrite));
  Unmap(pages, 1);
  close(fd), close(reader);

  fd = Sealable();
  pages = Map(fd, 1, kReadWrite, MAP_SHARED);
  Gate begun, end;
  pid_t child = Fork([&] {
    begun.Open();
    end.Pass();
    return 0;
  });
  begun.Pass();
  Unmap(pages, 1);
  Seal("a child has it", fd);
  end.Open();
  Must(StatusText(Wait(child)) == "exited 0", "the child");
  Seal("the child is gone", fd);
  close(fd);

  fd = Sealable();
  int line[2];
  Must(pipe(line) == 0, "pipe");
  child = Fork([&] {
    Map(fd, 1, kReadWrite, MAP_SHARED);
    ExecSelf({"wait", std::to_string(line[1])});
    return 127;
  });
  close(line[1]);
  char byte;
  Must(read(line[0], &byte, 1) == 1, "the child has executed");
  Seal("a child has executed", fd);
  kill(child, SIGKILL);
  Wait(child);
  close(fd);

  fd = Sealable();
  pages = Map(fd, 1, kReadWrite, MAP_SHARED);
  Seal("what will be mapped from now on", fd, kSealFutureWrite);
  pages[0] = 'x';
  Seal("what is mapped already", fd);
  char* const later = Map(fd, 1, PROT_READ, MAP_SHARED);
  Show("what was mapped later, mprotect", mprotect(later, kPage, kReadWrite));
  Unmap(pages, 1);
  Seal("what was mapped later", fd, kSealWrite | kSealSeal);
  Unmap(later, 1);
  close(fd);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2) {
    Must(write(std::atoi(argv[2]), "x", 1) == 1, "write");
    pause();
  }
  EnterScratchDirectory();
  const int fd = open("data", O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
  const std::string bytes(2 * kPage, 'd');
  Must(fd >= 0 && write(fd, bytes.data(), bytes.size()) == ssize_t{2 * kPage} && close(fd) == 0,
       "data");
  Executing();
  Processes();
  Locks();
  Told();
  Neighbours();
  Seals();
  return 0;
}
