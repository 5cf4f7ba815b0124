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
constexpr size_t kLongestArguments = 40;

constexpr std::string_view kOperator = "operator";

// The length of the first piece of a name: a group in brackets, an operator's name (one of a
// conversion ends with its space), or a character. 0: brackets do not match.
size_t PieceLength(std::string_view name) {
  if (name.starts_with(kOperator)) {
    const size_t end = name.find_first_not_of("<>=-+*/%^&|~!,[]", kOperator.size());
    if (end != name.npos && end > kOperator.size()) return end;
    if (name.substr(kOperator.size()).starts_with("()")) return kOperator.size() + 2;
    if (name.substr(kOperator.size()).starts_with(" ")) return kOperator.size() + 1;
    return 1;
  }
  if (name[0] != '<' && name[0] != '(' && name[0] != '{') return 1;
  int open = 0;
  for (size_t at = 0; at < name.size(); ++at) {
    const char c = name[at];
    if (c == '<' || c == '(' || c == '{') ++open;
    // The arrow of a type behind it.
    if (c == '>' && at > 0 && name[at - 1] == '-') continue;
    if ((c == '>' || c == ')' || c == '}') && --open == 0) return at + 1;
  }
  return 0;
}

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
  return WithoutLongArguments(WithoutTypes(demangled.get()));
}

std::string WithoutTypes(std::string_view name) {
  // "f(int) [clone .isra.0]"
  name = name.substr(0, name.find(" [clone "));
  for (const std::string_view qualifier : {" &&", " &", " volatile", " const"}) {
    if (name.ends_with(qualifier) && name.find('(') != name.npos)
      name.remove_suffix(qualifier.size());
  }
  // Of the groups of parentheses outside of others, the last one, if the name ends with it.
  size_t parameters = name.npos;
  size_t type_end = 0;  // Behind the last space outside of all brackets.
  bool is_operator = false;
  for (size_t at = 0; at < name.size();) {
    const size_t length = PieceLength(name.substr(at));
    if (length == 0) return std::string(name);
    if (name[at] == '(' && at + length == name.size()) parameters = at;
    if (name[at] == ' ' && !is_operator) type_end = at + 1;
    // What follows a space then is "new", or the type that it converts to.
    if (name.substr(at, length).starts_with(kOperator)) is_operator = true;
    at += length;
  }
  if (parameters == name.npos || parameters <= type_end) return std::string(name);
  return std::string(name.substr(type_end, parameters - type_end));
}

std::string WithoutLongArguments(std::string_view name) {
  std::string result;
  for (size_t at = 0; at < name.size();) {
    const size_t length = PieceLength(name.substr(at));
    if (length == 0) return std::string(name);
    if (name[at] == '<' && length > kLongestArguments) {
      result += "<...>";
    } else {
      result += name.substr(at, length);
    }
    at += length;
  }
  return result;
}

}  // namespace pollux::machine
