// brk: the data segment grows and shrinks; what is new is zero, also where there was something
// before; what is gone faults.
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

#include "testsuite/basics/check.h"

static sigjmp_buf back;
static void OnFault(int signal) {
  (void)signal;
  siglongjmp(back, 1);
}

static int CanWrite(volatile char* at) {
  if (sigsetjmp(back, 1) != 0) return 0;
  *at = 1;
  return 1;
}

static int AllZero(const char* from, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) {
    if (from[i] != 0) return 0;
  }
  return 1;
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);  // The heap is ours.
  signal(SIGSEGV, OnFault);

  // Up to a page's border first, so that what the kernel rounds is known.
  char* start = sbrk(0);
  start = (char*)(((uintptr_t)start + 4095) & ~(uintptr_t)4095);
  Must(brk(start) == 0, "brk to a page's border");
  printf("writable at the break: %d\n", CanWrite(start));

  Must(sbrk(100000) == start, "sbrk answers the old break");
  Must((char*)sbrk(0) == start + 100000, "the break has moved");
  printf("zero: %d\n", AllZero(start, 100000));
  memset(start, 'x', 100000);
  printf("writable behind the break, on its page: %d\n", CanWrite(start + 100001));
  printf("writable on the next page: %d\n", CanWrite(start + 102400));

  Must((char*)sbrk(-60000) == start + 100000, "sbrk shrinks");
  printf("kept: %d\n", start[39999] == 'x');
  printf("writable on the last page: %d\n", CanWrite(start + 40900));
  printf("writable on a page that was given back: %d\n", CanWrite(start + 45056));
  Must(brk(start + 100000) == 0, "brk grows again");
  printf("the last page keeps what was behind the break: %c\n", start[40001]);
  printf("pages that were given back are zero: %d\n", AllZero(start + 40960, 100000 - 40960));

  Must(brk(start + (64 << 20)) == 0, "64 MiB");
  for (size_t at = 0; at < 64 << 20; at += 4096) start[at] = (char)(at >> 12);
  int kept = 1;
  for (size_t at = 0; at < 64 << 20; at += 4096) kept &= start[at] == (char)(at >> 12);
  printf("64 MiB hold: %d\n", kept);
  Must(brk(start) == 0, "brk back");

  Show("brk of everything", brk((void*)(UINT64_C(1) << 62)));
  Must(sbrk(0) == start, "a refused brk changes nothing");
  Show("sbrk of everything", sbrk(INT64_MAX / 2) == (void*)-1 ? -1 : 0);

  // A mapping in the way.
  void* wall = mmap(start + (1 << 20), 4096, PROT_READ,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  Must(wall == start + (1 << 20), "mmap above the break");
  Show("brk up to a mapping", brk(start + (1 << 19)));
  Show("brk into a mapping", brk(start + (1 << 20) + 1));
  Must(brk(start) == 0, "brk back");
  return 0;
}
