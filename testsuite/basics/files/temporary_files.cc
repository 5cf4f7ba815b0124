// temporary_files: files without a name live as long as they are open: after unlink, from tmpfile,
// from O_TMPFILE.
#include <fcntl.h>
#include <sys/mman.h>

#include "testsuite/basics/check.h"

int main() {
  EnterScratchDirectory();
  const int file = open("file", O_RDWR | O_CREAT, 0600);
  Must(write(file, "still here", 10) == 10 && unlink("file") == 0, "unlink");
  char text[32] = "";
  ShowCount("read after unlink", pread(file, text, sizeof text, 0));
  std::printf("[%s], by name: %s\n", text, FileText("file"));
  Must(write(file, ", and more", 10) == 10, "write after unlink");
  const int fresh = open("file", O_RDWR | O_CREAT | O_EXCL, 0600);
  Must(fresh >= 0 && write(fresh, "new", 3) == 3, "the name is free");
  ShowCount("the old file", pread(file, text, sizeof text, 0));
  ShowCount("the new file", pread(fresh, text, sizeof text, 0));

  // Through a mapping, without any number.
  char* mapped = static_cast<char*>(mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file, 0));
  Must(mapped != MAP_FAILED && close(file) == 0, "mmap and close");
  std::printf("mapped: [%s]\n", mapped);

  std::FILE* temporary = std::tmpfile();
  Must(temporary != nullptr && std::fputs("temporary", temporary) >= 0, "tmpfile");
  std::rewind(temporary);
  Must(std::fgets(text, sizeof text, temporary) != nullptr, "fgets");
  std::printf("tmpfile: [%s]\n", text);
  std::fclose(temporary);

  char name[] = "made.XXXXXX", with_suffix[] = "made.XXXXXX.txt";
  const int made = mkstemp(name), made_too = mkstemps(with_suffix, 4);
  Must(made >= 0 && made_too >= 0 && std::strcmp(name, "made.XXXXXX") != 0, "mkstemp");
  struct stat status;
  Must(stat(name, &status) == 0, "stat");
  std::printf("mkstemp: mode %o, size %lld\n", status.st_mode & 07777,
              static_cast<long long>(status.st_size));
  char wrong[] = "no_placeholder";
  Show("mkstemp without XXXXXX", mkstemp(wrong));

  const int memory = memfd_create("name", MFD_CLOEXEC);
  Must(memory >= 0, "memfd_create");
  ShowCount("write to a memfd", pwrite(memory, "x", 1, 5000));
  Must(fstat(memory, &status) == 0, "fstat");
  std::printf("memfd: size %lld, a file %d, links %d, mode %o\n",
              static_cast<long long>(status.st_size), S_ISREG(status.st_mode),
              static_cast<int>(status.st_nlink), status.st_mode & 07777);
  return 0;
}
