// Threads that do one or two atomic operations and end, without a C library: so small that all
// their schedules can be counted by hand (exhaustive_test.cc). RISC-V only.
#include <stddef.h>

enum {
  kEventfd = 19,
  kRead = 63,
  kWrite = 64,
  kExit = 93,
  kFutex = 98,
  kClockGettime = 113,
  kPrctl = 167,
  kGetpid = 172,
  kClone = 220
};
enum { kWaitPrivate = 128, kWakePrivate = 129 };

static long Call(long number, long a, long b, long c, long d, long e) {
  register long a7 __asm__("a7") = number;
  register long a0 __asm__("a0") = a;
  register long a1 __asm__("a1") = b;
  register long a2 __asm__("a2") = c;
  register long a3 __asm__("a3") = d;
  register long a4 __asm__("a4") = e;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4) : "memory");
  return a0;
}

static int x, y, event;
static const unsigned long kOne = 1;
static long now[2], got;
static void Write(int* at) {
  __asm__ volatile("amoadd.w x0, %0, (%1)" ::"r"(1), "r"(at) : "memory");
}
static void Read(int* at) {
  int value;
  __asm__ volatile("lr.w %0, (%1)" : "=r"(value) : "r"(at) : "memory");
}

static void Load(long* at) {
  long value;
  __asm__ volatile("ld %0, (%1)" : "=r"(value) : "r"(at) : "memory");
}

// What each thread does, by program.
static void Do(int program, int thread) {
  switch (program) {
    case 1:  // Nothing in common.
      Write(thread == 0 ? &x : &y);
      break;
    case 2:
    case 5:  // One write of the same.
      Write(&x);
      break;
    case 3:  // Two of them.
      Write(&x);
      Write(&x);
      break;
    case 4:  // Both read.
      Read(&x);
      break;
    case 6:  // One waits at a futex for what the other does.
      if (thread == 0) {
        Write(&x);
        Call(kFutex, (long)&x, kWakePrivate, 1, 0, 0);
      } else {
        Call(kFutex, (long)&x, kWaitPrivate, 0, 0, 0);
      }
      break;
    case 7:  // Both use a descriptor.
      Call(kWrite, event, (long)&kOne, 8, 0, 0);
      break;
    case 8:  // One does, and the other something else.
      thread == 0 ? (void)Call(kWrite, event, (long)&kOne, 8, 0, 0) : Write(&y);
      break;
    case 9:  // What nobody sees.
      Call(kGetpid, 0, 0, 0, 0, 0);
      break;
    case 10:  // A call that may do anything, and something else.
      thread == 0 ? (void)Call(kClockGettime, 1, (long)now, 0, 0, 0) : Write(&y);
      break;
    case 11:  // A call stores what the other loads, and no atomic is there to be seen.
      thread == 0 ? (void)Call(kRead, event, (long)&got, 8, 0, 0) : Load(&got);
      break;
    case 12:  // Two wait, and the third wakes one, which wakes the other.
      if (thread < 2) Call(kFutex, (long)&x, kWaitPrivate, 0, 0, 0);
      Call(kFutex, (long)&x, kWakePrivate, 1, 0, 0);
      break;
    case 13:  // Three wait, two of them until the fourth wakes two.
      if (thread < 3) {
        Call(kFutex, (long)&x, kWaitPrivate, 0, 0, 0);
      } else {
        Call(kFutex, (long)&x, kWakePrivate, 2, 0, 0);
      }
      break;
  }
}

static int Threads(int program) {
  return program == 13 ? 4 : program == 5 || program == 12 ? 3 : 2;
}

static void Thread(long program, long thread) {
  // Choices begin with the first one; or with the last one, when the others wait.
  if (thread == (program >= 12 ? Threads((int)program) - 1 : 0))
    Call(kPrctl, 0x706c7578, 1, 0, 0, 0);
  Do((int)program, (int)thread);
  Call(kExit, 0, 0, 0, 0, 0);
  __builtin_unreachable();
}

static char stacks[4][4096] __attribute__((aligned(16)));

static void Start(long program, long thread) {
  const long kFlags = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000;  // VM, FS, FILES, SIGHAND, THREAD
  register long a7 __asm__("a7") = kClone;
  register long a0 __asm__("a0") = kFlags;
  register long a1 __asm__("a1") = (long)(stacks[thread] + sizeof stacks[thread]);
  register long s1 __asm__("s1") = program;
  register long s2 __asm__("s2") = thread;
  register void (*s3)(long, long) __asm__("s3") = Thread;
  __asm__ volatile(
      "li a2, 0\n"
      "li a3, 0\n"
      "li a4, 0\n"
      "ecall\n"
      "bnez a0, 1f\n"
      "mv a0, s1\n"
      "mv a1, s2\n"
      "jr s3\n"
      "1:\n"
      : "+r"(a0)
      : "r"(a7), "r"(a1), "r"(s1), "r"(s2), "r"(s3)
      : "a2", "a3", "a4", "memory");
}

__attribute__((used)) void Main(long* stack) {
  const char* const program = stack[0] > 1 ? (const char*)stack[2] : "0";
  const int threads = Threads(*program - '0');
  event = (int)Call(kEventfd, 1, 0, 0, 0, 0);
  Call(kPrctl, 0x706c7578, 0, 0, 0, 0);
  for (int thread = 0; thread < threads; ++thread) Start(*program - '0', thread);
  Call(kExit, 0, 0, 0, 0, 0);
}

__asm__(
    ".globl _start\n"
    "_start:\n"
    ".option push\n"
    ".option norelax\n"
    "la gp, __global_pointer$\n"
    ".option pop\n"
    "mv a0, sp\n"
    "andi sp, sp, -16\n"
    "call Main\n");
