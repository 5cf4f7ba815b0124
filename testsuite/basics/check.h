// The few words that the programs here are written in, for C and C++.
//
// A program prints what it sees in words that are the same wherever the kernel is right: names of
// errors, counts, contents; never addresses, process ids, times or inode numbers. What must hold
// everywhere is checked with Must.
#ifndef POLLUX_TESTSUITE_BASICS_CHECK_H_
#define POLLUX_TESTSUITE_BASICS_CHECK_H_

#include <errno.h>
#include <ftw.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __cplusplus
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#endif

// Ends the program with status 1, and says why on stderr, unless `ok`.
static inline void Must(int ok, const char* what) {
  if (ok) return;
  const int error = errno;
  fflush(stdout);
  fprintf(stderr, "failed: %s (errno is %s)\n", what, strerror(error));
  exit(1);
}

static inline const char* ErrorName(int error) {
  const char* name = strerrorname_np(error);
  return name != NULL ? name : "an unknown error";
}

// Prints "WHAT: ok" or "WHAT: ENOENT", as a call went that returned `result`; returns it.
static inline long Show(const char* what, long result) {
  printf("%s: %s\n", what, result >= 0 ? "ok" : ErrorName(errno));
  return result;
}

// Prints "WHAT: 42" or "WHAT: ENOENT".
static inline long ShowCount(const char* what, long result) {
  if (result >= 0) {
    printf("%s: %ld\n", what, result);
  } else {
    printf("%s: %s\n", what, ErrorName(errno));
  }
  return result;
}

static inline int RemoveOne(const char* path, const struct stat* status, int type,
                            struct FTW* walk) {
  (void)status, (void)type, (void)walk;
  return remove(path);
}

static inline char* ScratchDirectory(void) {
  static char path[] = "/tmp/pollux_basics.XXXXXX";
  return path;
}

static inline void RemoveScratchDirectory(void) {
  nftw(ScratchDirectory(), RemoveOne, 16, FTW_DEPTH | FTW_PHYS);
}

// root may do everything, and would see other answers than others: where the program is root it
// gives up what that means. (Not the number: in the sandbox of a test there may be no other.)
static inline void DropRoot(void) {
  if (geteuid() != 0) return;
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];
  memset(none, 0, sizeof none);
  Must(syscall(SYS_capset, &header, none) == 0, "dropping all capabilities");
}

// Makes a fresh directory the working directory, until the program exits. From here on it has no
// privileges, and its umask is 022.
static inline void EnterScratchDirectory(void) {
  DropRoot();
  umask(022);
  Must(mkdtemp(ScratchDirectory()) != NULL, "mkdtemp");
  Must(chdir(ScratchDirectory()) == 0, "chdir into the scratch directory");
  atexit(RemoveScratchDirectory);
}

// Makes `path` a file that holds `text`.
static inline void WriteFile(const char* path, const char* text) {
  FILE* file = fopen(path, "w");
  Must(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0, path);
}

// The bytes of a file as text; at most 4095. Valid until the next call.
static inline const char* FileText(const char* path) {
  static char text[4096];
  FILE* file = fopen(path, "r");
  if (file == NULL) return ErrorName(errno);
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  fclose(file);
  return text;
}

#endif  // POLLUX_TESTSUITE_BASICS_CHECK_H_
