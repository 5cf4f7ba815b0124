// MemoryFs: files in memory, with tmpfs's manners (mm/shmem.c): sparse regular files in pages,
// directories, symbolic and hard links, FIFO, socket and device nodes. A file lives until its last
// name and its last description are gone.
//
// Inode numbers are counted up. A directory lists its entries in the order in which they were made;
// a position stays good while others come and go, an entry that is renamed moves to the end, and
// one that replaces another takes its place. What the guest puts here (pages, inodes, names) is
// charged to the machine's MemoryBudget: kNoSpc where it is used up. Sizes, link counts and block
// counts are tmpfs's: a directory has 20 bytes an entry, "." and ".." included.
#ifndef POLLUX_OS_EMU_VFS_MEMORY_FS_H_
#define POLLUX_OS_EMU_VFS_MEMORY_FS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "memory/address_space.h"
#include "os_emu/time/clock.h"
#include "os_emu/vfs/dentry.h"
#include "os_emu/vfs/file_pages.h"
#include "os_emu/vfs/inode.h"
#include "os_emu/vfs/special_file.h"

namespace pollux::os_emu {

class MemoryFs final : public Super, public std::enable_shared_from_this<MemoryFs> {
 public:
  MemoryFs(FileSystem* files, uint64_t device) : Super(files, device, /*read_only=*/false) {}

  // An inode with one name to come; null: the memory limit is reached.
  InodeRef NewInode(const NewNode& node);
  // A directory, mode 0755 and owner 0, whatever the memory limit says.
  InodeRef NewRoot();
  // Takes all files below `root` apart. To be called once, before the last reference to it goes.
  static void TearDown(const DentryRef& root);

  void FillStatus(FileSystemStatus* status) override;
  const char* TypeName() const override { return "tmpfs"; }

  // Whether `bytes` more fit into the memory limit; then they are charged.
  bool Charge(uint64_t bytes);
  void Refund(uint64_t bytes);
  Nanos Now() const;

 private:
  InodeRef MakeInode(const NewNode& node);
  uint64_t last_inode_ = 0;
};

// What all inodes in memory share.
class MemoryInode : public Inode {
 public:
  MemoryInode(std::shared_ptr<MemoryFs> fs, uint64_t number, const NewNode& node);
  ~MemoryInode() override;

  Result<FileStatus> GetStatus() override;
  Result<void> SetAttributes(const AttributeChange& change) override;
  Result<DescriptionRef> Open(const Caller& caller, const DentryRef& self, uint32_t flags) override;
  bool IsLinkable() override { return links_ > 0 || nameless_linkable_; }
  bool IsDead() override { return links_ == 0; }

  MemoryFs& fs() const { return static_cast<MemoryFs&>(super()); }
  uint32_t links() const { return links_; }
  void AddLink();
  void DropLink();
  void ClearLinks(bool linkable);
  void TouchChange();        // ctime
  void TouchModification();  // mtime and ctime
  void TouchAccess();        // atime, by the relatime rule.
  // A write or truncation takes away set-user-id and set-group-id (file_remove_privs()).
  void DropPrivileges();

 protected:
  // st_size and st_blocks.
  virtual uint64_t SizeBytes() const { return 0; }
  virtual uint64_t Blocks() const { return 0; }

 private:
  uint32_t mode_;
  uint32_t uid_;
  uint32_t gid_;
  uint32_t links_ = 1;
  bool nameless_linkable_ = false;
  Nanos access_time_;
  Nanos modification_time_;
  Nanos change_time_;
  Nanos birth_time_;
};

// A regular file: pages that were written; the rest reads as zeros.
class MemoryFileInode final : public MemoryInode {
 public:
  MemoryFileInode(std::shared_ptr<MemoryFs> fs, uint64_t number, const NewNode& node);

  Result<DescriptionRef> Open(const Caller& caller, const DentryRef& self, uint32_t flags) override;
  Result<void> Truncate(uint64_t bytes) override;

