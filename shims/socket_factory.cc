#include "shims/socket_factory.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "os_emu/file/file_status.h"
#include "os_emu/socket/inet/inet.h"
#include "os_emu/socket/netlink/netlink.h"
#include "os_emu/socket/socket.h"
#include "os_emu/socket/unix/unix.h"
#include "os_emu/vfs/file_system.h"
#include "os_emu/vfs/process_caller.h"

namespace pollux::shims {
namespace {

using os_emu::UnixNode;

// The file system, as AF_UNIX sees it.
class FileSystemNodes final : public os_emu::UnixNodes {
 public:
  Result<UnixNode> Make(os_emu::Thread& thread, std::string_view path) const override {
    os_emu::FileSystem& files = thread.process().kernel().files();
    const os_emu::Caller caller = os_emu::CallerOf(thread);
    POLLUX_RETURN_IF_ERROR(
        files.MakeNode(caller, DescriptionRef(), path, os_emu::kModeSocket | 0777, 0));
    return Open(thread, path, os_emu::kONoFollow);
  }
  void Remove(os_emu::Thread& thread, std::string_view path) const override {
    (void)thread.process().kernel().files().Unlink(os_emu::CallerOf(thread), DescriptionRef(),
                                                   path);
  }
  Result<UnixNode> Find(os_emu::Thread& thread, std::string_view path) const override {
    POLLUX_ASSIGN_OR_RETURN(UnixNode node, Open(thread, path, 0));
    os_emu::FileSystem& files = thread.process().kernel().files();
    POLLUX_RETURN_IF_ERROR(files.Access(os_emu::CallerOf(thread), node.place, "",
                                        os_emu::kAccessWrite,
                                        os_emu::kAtEmptyPath | os_emu::kAtEAccess));
    os_emu::FileStatus status;
    POLLUX_RETURN_IF_ERROR(node.place->Stat(&status));
    if ((status.mode & os_emu::kModeTypeMask) != os_emu::kModeSocket) return Errno::kConnRefused;
    return node;
  }

 private:
  static Result<UnixNode> Open(os_emu::Thread& thread, std::string_view path, uint32_t flags) {
    UnixNode node;
    POLLUX_ASSIGN_OR_RETURN(
        node.place, thread.process().kernel().files().Open(
                        os_emu::CallerOf(thread), DescriptionRef(), path, os_emu::kOPath | flags));
    os_emu::FileStatus status;
    POLLUX_RETURN_IF_ERROR(node.place->Stat(&status));
    node.device = status.dev;
    node.inode = status.ino;
    return node;
  }
};

const FileSystemNodes kFileSystemNodes;

Result<DescriptionRef> MakeUnix(os_emu::Kernel& kernel, int, int type, int protocol,
                                uint32_t flags) {
  return os_emu::MakeUnixSocket(kernel, kFileSystemNodes, type, protocol, flags);
}

using Maker = Result<DescriptionRef> (*)(os_emu::Kernel& kernel, int domain, int type, int protocol,
                                         uint32_t flags);
struct Family {
  int domain;
  Maker make;
};
constexpr Family kFamilies[] = {
    {os_emu::kAfUnix, &MakeUnix},
    {os_emu::kAfInet, &os_emu::MakeInetSocket},
    {os_emu::kAfInet6, &os_emu::MakeInetSocket},
    {os_emu::kAfNetlink, &os_emu::MakeNetlinkSocket},
};

constexpr int kFamilyCount = 46, kTypeCount = 11;  // AF_MAX, SOCK_MAX

}  // namespace

Result<DescriptionRef> MakeSocket(SyscallContext& context, int domain, int type, int protocol,
                                  uint32_t flags) {
  if (domain < 0 || domain >= kFamilyCount) return Errno::kAfNoSupport;
  if (type < 0 || type >= kTypeCount) return Errno::kInval;
  const Family* family = std::find_if(std::begin(kFamilies), std::end(kFamilies),
                                      [domain](const Family& f) { return f.domain == domain; });
  if (family != std::end(kFamilies)) {
    return family->make(context.kernel(), domain, type, protocol, flags);
  }
  // What the kernel that is emulated does have.
  constexpr int kHas[] = {os_emu::kAfInet, os_emu::kAfInet6, os_emu::kAfNetlink, 17, 40, 44};
  if (std::find(std::begin(kHas), std::end(kHas), domain) == std::end(kHas)) {
    return Errno::kAfNoSupport;
  }
  return context.Refuse(Errno::kAfNoSupport, absl::StrCat("address family ", domain));
}

Result<std::pair<DescriptionRef, DescriptionRef>> MakeSocketPair(SyscallContext& context,
                                                                 int domain, int type, int protocol,
                                                                 uint32_t flags) {
  POLLUX_ASSIGN_OR_RETURN(DescriptionRef first, MakeSocket(context, domain, type, protocol, flags));
  POLLUX_ASSIGN_OR_RETURN(DescriptionRef second,
                          MakeSocket(context, domain, type, protocol, flags));
  if (domain != os_emu::kAfUnix) return Errno::kOpNotSupp;
  os_emu::ConnectUnixPair(*first, *second);
  return std::pair(std::move(first), std::move(second));
}

}  // namespace pollux::shims
