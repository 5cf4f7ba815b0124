// The parts of HostFs (host_fs.h gives its rules): the mount, its inodes, and the descriptors they
// hold on the host.
#ifndef POLLUX_OS_EMU_VFS_HOST_INODE_H_
#define POLLUX_OS_EMU_VFS_HOST_INODE_H_

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "abi/result.h"
#include "os_emu/vfs/host_fd.h"
#include "os_emu/vfs/inode.h"
#include "os_emu/vfs/open_file.h"

namespace pollux::os_emu {

// openat(2) with O_CLOEXEC: never a controlling terminal, never blocks. `name` is a single name,
// "." or a ReopenPath().
Result<HostFd> OpenOnHost(int directory, const char* name, int flags, unsigned mode = 0);

class HostInode;
class HostPages;  // os_emu/vfs/host_pages.h

class HostFs final : public Super, public std::enable_shared_from_this<HostFs> {
 public:
  HostFs(FileSystem* files, uint64_t device, bool read_only, uint32_t uid, uint32_t gid)
      : Super(files, device, read_only), uid_(uid), gid_(gid) {}

  void FillStatus(FileSystemStatus* status) override;
  const char* TypeName() const override { return "9p"; }
  uint32_t uid() const { return uid_; }
  uint32_t gid() const { return gid_; }

  // The inode of what `fd` (O_PATH) refers to. kAcces: it lies in a file system that shows the
  // host's kernel. `device` is that of the directory it was found in: only where it changes is the
  // file system looked at.
  Result<Ref<HostInode>> InodeFor(HostFd fd, uint64_t device);
  // The machine's number for a file of the host (st_dev, st_ino).
  uint64_t NumberFor(uint64_t device, uint64_t number);
  void ForgetNumber(uint64_t device, uint64_t number);
  void Forget(const HostInode& inode);

 private:
  using Key = std::pair<uint64_t, uint64_t>;  // The host's st_dev and st_ino.
  uint32_t uid_;
  uint32_t gid_;
  uint64_t last_number_ = 0;
  std::map<Key, uint64_t> numbers_;
  std::map<Key, HostInode*> living_;
};

class HostInode final : public Inode {
 public:
  HostInode(std::shared_ptr<HostFs> fs, uint64_t number, const struct stat& host, HostFd fd);
  ~HostInode() override;

  Result<FileStatus> GetStatus() override;
  Result<void> SetAttributes(const AttributeChange& change) override;
  Result<DescriptionRef> Open(const Caller& caller, const DentryRef& self, uint32_t flags) override;
  Result<void> Truncate(uint64_t bytes) override;
  Result<std::string> ReadLink(const Caller& caller) override;
  bool IsDead() override { return dead_; }
  Result<DentryRef> Lookup(const DentryRef& self, std::string_view name) override;
  Result<DentryRef> Create(const DentryRef& self, std::string_view name,
                           const NewNode& node) override;
  Result<void> Link(const DentryRef& self, std::string_view name, const DentryRef& source) override;
  Result<void> Remove(const DentryRef& self, const DentryRef& child) override;
  Result<void> Rename(const DentryRef& self, const DentryRef& source, const DentryRef& new_parent,
                      std::string_view name, const DentryRef& target, bool exchange) override;
  Result<std::vector<ListedEntry>> List(const DentryRef& self) override;

  HostFs& fs() const { return static_cast<HostFs&>(super()); }
  const HostFd& fd() const { return fd_; }
  uint64_t host_device() const { return host_device_; }
  uint64_t host_number() const { return host_number_; }
  // The pages that guests map; null: nobody does.
  std::shared_ptr<HostPages> pages() const { return pages_.lock(); }
  // For whoever has it open as `fd`, `writable` for writing too. kNFile, kNoMem.
  Result<std::shared_ptr<HostPages>> MapPages(const HostFd& fd, bool writable);

 private:
  // After the host removed a name of it.
  void NameRemoved();

  HostFd fd_;          // O_PATH
  HostFd fresh_fd_;    // Of a file that was just made: its mode may forbid opening it again.
  HostFd listing_fd_;  // Of a directory, from its first open(2) on.
  uint64_t host_device_;
  uint64_t host_number_;
  std::weak_ptr<HostPages> pages_;
  bool dead_ = false;  // A directory that the guest removed.
};

// A regular file of the host. All reads and writes name their offset, so the host's position is
// never used.
DescriptionRef MakeHostFile(DentryRef dentry, uint32_t status_flags, HostFd fd);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_HOST_INODE_H_
