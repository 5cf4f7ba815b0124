#include "machine/stack/function_name.h"

#include <cxxabi.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace pollux::machine {
namespace {

// Longer ones cost the demangler more than a name is worth.
constexpr size_t kLongestMangled = 4096;

}  // namespace

bool IsMangled(const char* symbol) { return std::strncmp(symbol, "_Z", 2) == 0; }

std::string ShortFunctionName(const char* symbol) {
  if (!IsMangled(symbol) || strnlen(symbol, kLongestMangled) == kLongestMangled) {
    return std::string(symbol, strnlen(symbol, kLongestMangled));
  }
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> demangled(
      abi::__cxa_demangle(symbol, nullptr, nullptr, &status), &std::free);
  if (demangled == nullptr || status != 0) return symbol;
  return WithoutParameters(demangled.get());
}

std::string WithoutParameters(std::string name) {
  // "f(int) [clone .isra.0]"
  if (const size_t clone = name.find(" [clone "); clone != std::string::npos) name.resize(clone);
  std::string_view rest = name;
  for (const std::string_view qualifier : {" &&", " &", " volatile", " const"}) {
    if (rest.ends_with(qualifier)) rest.remove_suffix(qualifier.size());
  }
  if (!rest.ends_with(')')) return name;
  int open = 0;
  for (size_t at = rest.size(); at-- > 0;) {
    if (rest[at] == ')') ++open;
    if (rest[at] == '(' && --open == 0) {
      if (at == 0) return name;
      name.resize(at);
      return name;
    }
  }
  return name;
}

}  // namespace pollux::machine
