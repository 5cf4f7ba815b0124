// inotify(7): fs/notify/inotify/inotify_user.c.
#include <string>
#include <utility>

#include "os_emu/inotify/inotify.h"
#include "os_emu/vfs/file_system.h"
#include "os_emu/vfs/process_caller.h"
#include "shims/context.h"
#include "shims/handlers.h"

namespace pollux::shims {

using os_emu::InotifyInstance;

CallResult SysInotifyInit1(SyscallContext& context) {
  os_emu::Kernel& kernel = context.kernel();
  const InotifyInstance::Limits limits = {.instances = &kernel.inotify_instances(),
                                          .watches = &kernel.inotify_watches(),
                                          .budget = &kernel.budget()};
  Result<DescriptionRef> file = InotifyInstance::Create(limits, context.UInt(0));
  if (!file.ok()) return file.error();
  return context.InstallNew(*std::move(file), (context.UInt(0) & os_emu::kInCloExec) != 0);
}

CallResult SysInotifyAddWatch(SyscallContext& context) {
  const uint32_t mask = context.UInt(2);
  Result<void> checked = InotifyInstance::CheckMask(mask);
  if (!checked.ok()) return checked.error();
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  if ((mask & os_emu::kInMaskAdd) != 0 && (mask & os_emu::kInMaskCreate) != 0) return Errno::kInval;
  InotifyInstance* instance = InotifyInstance::From(**file);
  if (instance == nullptr) return Errno::kInval;
  Result<std::string> path = context.Path(1);
  if (!path.ok()) return path.error();
  if (path->empty()) return Errno::kNoEnt;
  Result<os_emu::InodeRef> inode = context.kernel().files().FindForWatch(
      os_emu::CallerOf(context.thread()), *path, (mask & os_emu::kInDontFollow) == 0,
      (mask & os_emu::kInOnlyDir) != 0);
  if (!inode.ok()) return inode.error();
  return instance->AddWatch(**inode, mask);
}

CallResult SysInotifyRmWatch(SyscallContext& context) {
  Result<DescriptionRef> file = context.File(0);
  if (!file.ok()) return file.error();
  InotifyInstance* instance = InotifyInstance::From(**file);
  if (instance == nullptr) return Errno::kInval;
  return instance->RemoveWatch(context.Int(1));
}

}  // namespace pollux::shims
