// bare: a program without a C library: what the kernel puts on the stack, two system calls, and
// zeroed .bss.
typedef unsigned long size_t;

static long SystemCall(long number, long a, long b, long c) {
  register long a7 asm("a7") = number;
  register long a0 asm("a0") = a;
  register long a1 asm("a1") = b;
  register long a2 asm("a2") = c;
  asm volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
  return a0;
}

enum { kWrite = 64, kExitGroup = 94 };

static size_t Length(const char* text) {
  size_t length = 0;
  while (text[length] != '\0') ++length;
  return length;
}
static void Print(const char* text) { SystemCall(kWrite, 1, (long)text, (long)Length(text)); }

static char zeroed[100000];
static int initialised = 42;

// argc, argv, a null pointer, the environment, a null pointer, the auxiliary vector.
void Main(const long* stack) {
  Print("hello from _start\n");
  int status = initialised;
  for (size_t i = 0; i < sizeof zeroed; ++i) status += zeroed[i];
  if ((long)stack % 16 != 0) status = 1;
  const long argc = stack[0];
  const char* name = (const char*)stack[1];
  const size_t length = Length(name);
  Print(argc == 1 ? "argc 1, " : "argc is wrong, ");
  Print("argv[0] ends in ");
  Print(name + length - 4);
  Print("\n");
  if (stack[2] != 0 || stack[3] != 0) status = 2;  // No environment.
  int entries = 0;
  for (const long* entry = stack + 4; entry[0] != 0; entry += 2) ++entries;
  if (entries < 10) status = 3;
  SystemCall(kExitGroup, status, 0, 0);
}

// gp is the program's to set; ra is 0, so that a debugger sees the end.
asm(".globl _start\n"
    "_start:\n"
    ".option push\n"
    ".option norelax\n"
    "  la gp, __global_pointer$\n"
    ".option pop\n"
    "  mv a0, sp\n"
    "  andi sp, sp, -16\n"
    "  call Main\n"
    "  ebreak\n");
