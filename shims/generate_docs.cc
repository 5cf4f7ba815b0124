// Writes docs/syscalls.md to stdout, from the table.
#include <cstdio>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "shims/arg_types.h"
#include "shims/faults.h"
#include "shims/syscall_table.h"

namespace pollux::shims {
namespace {

std::string Signature(const SyscallRow& row) {
  std::vector<std::string> parts;
  for (int i = 0; i < row.arg_count(); ++i) {
    const ArgSpec& spec = row.args[i];
    const char* direction = spec.direction == Direction::kOut     ? "out "
                            : spec.direction == Direction::kInOut ? "inout "
                                                                  : "";
    parts.push_back(absl::StrCat(direction, spec.name, ": ", spec.type->name));
  }
  return absl::StrCat(row.name, "(", absl::StrJoin(parts, ", "), ")");
}

std::string ErrorNames(const SyscallRow& row) {
  std::string text;
  for (Errno error : row.errors) {
    if (!text.empty()) text += " ";
    text += std::string(ErrnoName(error));
  }
  return text;
}

std::string FaultNames(const SyscallRow& row) {
  std::vector<std::string> names;
  for (const FaultRow& fault : FaultRows()) {
    if ((row.faults & FaultBit(fault.kind)) != 0) names.emplace_back(fault.name);
  }
  return absl::StrJoin(names, " ");
}

void Write() {
  std::map<Support, int> counts;
  for (const SyscallRow& row : SyscallTable()) ++counts[row.support];
  std::printf(
      "# System calls\n"
      "\n"
      "Made from `shims/syscall_table.cc`: `./bazelw run //shims:generate_docs > "
      "docs/syscalls.md`\n"
      "\n"
      "The numbers are riscv64's in Linux 6.18. Of %zu system calls %d are complete, %d partial, "
      "%d refused and %d\n"
      "unsupported.\n"
      "\n"
      "- complete: as Linux, for the kinds of files and tasks that pollux has\n"
      "- partial: as the note says; the rest gets Linux's error number and is named once on "
      "stderr\n"
      "- refused: ENOSYS, quietly, as libraries probe for it and do without\n"
      "- unsupported: ENOSYS, and named once on stderr\n"
      "\n"
      "Arguments are read unless marked `out` or `inout`. Faults are what --faults may let happen "
      "in the call:\n"
      "\n",
      SyscallTable().size(), counts[Support::kComplete], counts[Support::kPartial],
      counts[Support::kRefused], counts[Support::kUnsupported]);
  for (const FaultRow& fault : FaultRows())
    std::printf("- %s: %s\n", std::string(fault.name).c_str(), std::string(fault.text).c_str());
  std::printf(
      "\n## Supported\n\n| number | call | errors | faults | support |\n"
      "| --- | --- | --- | --- | --- |\n");
  for (const SyscallRow& row : SyscallTable()) {
    if (row.support != Support::kComplete && row.support != Support::kPartial) continue;
    const std::string support =
        row.note[0] != '\0' ? absl::StrCat("partial: ", row.note) : "complete";
    std::printf("| %d | `%s` | %s | %s | %s |\n", row.number, Signature(row).c_str(),
                ErrorNames(row).c_str(), FaultNames(row).c_str(), support.c_str());
  }
  std::printf("\n## Refused\n\n| number | call | why |\n| --- | --- | --- |\n");
  for (const SyscallRow& row : SyscallTable()) {
    if (row.support == Support::kRefused)
      std::printf("| %d | `%s` | %s |\n", row.number, Signature(row).c_str(), row.note);
  }
  std::printf("\n## Unsupported\n\n| number | call |\n| --- | --- |\n");
  for (const SyscallRow& row : SyscallTable()) {
    if (row.support == Support::kUnsupported)
      std::printf("| %d | `%s` |\n", row.number, Signature(row).c_str());
  }
}

}  // namespace
}  // namespace pollux::shims

int main() { pollux::shims::Write(); }
