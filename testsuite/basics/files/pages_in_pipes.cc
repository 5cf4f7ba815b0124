// pages_in_pipes: what splice(2) and sendfile(2) bring from a file into a pipe
// are the file's pages: what is written to the file afterwards is read from the
// pipe, until the file lets go of the page.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include <string>

#include "testsuite/basics/check.h"

namespace {

struct Ends {
  int out, in;
};
Ends MakePipe() {
  int ends[2];
  Must(pipe2(ends, O_NONBLOCK) == 0, "pipe2");
  return {ends[0], ends[1]};
}

int File(const char *text) {
  const int fd = memfd_create("file", MFD_ALLOW_SEALING);
  Must(fd >= 0 && write(fd, text, strlen(text)) == static_cast<ssize_t>(strlen(text)), "a file");
  return fd;
}

void Send(int file, off_t offset, size_t bytes, const Ends &pipe) {
  ShowCount("  sendfile", sendfile(pipe.in, file, &offset, bytes));
}

void Put(int file, off_t offset, const char *text) {
  Must(pwrite(file, text, strlen(text), offset) == static_cast<ssize_t>(strlen(text)), "pwrite");
}

// As one line: runs of zeros by their length.
void Read(const Ends &pipe, size_t bytes) {
  std::string text(bytes, '?');
  const ssize_t count = read(pipe.out, text.data(), bytes);
  if (count < 0) {
    std::printf("  read: %s\n", ErrorName(errno));
    return;
  }
  std::printf("  read: %zd ", count);
  for (ssize_t i = 0; i < count;) {
    ssize_t end = i;
    while (end < count && text[end] == '\0') ++end;
    if (end > i) {
      std::printf("[%zd zeros]", end - i);
      i = end;
    } else {
      std::printf("%c", text[i++]);
    }
  }
  std::printf("\n");
}

}  // namespace

int main() {
  const std::string page(4096, 'p');
  {
    std::printf("written afterwards\n");
    const int file = File("abcdefgh");
    const Ends pipe = MakePipe();
    Send(file, 2, 4, pipe);
    Put(file, 3, "XY");
    Read(pipe, 2);
    Put(file, 0, "12345678");
    Read(pipe, 100);
  }
  {
    std::printf("what a read(2) of the file gave is a copy\n");
    const int file = File("abcdefgh");
    const Ends pipe = MakePipe();
    Must(write(pipe.in, "abcd", 4) == 4, "write");
    Put(file, 0, "XXXX");
    Read(pipe, 100);
  }
  {
    std::printf("a longer file does not make it longer\n");
    const int file = File("abc");
    const Ends pipe = MakePipe();
    Send(file, 0, 100, pipe);
    Put(file, 3, "defgh");
    Read(pipe, 100);
  }
  {
    std::printf("cut off: the page stays, what is cut from it is zeros\n");
    const int file = File((page + page).c_str());
    const Ends pipe = MakePipe();
    Send(file, 4090, 12, pipe);
    Must(ftruncate(file, 4094) == 0, "ftruncate");
    Put(file, 4096, "ZZZZZZ");
    Read(pipe, 6);
    Read(pipe, 100);
    Send(file, 4090, 100, pipe);
    Must(ftruncate(file, 0) == 0, "ftruncate");
    Put(file, 4090, "WWWWWWWWWWWW");
    Read(pipe, 100);
  }
  {
    std::printf("a hole stays zeros, and punching leaves the page\n");
    const int file = File(page.c_str());
    Must(ftruncate(file, 12288) == 0, "ftruncate");
    const Ends pipe = MakePipe();
    Send(file, 4000, 200, pipe);
    Put(file, 4096, "not seen");
    Must(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == 0, "punch");
    Put(file, 4000, "not seen");
    Read(pipe, 100);
    Read(pipe, 100);
    Must(fallocate(file, 0, 8192, 4096) == 0, "fallocate");
    Send(file, 8192, 10, pipe);
    Put(file, 8192, "reserved");
    Read(pipe, 100);
  }
  {
    std::printf("from pipe to pipe\n");
    const int file = File("abcdefgh");
    const Ends first = MakePipe(), second = MakePipe(), third = MakePipe();
    Send(file, 0, 8, first);
    ShowCount("  tee", tee(first.out, second.in, 5, SPLICE_F_NONBLOCK));
    ShowCount("  splice of a part",
              splice(first.out, nullptr, second.in, nullptr, 3, SPLICE_F_NONBLOCK));
    ShowCount("  splice of the rest",
              splice(first.out, nullptr, third.in, nullptr, 100, SPLICE_F_NONBLOCK));
    Must(write(third.in, "!", 1) == 1, "write");
    Put(file, 0, "ABCDEFGH");
    Read(second, 100);
    Read(third, 100);
  }
  {
    std::printf("through a mapping\n");
    const int file = File(page.c_str());
    const Ends pipe = MakePipe();
    Send(file, 0, 6, pipe);
    char *const bytes =
        static_cast<char *>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
    Must(bytes != MAP_FAILED, "mmap");
    bytes[1] = 'M';
    Read(pipe, 3);
    bytes[4] = 'N';
    Read(pipe, 100);
    Send(file, 0, 6, pipe);
    bytes[0] = 'O';
    Must(ftruncate(file, 0) == 0 && ftruncate(file, 4096) == 0, "ftruncate");
    bytes[0] = 'P';
    Read(pipe, 100);
  }
  {
    std::printf("a closed file\n");
    const int file = File("abcdefgh");
    const Ends pipe = MakePipe();
    Send(file, 0, 8, pipe);
    close(file);
    Read(pipe, 100);
  }
  {
    std::printf("seals\n");
    const int file = File("abcdefgh");
    const Ends pipe = MakePipe();
    Send(file, 0, 8, pipe);
    Show("  while a pipe has it", fcntl(file, F_ADD_SEALS, F_SEAL_WRITE));
    Read(pipe, 100);
    Show("  afterwards", fcntl(file, F_ADD_SEALS, F_SEAL_WRITE));
  }
  return 0;
}
