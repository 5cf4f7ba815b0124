// A guest for machine_test: does what its first argument names.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static uint64_t Now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + now.tv_nsec;
}

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "exit") == 0) return atoi(argv[2]);
  if (strcmp(what, "abort") == 0) abort();
  if (strcmp(what, "segv") == 0) {
    int* volatile nowhere = (int*)0x10;
    *nowhere = 1;
  }
  if (strcmp(what, "spin") == 0) {
    for (volatile int forever = 1; forever;) continue;
  }
  if (strcmp(what, "deadlock") == 0) {
    struct epoll_event event;
    return epoll_wait(epoll_create1(0), &event, 1, -1);
  }
  if (strcmp(what, "sleep") == 0) {
    const uint64_t before = Now();
    sleep(3600);
    return Now() - before >= 3600000000000u ? 0 : 1;
  }
  if (strcmp(what, "eat") == 0) {
    for (size_t eaten = 0;; eaten += 1 << 20) memset(malloc(1 << 20), 1, 1 << 20);
  }
  if (strcmp(what, "random") == 0) {
    // What is left to chance: told by the system calls' arguments, which the trace shows.
    uint64_t words[4] = {0, (uint64_t)(uintptr_t)&argc, (uint64_t)(uintptr_t)malloc(100000)};
    if (getrandom(&words[3], 8, 0) != 8) return 1;
    memcpy(&words[0], (void*)getauxval(AT_RANDOM), 8);
    double sum = 0;
    for (int i = 1; i < 20000; ++i) sum += 1.0 / i * (double)(words[3] % 1000);
    const int counter = eventfd(0, 0);
    const uint64_t value = words[0] % 1000 + (uint64_t)sum + 1;
    if (write(counter, &value, 8) != 8) return 1;
    char path[64];
    snprintf(path, sizeof path, "/%lx-%lx-%lx-%lx", words[0], words[1], words[2], words[3]);
    return access(path, F_OK) == 0;
  }
  return 99;
}
