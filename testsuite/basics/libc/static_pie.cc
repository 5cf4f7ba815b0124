// static_pie: a position-independent program that is linked statically: it has been loaded
// somewhere, has relocated itself, and its constructors, tables of pointers, thread-local variables
// and exceptions work there.
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <typeinfo>

#include "testsuite/basics/check.h"

extern "C" const ElfW(Ehdr) __ehdr_start;

namespace {

int One() { return 1; }
int Two() { return 2; }
int (*const table[])() = {One, Two, One};
const char* const names[] = {"pointers", "to", "text"};
std::string constructed = "constructed";
thread_local int local = 17;

struct Shape {
  virtual ~Shape() = default;
  virtual int Sides() const = 0;
};
struct Square : Shape {
  int Sides() const override { return 4; }
};

}  // namespace

int main() {
  Must(__ehdr_start.e_type == ET_DYN, "the file is position-independent");
  Must(reinterpret_cast<uintptr_t>(&__ehdr_start) >= 0x10000, "it was not loaded at 0");
  Must(getauxval(AT_PHDR) == reinterpret_cast<uintptr_t>(&__ehdr_start) + __ehdr_start.e_phoff,
       "AT_PHDR is relocated");
  Must(getauxval(AT_ENTRY) == reinterpret_cast<uintptr_t>(&__ehdr_start) + __ehdr_start.e_entry,
       "AT_ENTRY is relocated");
  Must(getauxval(AT_BASE) == 0, "there is no interpreter");
  int sum = 0;
  for (const auto function : table) sum = 10 * sum + function();
  std::printf("%d %s %s %s %s %d\n", sum, names[0], names[1], names[2], constructed.c_str(), local);
  const Square square;
  const Shape* shape = &square;
  try {
    throw std::runtime_error("thrown");
  } catch (const std::exception& error) {
    std::printf("%d %s %s\n", shape->Sides(), error.what(), typeid(*shape).name());
  }
  return 0;
}
