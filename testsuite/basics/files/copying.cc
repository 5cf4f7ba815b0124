// copying: sendfile and copy_file_range between files and into pipes.
#include <fcntl.h>
#include <sys/sendfile.h>

#include <cstdint>
#include <string>

#include "testsuite/basics/check.h"

int main() {
  EnterScratchDirectory();
  WriteFile("from", "the quick brown fox");
  const int from = open("from", O_RDONLY), to = open("to", O_RDWR | O_CREAT, 0600);
  int ends[2];
  Must(from >= 0 && to >= 0 && pipe2(ends, O_NONBLOCK) == 0, "open");

  off_t offset = 4;
  ShowCount("sendfile from an offset", sendfile(to, from, &offset, 5));
  std::printf("offset %lld, the file's %lld, [%s]\n", static_cast<long long>(offset),
              static_cast<long long>(lseek(from, 0, SEEK_CUR)), FileText("to"));
  ShowCount("sendfile from where it is", sendfile(to, from, nullptr, 4));
  ShowCount("its offset moved to", lseek(from, 0, SEEK_CUR));
  ShowCount("sendfile of more than there is", sendfile(to, from, nullptr, 1000));
  ShowCount("sendfile at the end", sendfile(to, from, nullptr, 1000));
  std::printf("[%s]\n", FileText("to"));
  offset = 0;
  ShowCount("sendfile into a pipe", sendfile(ends[1], from, &offset, 9));
  char text[64] = "";
  ShowCount("read", read(ends[0], text, sizeof text));
  std::printf("[%s]\n", text);
  offset = -1;
  ShowCount("sendfile from a negative offset", sendfile(to, from, &offset, 1));
  ShowCount("sendfile to O_RDONLY", sendfile(from, to, nullptr, 1));
  ShowCount("sendfile from a free number", sendfile(to, 12345, nullptr, 1));
  const int appending = open("to", O_WRONLY | O_APPEND);
  ShowCount("sendfile to O_APPEND", sendfile(appending, from, nullptr, 1));

  // A pipe that is almost full takes what fits.
  const std::string large(1 << 20, 'x');
  WriteFile("large", large.c_str());
  const int source = open("large", O_RDONLY);
  const ssize_t sent = sendfile(ends[1], source, nullptr, 1 << 20);
  std::printf("a pipe takes some of a megabyte: %d\n", sent > 0 && sent < 1 << 20);
  ShowCount("and then", sendfile(ends[1], source, nullptr, 1));

  off_t in = 4, out = 0;
  Must(ftruncate(to, 0) == 0, "ftruncate");
  ShowCount("copy_file_range", copy_file_range(from, &in, to, &out, 11, 0));
  std::printf("%lld %lld [%s]\n", static_cast<long long>(in), static_cast<long long>(out),
              FileText("to"));
  ShowCount("copy_file_range at the end", copy_file_range(from, &(in = 100), to, &out, 11, 0));
  ShowCount("copy_file_range with a flag", copy_file_range(from, &in, to, &out, 11, 1));
  ShowCount("copy_file_range to O_APPEND", copy_file_range(from, &in, appending, &out, 11, 0));
  ShowCount("copy_file_range from a pipe", copy_file_range(ends[0], nullptr, to, &out, 11, 0));
  const int directory = open(".", O_RDONLY);
  ShowCount("copy_file_range from a directory", copy_file_range(directory, &in, to, &out, 11, 0));
  in = 0, out = 5;
  ShowCount("copy_file_range over itself", copy_file_range(to, &in, to, &out, 10, 0));

  // Which is said first, of offsets out of range.
  constexpr off_t kMost = 0x7fffffffffffffff;
  const auto copy = [&](const char* what, int source_file, off_t from_at, int target, off_t to_at,
                        size_t bytes) {
    ShowCount(what, copy_file_range(source_file, &from_at, target, &to_at, bytes, 0));
  };
  in = -100;
  ShowCount("from a negative offset to nowhere",
            syscall(SYS_copy_file_range, from, &in, to, 8L, 5L, 0L));
  copy("from a negative offset of a directory", directory, -100, to, 0, 5);
  copy("from a negative offset to O_APPEND", from, -100, appending, 0, 5);
  copy("from a negative offset", from, -100, to, 0, 5);
  copy("from one just below 0", from, -1, to, 0, 5);
  copy("nothing from there", from, -1, to, 0, 0);
  copy("to a negative offset", from, 0, to, -100, 5);
  copy("to one just below 0", from, 0, to, -1, 5);
  copy("nothing to there", from, 0, to, -1, 0);
  copy("past the end to a negative offset", from, 1000, to, -100, 5);
  copy("from the last offset", from, kMost, to, 0, 5);
  copy("to the last offset", from, 0, to, kMost, 5);
  copy("past the end to the last offset", from, 1000, to, kMost, 5);
  copy("as much as there can be", from, 0, to, 0, SIZE_MAX);
  copy("as much from 1 on", from, 1, to, 0, SIZE_MAX);
  copy("negative offsets of one file", to, -100, to, -98, 5);
  return 0;
}
