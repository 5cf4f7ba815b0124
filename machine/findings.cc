#include "machine/findings.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace pollux::machine {

std::string StackText(const std::vector<Frame>& stack) {
  std::string text;
  for (size_t i = 0; i < stack.size(); ++i)
    absl::StrAppendFormat(&text, "\npollux:     #%d %s", i, FrameText(stack[i]));
  return text;
}

std::string ThreadText(const ThreadReport& thread) {
  return absl::StrCat(
      absl::StrFormat("\npollux:   thread %d, pc %#x: %s", thread.tid, thread.pc, thread.state),
      StackText(thread.stack));
}

}  // namespace pollux::machine
