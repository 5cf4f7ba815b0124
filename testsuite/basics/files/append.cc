// append: O_APPEND writes at the end as it is at that moment, whatever another description has done
// to the file.
#include <fcntl.h>

#include "testsuite/basics/check.h"

int main() {
  EnterScratchDirectory();
  const int first = open("log", O_RDWR | O_CREAT | O_APPEND, 0644);
  const int second = open("log", O_WRONLY | O_APPEND), plain = open("log", O_RDWR);
  Must(first >= 0 && second >= 0 && plain >= 0, "open");
  Must(write(first, "one ", 4) == 4 && write(second, "two ", 4) == 4 &&
           write(first, "three ", 6) == 6,
       "write");
  std::printf("[%s]\n", FileText("log"));
  ShowCount("offset of the first", lseek(first, 0, SEEK_CUR));
  ShowCount("offset of the second", lseek(second, 0, SEEK_CUR));
  ShowCount("lseek of the first", lseek(first, 0, SEEK_SET));
  char bytes[4] = "";
  ShowCount("read starts there", read(first, bytes, 3));
  Must(write(first, "four ", 5) == 5, "write");
  std::printf("[%s]\n", FileText("log"));
  Must(write(plain, "ONE", 3) == 3, "write");
  ShowCount("pwrite to O_APPEND ignores the offset", pwrite(second, "five ", 5, 0));
  std::printf("[%s]\n", FileText("log"));
  Must(ftruncate(plain, 4) == 0 && write(second, "again ", 6) == 6, "write");
  std::printf("[%s]\n", FileText("log"));

  Must(fcntl(plain, F_SETFL, O_APPEND) == 0 && write(plain, "late ", 5) == 5, "F_SETFL");
  std::printf("[%s]\n", FileText("log"));
  Must(fcntl(plain, F_SETFL, 0) == 0 && lseek(plain, 0, SEEK_SET) == 0 &&
           write(plain, "EARLY", 5) == 5,
       "F_SETFL");
  std::printf("[%s]\n", FileText("log"));

  const int copy = dup(second);
  Must(copy >= 0 && write(copy, "dup ", 4) == 4 && write(second, "end", 3) == 3, "dup");
  std::printf("[%s]\n", FileText("log"));
  ShowCount("dup shares the offset", lseek(copy, 0, SEEK_CUR) - lseek(second, 0, SEEK_CUR));
  return 0;
}
