// open(2) and its like (path_openat() and do_open() of fs/namei.c).
#include <string>
#include <utility>

#include "abi/check.h"
#include "os_emu/vfs/file_system.h"
#include "os_emu/vfs/memory_fs.h"
#include "os_emu/vfs/new_node.h"
#include "os_emu/vfs/notify.h"
#include "os_emu/vfs/open_file.h"
#include "os_emu/vfs/path_walk.h"
#include "os_emu/vfs/permission.h"

namespace pollux::os_emu {
namespace {

// What a description keeps of the flags (do_dentry_open()); a 64-bit kernel adds O_LARGEFILE.
uint32_t StatusFlags(uint32_t flags) {
  return (flags & ~(kOCreat | kOExcl | kONoCtty | kOTrunc | kOCloExec)) | kOLargeFile;
}

// VALID_OPEN_FLAGS of linux/fcntl.h; openat(2) ignores the others.
constexpr uint32_t kValidFlags = kOAccMode | kOCreat | kOExcl | kONoCtty | kOTrunc | kOAppend |
                                 kONonBlock | kODSync | 04000000 /* O_SYNC's own bit */ | kOAsync |
                                 kODirect | kOLargeFile | kODirectory | kONoFollow | kONoAtime |
                                 kOCloExec | kOPath | kOTmpFileBit;

uint32_t WantedAccess(uint32_t flags) {
  constexpr uint32_t kByMode[] = {kMayRead, kMayWrite, kMayRead | kMayWrite, kMayRead | kMayWrite};
  return kByMode[flags & kOAccMode] | ((flags & kOTrunc) != 0 ? kMayWrite : 0);
}

// may_open(): an existing file.
Result<void> MayOpen(const Caller& caller, Inode& inode, uint32_t wanted, uint32_t flags) {
  if (inode.IsLink()) return Errno::kLoop;
  if (inode.IsDirectory() && (wanted & kMayWrite) != 0) return Errno::kIsDir;
  POLLUX_RETURN_IF_ERROR(CheckPermission(caller, inode, wanted));
  if ((flags & kONoAtime) != 0) {
    POLLUX_ASSIGN_OR_RETURN(const FileStatus status, inode.GetStatus());
    if (!OwnsOrIsCapable(caller, status)) return Errno::kPerm;
  }
  return {};
}

// vfs_open()
Result<DescriptionRef> OpenAndTell(const Caller& caller, const DentryRef& dentry, uint32_t flags) {
  // Who opens terminals has to know; no description keeps it.
  const uint32_t no_ctty = dentry->inode().type() == kModeCharacter ? flags & kONoCtty : 0;
  POLLUX_ASSIGN_OR_RETURN(DescriptionRef file,
                          dentry->inode().Open(caller, dentry, StatusFlags(flags) | no_ctty));
  NotifyFile(*dentry, kEventOpen);
  return file;
}

Result<DescriptionRef> OpenNameless(const FileSystem& files, const Caller& caller,
                                    const DescriptionRef& base, std::string_view path,
                                    uint32_t flags, uint32_t mode) {
  if ((flags & kODirectory) == 0 || (flags & kOCreat) != 0) return Errno::kInval;
  if ((WantedAccess(flags & ~kOTrunc) & kMayWrite) == 0) return Errno::kInval;
  POLLUX_ASSIGN_OR_RETURN(
      const DentryRef directory,
      PathWalk(files, caller).ToFile(base, path, (flags & kONoFollow) == 0, true));
  POLLUX_RETURN_IF_ERROR(CheckPermission(caller, directory->inode(), kMayWrite | kMayExecute));
  POLLUX_ASSIGN_OR_RETURN(
      const NewNode node,
      NodeFor(caller, directory->inode(), kModeRegular | (mode & 07777 & ~caller.umask)));
  POLLUX_ASSIGN_OR_RETURN(const DentryRef file, directory->inode().CreateNameless(
                                                    directory, node, (flags & kOExcl) == 0));
  return OpenAndTell(caller, file, flags);
}

}  // namespace

Result<DescriptionRef> FileSystem::Open(const Caller& caller, const DescriptionRef& base,
                                        std::string_view path, uint32_t flags, uint32_t mode) {
  flags &= kValidFlags;
  if ((flags & kOPath) != 0) flags &= kOPath | kODirectory | kONoFollow;
  if ((flags & kOTmpFileBit) != 0) return OpenNameless(*this, caller, base, path, flags, mode);
  const bool create = (flags & kOCreat) != 0;
  if (create && (flags & kODirectory) != 0) return Errno::kInval;
  const bool exclusive = create && (flags & kOExcl) != 0;
  bool follow = (flags & kONoFollow) == 0 && !exclusive;
  bool must_be_directory = (flags & kODirectory) != 0;

  PathWalk walk(*this, caller);
  POLLUX_ASSIGN_OR_RETURN(PathWalk::Last last, walk.ToLast(base, path));
  DentryRef found;
  bool created = false;
  while (true) {
    if (last.kind != PathWalk::Last::kName) {
      found = walk.Dots(last);
      break;
    }
    if (last.trailing_slash) {
      if (create) return Errno::kIsDir;
      follow = must_be_directory = true;
    }
    Result<DentryRef> child = walk.Child(last.directory, last.name);
    if (!child.ok()) {
      if (child.error() != Errno::kNoEnt || !create || last.directory->inode().IsDead() ||
          last.directory->inode().LookupIsFinal()) {
        return child.error();
      }
      Inode& directory = last.directory->inode();
      POLLUX_RETURN_IF_ERROR(CheckPermission(caller, directory, kMayWrite | kMayExecute));
      POLLUX_ASSIGN_OR_RETURN(
          const NewNode node,
          NodeFor(caller, directory, kModeRegular | (mode & 07777 & ~caller.umask)));
      POLLUX_ASSIGN_OR_RETURN(found, directory.Create(last.directory, last.name, node));
      created = true;
      NotifyName(directory, kEventCreate, /*is_directory=*/false, last.name);
      break;
    }
    found = *std::move(child);
    if (!found->inode().IsLink() || !follow) break;
    DentryRef target;
    POLLUX_ASSIGN_OR_RETURN(last, walk.Through(last.directory, found, &target));
    if (target) {
      found = std::move(target);
      break;
    }
  }

  Inode& inode = found->inode();
  if (exclusive && !created) return Errno::kExist;
  if (create && inode.IsDirectory()) return Errno::kIsDir;
  if (must_be_directory && !inode.IsDirectory()) return Errno::kNotDir;
  if ((flags & kOPath) != 0) return MakeDescription<PathFile>(std::move(found), flags);
  if (!created) POLLUX_RETURN_IF_ERROR(MayOpen(caller, inode, WantedAccess(flags), flags));
  // do_dentry_open()
  if ((flags & kOAccMode) != kORdOnly && inode.IsExecuted()) return Errno::kTxtBsy;
  POLLUX_ASSIGN_OR_RETURN(DescriptionRef file, OpenAndTell(caller, found, flags));
  if (!created && (flags & kOTrunc) != 0 && inode.IsRegular()) {
    if (inode.IsExecuted()) return Errno::kTxtBsy;  // handle_truncate()
    POLLUX_RETURN_IF_ERROR(inode.Truncate(0));
    NotifyDentry(*found, kEventModify);
  }
  return file;
}

Result<void> FileSystem::MakeFile(std::string_view path, std::string_view contents, uint32_t mode) {
  POLLUX_ASSIGN_OR_RETURN(const DescriptionRef file,
                          Open(RootCaller(), {}, path, kOCreat | kOWrOnly | kOTrunc, mode));
  memory::UserBuffer from = memory::UserBuffer::HostConst(
      {reinterpret_cast<const uint8_t*>(contents.data()), contents.size()});
  while (from.remaining() > 0) {
    const Result<size_t> written = file->Write(from);
    if (!written.ok()) return written.error();
  }
  return {};
}

Result<void> FileSystem::MakeLentFile(std::string_view path, std::string_view contents,
                                      uint32_t mode) {
  POLLUX_RETURN_IF_ERROR(MakeFile(path, {}, mode));
  POLLUX_ASSIGN_OR_RETURN(const DentryRef made, Find(RootCaller(), {}, path, 0, true));
  auto* const file = dynamic_cast<MemoryFileInode*>(&made->inode());
  if (file == nullptr) return MakeFile(path, contents, mode);
  return file->Lend({reinterpret_cast<const uint8_t*>(contents.data()), contents.size()});
}

Result<DescriptionRef> FileSystem::OpenExecutable(const Caller& caller, const DescriptionRef& base,
                                                  std::string_view path, uint32_t at_flags) {
  if ((at_flags & ~(kAtSymlinkNoFollow | kAtEmptyPath)) != 0) return Errno::kInval;
  POLLUX_ASSIGN_OR_RETURN(const DentryRef found,
                          Find(caller, base, path, at_flags, (at_flags & kAtSymlinkNoFollow) == 0));
  Inode& inode = found->inode();
  if (inode.IsLink()) return Errno::kLoop;
  if (!inode.IsRegular()) return Errno::kAcces;
  POLLUX_RETURN_IF_ERROR(CheckPermission(caller, inode, kMayExecute));
  POLLUX_ASSIGN_OR_RETURN(DescriptionRef file, OpenAndTell(caller, found, kORdOnly));
  if (inode.IsWritten()) return Errno::kTxtBsy;
  return file;
}

Result<std::shared_ptr<void>> ExecuteFile(const DescriptionRef& file) {
  const DentryRef dentry = DentryOf(file);
  POLLUX_CHECK(dentry && dentry->inode().IsRegular()) << "OpenExecutable() gave it";
  return dentry->inode().Execute();
}

Result<DescriptionRef> FileSystem::OpenMemoryFile(const Caller& caller, std::string_view name,
                                                  uint32_t seals) {
  NewNode node;
  node.mode = kModeRegular | ((seals & kSealExec) != 0 ? 0666 : 0777);
  node.uid = caller.uid;
  node.gid = caller.gid;
  InodeRef inode = NewMemfdInode(node);
  if (!inode) return Errno::kNoSpc;
  static_cast<MemoryInode&>(*inode).ClearLinks(/*linkable=*/false);
  static_cast<MemoryFileInode&>(*inode).SetSeals(seals);
  DentryRef file(new Dentry(nullptr, "memfd:" + std::string(name), inode, Dentry::Name::kNone));
  POLLUX_ASSIGN_OR_RETURN(DescriptionRef opened, inode->Open(caller, file, StatusFlags(kORdWr)));
  // alloc_file_pseudo(): what is written through this number tells nobody; it may be opened again.
  static_cast<RegularFile&>(*opened).MakeQuiet();
  static_cast<RegularFile&>(*opened).DoNotCount();
  return opened;
}

}  // namespace pollux::os_emu
