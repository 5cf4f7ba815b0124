#include "machine/stack/scopes.h"

#include <dwarf.h>

#include <string>
#include <string_view>
#include <utility>

#include "machine/stack/function_name.h"

namespace pollux::machine {
namespace {

// Bounds for a unit whose entries lead in circles, or down forever.
constexpr int kDeepest = 200;
constexpr int kMostEntries = 20'000'000;
constexpr size_t kMostInlined = 32;

class ScopeFinder {
 public:
  explicit ScopeFinder(uint64_t address) : address_(address) {}

  // The functions that have the address, the outermost first.
  const std::vector<Dwarf_Die>& functions() const { return functions_; }

  bool Search(Dwarf_Die parent, int depth) {
    Dwarf_Die child;
    if (depth > kDeepest || dwarf_child(&parent, &child) != 0) return false;
    do {
      if (++entries_ > kMostEntries) return false;
      if (Visit(child, depth)) return true;
    } while (dwarf_siblingof(&child, &child) == 0);
    return false;
  }

 private:
  bool Visit(Dwarf_Die& die, int depth) {
    switch (dwarf_tag(&die)) {
      case DW_TAG_subprogram:
      case DW_TAG_inlined_subroutine:
        if (dwarf_haspc(&die, address_) != 1) return false;
        functions_.push_back(die);
        (void)Search(die, depth + 1);
        return true;
      case DW_TAG_lexical_block:
      case DW_TAG_try_block:
      case DW_TAG_catch_block:
        if (dwarf_haspc(&die, address_) != 1) return false;
        (void)Search(die, depth + 1);
        return true;
      case DW_TAG_namespace:
      case DW_TAG_module:
      case DW_TAG_class_type:
      case DW_TAG_structure_type:
      case DW_TAG_union_type:
        return Search(die, depth + 1);
      default:
        return false;
    }
  }

  uint64_t address_;
  int entries_ = 0;
  std::vector<Dwarf_Die> functions_;
};

const char* StringOf(Dwarf_Die& die, unsigned name) {
  Dwarf_Attribute attribute;
  return dwarf_formstring(dwarf_attr_integrate(&die, name, &attribute));
}

std::string NameOf(Dwarf_Die& die) {
  for (const unsigned attribute : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name}) {
    if (const char* name = StringOf(die, attribute); name != nullptr)
      return ShortFunctionName(name);
  }
  const char* name = StringOf(die, DW_AT_name);
  return name == nullptr ? std::string() : WithoutLongArguments(name);
}

uint32_t NumberOf(Dwarf_Die& die, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (dwarf_formudata(dwarf_attr(&die, name, &attribute), &value) != 0) return 0;
  return static_cast<uint32_t>(value);
}

// Relative to where the compiler ran, as it was called.
std::string Shorten(Dwarf_Die& unit, const char* path) {
  std::string_view file = path;
  const char* directory = StringOf(unit, DW_AT_comp_dir);
  if (directory == nullptr) return std::string(file);
  const std::string_view start = directory;
  if (!start.empty() && file.size() > start.size() + 1 && file.starts_with(start) &&
      file[start.size()] == '/')
    file.remove_prefix(start.size() + 1);
  if (file.starts_with("./")) file.remove_prefix(2);
  return std::string(file);
}

struct Place {
  std::string file;
  uint32_t line = 0;
};

Place LineAt(Dwarf_Die& unit, uint64_t address) {
  Dwarf_Line* line = dwarf_getsrc_die(&unit, address);
  bool ended = false;
  int number = 0;
  if (line == nullptr || dwarf_lineendsequence(line, &ended) != 0 || ended ||
      dwarf_lineno(line, &number) != 0 || number <= 0)
    return {};
  const char* file = dwarf_linesrc(line, nullptr, nullptr);
  if (file == nullptr) return {};
  return {Shorten(unit, file), static_cast<uint32_t>(number)};
}

// Where an inlined function was called.
Place CallOf(Dwarf_Die& unit, Dwarf_Die& inlined) {
  Dwarf_Files* files = nullptr;
  size_t count = 0;
  const uint32_t file = NumberOf(inlined, DW_AT_call_file);
  const uint32_t line = NumberOf(inlined, DW_AT_call_line);
  if (line == 0 || dwarf_getsrcfiles(&unit, &files, &count) != 0 || file >= count) return {};
  const char* name = dwarf_filesrc(files, file, nullptr, nullptr);
  if (name == nullptr) return {};
  return {Shorten(unit, name), line};
}

}  // namespace

std::vector<Frame> DescribeScopes(const Dwarf_Die& unit_entry, uint64_t address) {
  Dwarf_Die unit = unit_entry;
  ScopeFinder finder(address);
  (void)finder.Search(unit, 0);
  std::vector<Dwarf_Die> functions = finder.functions();
  if (functions.size() > kMostInlined) functions.resize(kMostInlined);
  std::vector<Frame> frames;
  Place place = LineAt(unit, address);
  while (!functions.empty()) {
    Dwarf_Die& die = functions.back();
    const bool inlined = dwarf_tag(&die) == DW_TAG_inlined_subroutine;
    frames.push_back({.kind = inlined ? Frame::Kind::kInlined : Frame::Kind::kFunction,
                      .function = NameOf(die),
                      .file = std::move(place.file),
                      .line = place.line});
    // A function within a function (GNU C, Ada, lambdas of some languages) is no caller of it.
    if (!inlined) break;
    place = CallOf(unit, die);
    functions.pop_back();
  }
  if (frames.empty() && place.line != 0)
    frames.push_back({.file = std::move(place.file), .line = place.line});
  // An entry that is inlined into nothing.
  if (!frames.empty()) frames.back().kind = Frame::Kind::kFunction;
  return frames;
}

}  // namespace pollux::machine
