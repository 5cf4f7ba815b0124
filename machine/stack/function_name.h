// The names of functions as people say them.
#ifndef POLLUX_MACHINE_STACK_FUNCTION_NAME_H_
#define POLLUX_MACHINE_STACK_FUNCTION_NAME_H_

#include <string>
#include <string_view>

namespace pollux::machine {

// Whether it is a C++ or Rust name with its namespaces and types encoded in it.
bool IsMangled(const char* symbol);

// "ns::Queue::Take" for "_ZN2ns5Queue4TakeEi": demangled, without parameters and what a template's
// function returns; long template arguments are left out. Other names as they are.
std::string ShortFunctionName(const char* symbol);

// "void f<A>(int) const" -> "f<A>".
std::string WithoutTypes(std::string_view name);

// "f<a long list of types>::g" -> "f<...>::g".
std::string WithoutLongArguments(std::string_view name);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_STACK_FUNCTION_NAME_H_
