#include "machine/stack/frame.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace pollux::machine {
namespace {

constexpr size_t kLongestText = 400;

// A terminal shows it, and it is one field of one line.
std::string Plain(std::string_view text) {
  std::string plain(text.substr(0, kLongestText));
  for (char& c : plain) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  if (text.size() > kLongestText) plain += "...";
  return plain;
}

}  // namespace

std::string FrameText(const Frame& frame) {
  if (frame.kind == Frame::Kind::kSignalHandler) return "<signal handler called>";
  std::string text = absl::StrFormat("0x%x", frame.pc);
  if (frame.function.empty() && frame.file.empty()) {
    if (frame.module.empty()) return absl::StrCat(text, " in ??");
    return absl::StrFormat("%s in %s+%#x", text, frame.module, frame.module_offset);
  }
  absl::StrAppend(&text, " in ", frame.function.empty() ? "??" : frame.function);
  if (!frame.file.empty()) {
    absl::StrAppend(&text, " at ", frame.file, ":", frame.line);
  } else if (frame.function_offset != 0) {
    absl::StrAppendFormat(&text, "+%#x", frame.function_offset);
  }
  if (frame.kind == Frame::Kind::kInlined && !frame.inlined_into.empty())
    absl::StrAppend(&text, " (inlined into ", frame.inlined_into, ")");
  return text;
}

std::string EncodeFrame(const Frame& frame) {
  return absl::StrCat(static_cast<int>(frame.kind), "\t", frame.pc, "\t", frame.function_offset,
                      "\t", frame.line, "\t", frame.module_offset, "\t", Plain(frame.function),
                      "\t", Plain(frame.file), "\t", Plain(frame.inlined_into), "\t",
                      Plain(frame.module));
}

std::optional<Frame> DecodeFrame(std::string_view line) {
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::string_view(line.data(), line.size()), '\t');
  Frame frame;
  int kind = 0;
  if (fields.size() != 9 || !absl::SimpleAtoi(fields[0], &kind) || kind < 0 ||
      kind > static_cast<int>(Frame::Kind::kSignalHandler) ||
      !absl::SimpleAtoi(fields[1], &frame.pc) ||
      !absl::SimpleAtoi(fields[2], &frame.function_offset) ||
      !absl::SimpleAtoi(fields[3], &frame.line) ||
      !absl::SimpleAtoi(fields[4], &frame.module_offset))
    return std::nullopt;
  frame.kind = static_cast<Frame::Kind>(kind);
  const auto text = [&fields](int at) { return Plain({fields[at].data(), fields[at].size()}); };
  frame.function = text(5);
  frame.file = text(6);
  frame.inlined_into = text(7);
  frame.module = text(8);
  return frame;
}

}  // namespace pollux::machine
