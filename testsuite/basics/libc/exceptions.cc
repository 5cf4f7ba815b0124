// exceptions: throw and catch through frames and libraries, destructors in order, rethrow,
// exception_ptr, RTTI. The unwinder reads .eh_frame, finds it through the program headers, and
// restores every saved register.
#include <cxxabi.h>

#include <exception>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <variant>
#include <vector>

#include "testsuite/basics/check.h"

namespace {

struct Noisy {
  explicit Noisy(int number) : number(number) {}
  ~Noisy() { std::printf("~%d ", number); }
  int number;
};

struct Animal {
  virtual ~Animal() = default;
  virtual std::string Name() const { return "animal"; }
};
struct Swims {
  virtual ~Swims() = default;
  int depth = 5;
};
struct Duck : Animal, virtual Swims {
  std::string Name() const override { return "duck"; }
};
struct TooDeep : std::runtime_error, Noisy {
  explicit TooDeep(int depth)
      : runtime_error("depth " + std::to_string(depth)), Noisy(100 + depth) {}
};

int Descend(int depth) {
  Noisy noisy(depth);
  if (depth == 4) throw TooDeep(depth);
  return Descend(depth + 1) + noisy.number;
}

void Demangled(const std::type_info& type) {
  int status = 0;
  char* name = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
  std::printf("%s\n", name);
  std::free(name);
}

// Catches what `act` throws, and prints it.
void Catch(const char* what, const std::function<void()>& act) {
  std::printf("%s: ", what);
  try {
    act();
    std::printf("nothing thrown\n");
  } catch (const TooDeep& error) {
    std::printf("TooDeep: %s\n", error.what());
  } catch (const std::bad_alloc&) {
    std::printf("bad_alloc\n");
  } catch (const std::exception& error) {
    std::printf("%s: %s\n", typeid(error).name(), error.what());
  } catch (int number) {
    std::printf("int %d\n", number);
  } catch (...) {
    std::printf("something else\n");
  }
}

}  // namespace

int main() {
  Catch("through frames", [] { Descend(0); });
  Catch("an int", [] { throw 42; });
  Catch("a string", [] { throw std::string("text"); });
  Catch("from the library", [] { std::vector<int>().at(3); });
  Catch("from std::stoi", [] { (void)std::stoi("x"); });
  Catch("from new", [] { ::operator delete(::operator new(SIZE_MAX / 2)); });
  Catch("bad variant", [] { (void)std::get<int>(std::variant<int, char>('c')); });
  Catch("rethrown", [] {
    try {
      Descend(3);
    } catch (std::runtime_error&) {
      std::printf("seen once, ");
      throw;
    }
  });
  Catch("another one while unwinding is caught inside", [] {
    struct Careful {
      ~Careful() {
        try {
          throw 1;
        } catch (int) {
          std::printf("inner caught (%d in flight), ", std::uncaught_exceptions());
        }
      }
    } careful;
    throw 2;
  });
  std::exception_ptr kept;
  try {
    Descend(4);
  } catch (...) {
    kept = std::current_exception();
  }
  Catch("kept for later", [&] { std::rethrow_exception(kept); });
  Catch("nested", [] {
    try {
      try {
        throw std::logic_error("inner");
      } catch (...) {
        std::throw_with_nested(std::runtime_error("outer"));
      }
    } catch (const std::exception& outer) {
      std::printf("%s with ", outer.what());
      std::rethrow_if_nested(outer);
    }
  });

  Duck duck;
  Animal* animal = &duck;
  std::printf("%s, a swimmer of depth %d, ", animal->Name().c_str(),
              dynamic_cast<Swims*>(animal)->depth);
  Demangled(typeid(*animal));
  Animal plain;
  animal = &plain;
  Must(dynamic_cast<Swims*>(animal) == nullptr, "an animal need not swim");
  Catch("bad cast", [&] { (void)dynamic_cast<Swims&>(*animal); });

  long caught = 0;
  for (int i = 0; i < 2000; ++i) {
    try {
      throw i;
    } catch (int number) {
      caught += number;
    }
  }
  std::printf("caught %ld in all\n", caught);
  return 0;
}
