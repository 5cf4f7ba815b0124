// Lints: what is seen while a program runs, and is wrong or goes wrong one day, though this run may
// end well. A row a lint: names for --lint, texts for docs/lints.md and for people.
#ifndef POLLUX_MACHINE_HISTORY_LINTS_H_
#define POLLUX_MACHINE_HISTORY_LINTS_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace pollux::machine {

enum class LintKind : uint8_t {
  kClosedNumber,
  kReusedNumber,
  kStaleEvent,
  kOutlivedNumber,
  kEdgeOnBlocking,
  kUndrainedEdge,
  kOneShotNotArmed,
  kHerd,
  kInheritedEpoll,
  kInterruptedCall,
  kClosedUnderWaiter,
  kLeakedChild,
};

struct LintRow {
  LintKind kind;
  std::string_view name;    // For --lint.
  std::string_view what;    // In one line.
  std::string_view why;     // What goes wrong.
  std::string_view cure;    // What to do.
  std::string_view source;  // The rule: a manual page, or the kernel's file.
};

// In the order of LintKind.
std::span<const LintRow> LintRows();
const LintRow& RowOf(LintKind kind);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_HISTORY_LINTS_H_