  uint64_t size() const { return size_; }
  Result<size_t> ReadBytes(memory::UserBuffer& to, uint64_t offset);
  // kNoSpc, kFault: nothing was written.
  Result<size_t> WriteBytes(memory::UserBuffer& from, uint64_t offset);
  // The file, which is empty, is `contents`: FilePages::Lend(). kNoSpc.
  Result<void> Lend(std::span<const uint8_t> contents);
  // kNxio: no data from there on.
  Result<uint64_t> NextData(uint64_t offset) const;
  uint64_t NextHole(uint64_t offset) const;
  // fallocate(2): false where the memory limit is reached (nothing is kept).
  bool Reserve(uint64_t offset, uint64_t bytes, bool keep_size);
  void PunchHole(uint64_t offset, uint64_t bytes);
  // kNoMem.
  Result<std::shared_ptr<memory::SharedObject>> MapPages() { return pages_.Share(size_); }
  FilePageRef ReferTo(uint64_t page) { return pages_.Refer(page); }
  const memory::SharedObject* SharedPages() const { return pages_.object(); }
  // kPerm where a seal forbids the mode.
  Result<void> SetAttributes(const AttributeChange& change) override;

  // ---- Seals (mm/memfd.c). Every file has them; only memfd_create(2) makes one that takes more.
  uint32_t seals() const { return seals_; }
  void SetSeals(uint32_t seals) { seals_ = seals; }
  // RegularFile::AddSeals().
  Result<void> AddSeals(uint32_t seals);
  // Whether nobody may write(2) any more.
  bool IsWriteSealed() const;

 private:
  uint64_t SizeBytes() const override { return size_; }
  uint64_t Blocks() const override { return pages_.count() * (memory::kPageBytes / 512); }
  void Grow(uint64_t end);  // Where `end` is beyond the end of the file.
  // Makes [offset, end) zeros; whole pages are given back.
  void Clear(uint64_t offset, uint64_t end);

  uint64_t size_ = 0;
  uint32_t seals_;
  FilePages pages_;
};

class MemoryDirectoryInode final : public MemoryInode {
 public:
  using MemoryInode::MemoryInode;

  Result<DentryRef> Lookup(const DentryRef& self, std::string_view name) override;
  Result<DentryRef> Create(const DentryRef& self, std::string_view name,
                           const NewNode& node) override;
  Result<DentryRef> CreateNameless(const DentryRef& self, const NewNode& node,
                                   bool linkable) override;
  Result<void> Link(const DentryRef& self, std::string_view name, const DentryRef& source) override;
  Result<void> Remove(const DentryRef& self, const DentryRef& child) override;
  Result<void> Rename(const DentryRef& self, const DentryRef& source, const DentryRef& new_parent,
                      std::string_view name, const DentryRef& target, bool exchange) override;
  Result<void> ReadEntries(const DentryRef& self, DirectoryCursor& cursor,
                           DirectorySink& sink) override;

  // Takes all entries out, for TearDown.
  std::map<uint64_t, DentryRef> TakeEntries() { return std::move(entries_); }

 private:
  uint64_t SizeBytes() const override { return 20 * (entries_.size() + 2); }
  void Insert(const DentryRef& child, uint64_t cookie);

  std::map<uint64_t, DentryRef> entries_;  // By position.
  uint64_t next_cookie_ = 2;
};

class MemoryLinkInode final : public MemoryInode {
 public:
  MemoryLinkInode(std::shared_ptr<MemoryFs> fs, uint64_t number, const NewNode& node)
      : MemoryInode(std::move(fs), number, node), target_(node.target) {}
  ~MemoryLinkInode() override;

  Result<std::string> ReadLink(const Caller& caller) override;

 private:
  uint64_t SizeBytes() const override { return target_.size(); }
  uint64_t Blocks() const override {
    return target_.size() + 1 > 128 ? 8 : 0;
  }  // SHORT_SYMLINK_LEN
  std::string target_;
};

// FIFO, socket, device node.
class MemorySpecialInode final : public MemoryInode {
 public:
  MemorySpecialInode(std::shared_ptr<MemoryFs> fs, uint64_t number, const NewNode& node);

  Result<FileStatus> GetStatus() override;
  Result<DescriptionRef> Open(const Caller& caller, const DentryRef& self, uint32_t flags) override;

 private:
  SpecialFile file_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_MEMORY_FS_H_
