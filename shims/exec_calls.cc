// execve(2), execveat(2) (fs/exec.c).
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "os_emu/vfs/file_system.h"
#include "os_emu/vfs/process_caller.h"
#include "shims/context.h"
#include "shims/handlers.h"
#include "shims/task_host.h"

namespace pollux::shims {
namespace {

constexpr uint64_t kMaxStringBytes = 32 * memory::kPageBytes;  // MAX_ARG_STRLEN

// bprm_stack_limits(): what arguments and environment may take, with their pointers.
uint64_t ArgumentBytes(const os_emu::Process& process) {
  constexpr uint64_t kMost = 6 << 20;  // Three quarters of _STK_LIM.
  const uint64_t quarter = process.rlimits[os_emu::kRlimitStack].soft / 4;
  return std::max(std::min(quarter, kMost), kMaxStringBytes);
}

// count() and copy_strings(): a null-terminated array of pointers to strings. kFault, k2Big.
Result<std::vector<std::string>> Strings(SyscallContext& context, GuestAddr array,
                                         uint64_t* bytes_left) {
  std::vector<std::string> strings;
  if (array.IsNull()) return strings;
  for (GuestAddr at = array;; at = at + sizeof(uint64_t)) {
    POLLUX_ASSIGN_OR_RETURN(const uint64_t pointer, context.In<uint64_t>(at));
    if (pointer == 0) return strings;
    Result<std::string> text = context.memory().ReadString(GuestAddr{pointer}, kMaxStringBytes);
    if (!text.ok()) return text.error() == Errno::kNameTooLong ? Errno::k2Big : text.error();
    const uint64_t cost = text->size() + 1 + sizeof(uint64_t);
    if (cost > *bytes_left) return Errno::k2Big;
    *bytes_left -= cost;
    strings.push_back(*std::move(text));
  }
}

// do_execveat_common(). `name`: what the program is told of its path.
CallResult Execute(SyscallContext& context, const DescriptionRef& base, const std::string& path,
                   uint32_t at_flags, std::string name, GuestAddr argv, GuestAddr envp) {
  // The file comes before the arguments (do_open_execat() in alloc_bprm()).
  Result<DescriptionRef> file = context.kernel().files().OpenExecutable(
      os_emu::CallerOf(context.thread()), base, path, at_flags);
  if (!file.ok()) return file.error();
  uint64_t bytes_left = ArgumentBytes(context.process());
  Result<std::vector<std::string>> arguments = Strings(context, argv, &bytes_left);
  if (!arguments.ok()) return arguments.error();
  Result<std::vector<std::string>> environment = Strings(context, envp, &bytes_left);
  if (!environment.ok()) return environment.error();
  // Nobody starts without a name (since Linux 5.18).
  if (arguments->empty()) arguments->emplace_back();
  Result<void> done =
      context.abi().tasks().Exec(context.thread(), {.file = *std::move(file),
                                                    .path = std::move(name),
                                                    .arguments = *std::move(arguments),
                                                    .environment = *std::move(environment)});
  if (!done.ok()) return done.error();
  context.abi().ReplaceRegisters();
  return 0;
}

}  // namespace

CallResult SysExecve(SyscallContext& context) {
  Result<std::string> path = context.Path(0);
  if (!path.ok()) return path.error();
  return Execute(context, {}, *path, 0, *path, context.Addr(1), context.Addr(2));
}

CallResult SysExecveat(SyscallContext& context) {
  constexpr uint32_t kSymlinkNoFollow = 0x100, kEmptyPath = 0x1000, kCheck = 0x10000;
  const uint32_t flags = context.UInt(4);
  // The path is looked at before the flags (getname_uflags()).
  Result<SyscallContext::Place> place = context.PlaceAt(0, 1, flags);
  if ((flags & ~(kSymlinkNoFollow | kEmptyPath | kCheck)) != 0) {
    if (!place.ok() && place.error() == Errno::kFault) return Errno::kFault;
    return Errno::kInval;
  }
  if (!place.ok()) return place.error();
  if ((flags & kCheck) != 0) return context.Refuse(Errno::kInval, "AT_EXECVE_CHECK");
  std::string name = place->path;
  // bprm->fdpath: what a script's interpreter is told.
  if (place->base && !name.starts_with('/')) {
    const std::string directory = "/dev/fd/" + std::to_string(context.Int(0));
    name = name.empty() ? directory : directory + "/" + name;
  }
  return Execute(context, place->base, place->path, flags, std::move(name), context.Addr(2),
                 context.Addr(3));
}

}  // namespace pollux::shims
