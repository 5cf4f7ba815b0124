#include "machine/history/wording.h"

#include "abi/errno.h"
#include "absl/strings/str_cat.h"
#include "shims/arg_types.h"
#include "shims/context.h"
#include "shims/flag_names.h"
#include "shims/syscall_table.h"

namespace pollux::machine {

std::string CallWords(const CallRecord& call) {
  std::string words = shims::SyscallName(call.number) + "(";
  const shims::SyscallRow* const row = shims::FindSyscall(call.number);
  const char* separator = "";
  for (int i = 0; row != nullptr && i < row->arg_count(); ++i) {
    const shims::ArgSpec& arg = row->args[i];
    std::string text;
    if (arg.type == &shims::kFdType) text = std::to_string(static_cast<int32_t>(call.args[i]));
    if (arg.flags == &shims::kEpollOps) text = shims::FlagText(*arg.flags, call.args[i]);
    if (text.empty()) continue;
    absl::StrAppend(&words, separator, text);
    separator = ", ";
  }
  words += ")";
  if (call.state != CallRecord::State::kReturned) return words;
  if (call.result < 0 && call.result >= -4095) {
    const std::string_view name = ErrnoName(static_cast<Errno>(-call.result));
    return absl::StrCat(words, " = ", absl::string_view(name.data(), name.size()));
  }
  return absl::StrCat(words, " = ", call.result);
}

std::string EventWords(os_emu::EventMask events) {
  constexpr os_emu::EventMask kFlags =
      os_emu::kEdge | os_emu::kOneShot | os_emu::kExclusive | os_emu::kWakeup;
  // RDNORM and WRNORM say nothing that IN and OUT do not.
  events &= ~(kFlags | os_emu::kRdNorm | os_emu::kWrNorm);
  return shims::FlagText(shims::kEpollEvents, events);
}

std::string ThreadWords(Tid tid) { return absl::StrCat("thread ", static_cast<int32_t>(tid)); }

std::string MomentWords(const History& history, const Moment& moment) {
  const CallRecord* const call = history.Find(moment.call);
  if (call == nullptr) return absl::StrCat("a timer at step ", moment.step);
  return absl::StrCat(ThreadWords(call->tid), " by ", CallWords(*call), " at step ", moment.step);
}

}  // namespace pollux::machine
