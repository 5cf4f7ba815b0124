#include "machine/history/calls.h"

#include "shims/syscall_table.h"

namespace pollux::machine {

std::string_view NameOf(const CallRecord& call) {
  const shims::SyscallRow* const row = shims::FindSyscall(call.number);
  return row == nullptr ? std::string_view() : row->name;
}

bool TakesBytes(const CallRecord& call) {
  const std::string_view name = NameOf(call);
  return name.starts_with("read") || name.starts_with("recv") || name.starts_with("accept");
}

bool GivesBytes(const CallRecord& call) {
  const std::string_view name = NameOf(call);
  return name.starts_with("write") || name.starts_with("send");
}

}  // namespace pollux::machine
