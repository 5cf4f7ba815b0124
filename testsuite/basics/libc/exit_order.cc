// exit_order: at exit the functions of atexit and the destructors of static objects run, last
// first, and then the streams are flushed. The status is what exit was given, modulo 256.
#include <cstdio>
#include <cstdlib>

namespace {

struct Static {
  explicit Static(const char* name) : name(name) { std::printf("constructed %s\n", name); }
  ~Static() { std::printf("destroyed %s\n", name); }
  const char* name;
};

Static global("global");
void First() { std::printf("atexit: registered first\n"); }
void AddedLate() { std::printf("atexit: registered while exiting\n"); }
void Second() {
  std::printf("atexit: registered second\n");
  std::atexit(AddedLate);
}
__attribute__((constructor)) void Before() { std::printf("before main\n"); }
__attribute__((destructor)) void After() { std::printf("after main\n"); }

}  // namespace

int main() {
  std::atexit(First);
  static Static local("static in main");
  std::atexit(Second);
  for (int i = 0; i < 100; ++i) std::atexit([] {});
  std::printf("exiting\n");
  std::exit(256 + 7);
}
