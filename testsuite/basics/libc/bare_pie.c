// bare_pie: a position-independent program without a loader or a C library: the kernel has chosen
// its address, and it relocates itself. (glibc for riscv64 has no static-pie start-up; this is what
// it would do.)
#include <elf.h>

extern const Elf64_Dyn _DYNAMIC[] __attribute__((visibility("hidden")));
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

static long SystemCall(long number, long a, long b, long c) {
  register long a7 asm("a7") = number;
  register long a0 asm("a0") = a;
  register long a1 asm("a1") = b;
  register long a2 asm("a2") = c;
  asm volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
  return a0;
}

enum { kWrite = 64, kExitGroup = 94 };

static void Print(const char* text) {
  long length = 0;
  while (text[length] != '\0') ++length;
  SystemCall(kWrite, 1, (long)text, length);
}

// Pointers in data are what has to be relocated.
static const char* volatile const lines[] = {"relocated\n", "and running\n"};
static int (*volatile function)(int);
static int Twice(int x) { return 2 * x; }
static int (*volatile const functions[])(int) = {Twice};

static const Elf64_auxv_t* AuxiliaryVector(const long* stack) {
  const long* at = stack + 1 + stack[0] + 1;
  while (*at != 0) ++at;
  return (const Elf64_auxv_t*)(at + 1);
}

void Main(const long* stack) {
  const unsigned long base = (unsigned long)&__ehdr_start;
  const Elf64_Rela* relocations = 0;
  unsigned long bytes = 0;
  for (const Elf64_Dyn* entry = _DYNAMIC; entry->d_tag != DT_NULL; ++entry) {
    if (entry->d_tag == DT_RELA) relocations = (const Elf64_Rela*)(base + entry->d_un.d_ptr);
    if (entry->d_tag == DT_RELASZ) bytes = entry->d_un.d_val;
  }
  for (unsigned long i = 0; i < bytes / sizeof *relocations; ++i) {
    if (ELF64_R_TYPE(relocations[i].r_info) != R_RISCV_RELATIVE) SystemCall(kExitGroup, 1, 0, 0);
    *(unsigned long*)(base + relocations[i].r_offset) = base + relocations[i].r_addend;
  }
  Print(lines[0]);
  int status = 42;
  if (base < 0x10000 || base % 4096 != 0) status = 2;
  if (__ehdr_start.e_type != ET_DYN) status = 3;
  for (const Elf64_auxv_t* entry = AuxiliaryVector(stack); entry->a_type != AT_NULL; ++entry) {
    if (entry->a_type == AT_ENTRY && entry->a_un.a_val != base + __ehdr_start.e_entry) status = 4;
    if (entry->a_type == AT_PHDR && entry->a_un.a_val != base + __ehdr_start.e_phoff) status = 5;
    if (entry->a_type == AT_BASE && entry->a_un.a_val != 0) status = 6;
  }
  function = functions[0];
  if (function(21) != 42) status = 7;
  Print(lines[1]);
  SystemCall(kExitGroup, status, 0, 0);
}

asm(".globl _start\n"
    "_start:\n"
    "  mv a0, sp\n"
    "  andi sp, sp, -16\n"
    "  call Main\n"
    "  ebreak\n");
