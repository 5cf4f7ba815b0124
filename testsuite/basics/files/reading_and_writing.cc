// reading_and_writing: one file, every way to read and write it: offsets, holes, vectors, ends.
#include <fcntl.h>
#include <sys/uio.h>

#include <algorithm>
#include <string>

#include "testsuite/basics/check.h"

namespace {

int file;

void ShowFile(const char* what) {
  char bytes[200];
  const ssize_t size = pread(file, bytes, sizeof bytes, 0);
  std::printf("%s: %zd bytes [", what, size);
  for (ssize_t i = 0; i < size; ++i) std::putchar(bytes[i] == 0 ? '.' : bytes[i]);
  std::printf("], offset %lld\n", static_cast<long long>(lseek(file, 0, SEEK_CUR)));
}

}  // namespace

int main() {
  EnterScratchDirectory();
  file = open("file", O_RDWR | O_CREAT | O_EXCL, 0644);
  char bytes[64] = "";
  ShowCount("read of an empty file", read(file, bytes, 10));
  ShowCount("write", write(file, "hello", 5));
  ShowCount("write", write(file, " world", 6));
  ShowFile("written");
  ShowCount("read at the end", read(file, bytes, 10));
  ShowCount("lseek to the start", lseek(file, 0, SEEK_SET));
  ShowCount("read of 5", read(file, bytes, 5));
  ShowCount("read of more than there is", read(file, bytes, 60));
  ShowCount("pread", pread(file, bytes, 4, 6));
  std::printf("[%.4s]\n", bytes);
  ShowCount("pread beyond the end", pread(file, bytes, 4, 100));
  ShowCount("pread at a negative offset", pread(file, bytes, 4, -1));
  ShowCount("pwrite in the middle", pwrite(file, "__", 2, 5));
  ShowFile("pwrite leaves the offset alone");
  ShowCount("pwrite beyond the end", pwrite(file, "far", 3, 20));
  ShowFile("a hole is zero");

  ShowCount("lseek behind the end", lseek(file, 10, SEEK_END));
  ShowCount("read there", read(file, bytes, 1));
  ShowCount("write there", write(file, "!", 1));
  ShowFile("written there");
  ShowCount("lseek back", lseek(file, -30, SEEK_CUR));
  ShowCount("lseek before the start", lseek(file, -100, SEEK_CUR));
  ShowCount("lseek with a wrong whence", lseek(file, 0, 17));
  ShowCount("lseek to the end", lseek(file, 0, SEEK_END));
  ShowCount("SEEK_DATA at the start", lseek(file, 0, SEEK_DATA));
  ShowCount("SEEK_HOLE at the end", lseek(file, 33, SEEK_HOLE));
  ShowCount("SEEK_DATA behind the end", lseek(file, 100, SEEK_DATA));

  ShowCount("ftruncate to 8", ftruncate(file, 8));
  ShowFile("shorter");
  ShowCount("ftruncate to 12", ftruncate(file, 12));
  ShowFile("what was cut off does not come back");
  ShowCount("ftruncate to -1", ftruncate(file, -1));
  ShowCount("truncate by name", truncate("file", 4));
  ShowCount("truncate of nothing", truncate("missing", 4));
  ShowFile("by name");

  char first[4] = "", second[8] = "";
  const iovec out[] = {{bytes, 0}, {const_cast<char*>("abc"), 3}, {const_cast<char*>("defgh"), 5}};
  const iovec in[] = {{first, 3}, {second, 7}};
  ShowCount("lseek", lseek(file, 2, SEEK_SET));
  ShowCount("writev", writev(file, out, 3));
  ShowFile("writev");
  ShowCount("preadv", preadv(file, in, 2, 1));
  std::printf("[%.3s] [%.7s]\n", first, second);
  ShowCount("readv at the end", readv(file, in, 2));
  ShowCount("pwritev", pwritev(file, out, 3, 20));
  ShowCount("readv of no vectors", readv(file, in, 0));
  volatile int too_many = 1025, negative = -1;
  ShowCount("readv of too many vectors", readv(file, in, too_many));
  ShowCount("readv of -1 vectors", readv(file, in, negative));
  ShowCount("read of nothing", read(file, bytes, 0));
  ShowFile("pwritev");

  const int reader = open("file", O_RDONLY), writer = open("file", O_WRONLY),
            path = open("file", O_PATH);
  const int directory = open(".", O_RDONLY);
  ShowCount("write to O_RDONLY", write(reader, "x", 1));
  ShowCount("write of nothing to O_RDONLY", write(reader, "x", 0));
  ShowCount("read from O_WRONLY", read(writer, bytes, 1));
  ShowCount("ftruncate of O_RDONLY", ftruncate(reader, 0));
  ShowCount("read from O_PATH", read(path, bytes, 1));
  ShowCount("read from a directory", read(directory, bytes, 1));
  ShowCount("write to a directory", write(directory, bytes, 1));
  ShowCount("ftruncate of a directory", ftruncate(directory, 1));
  ShowCount("truncate of a directory", truncate(".", 1));
  ShowCount("read from a number that is not open", read(12345, bytes, 1));
  ShowCount("read from -1", read(-1, bytes, 1));
  ShowCount("write of nothing to a number that is not open", write(12345, bytes, 0));
  ShowCount("fsync", fsync(file));
  ShowCount("fdatasync of O_PATH", fdatasync(path));
  ShowCount("fallocate", posix_fallocate(file, 0, 100));
  ShowCount("lseek to the end", lseek(file, 0, SEEK_END));
  ShowCount("close", close(file));
  ShowCount("close again", close(file));

  // A megabyte, in pieces of odd sizes.
  file = open("large", O_RDWR | O_CREAT, 0644);
  std::string data(1 << 20, 'x');
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 31 + (i >> 8));
  for (size_t at = 0; at < data.size(); at += 7777) {
    const size_t size = std::min<size_t>(7777, data.size() - at);
    Must(write(file, data.data() + at, size) == static_cast<ssize_t>(size), "write");
  }
  std::string back(data.size(), '\0');
  Must(pread(file, back.data(), back.size(), 0) == static_cast<ssize_t>(back.size()), "pread");
  std::printf("a megabyte comes back: %d\n", back == data);
  return 0;
}
