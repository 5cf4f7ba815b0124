// The names of functions as people say them.
#ifndef POLLUX_MACHINE_STACK_FUNCTION_NAME_H_
#define POLLUX_MACHINE_STACK_FUNCTION_NAME_H_

#include <string>

namespace pollux::machine {

// Whether it is a C++ or Rust name with its namespaces and types encoded in it.
bool IsMangled(const char* symbol);

// "ns::Queue::Take" for "_ZN2ns5Queue4TakeEi": demangled, without parameters. Other names as they
// are.
std::string ShortFunctionName(const char* symbol);

// "f(int) const" -> "f".
std::string WithoutParameters(std::string name);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_STACK_FUNCTION_NAME_H_
