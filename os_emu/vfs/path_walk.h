// PathWalk: one resolution of a path, component by component (fs/namei.c). It counts symbolic links
// over its whole life, so one PathWalk serves one path of one call.
//
// Each directory on the way needs execute permission, asked before the name in it is looked at:
// kAcces comes before kNameTooLong and kNoEnt. Host directories are never given a path, only single
// names that are not "." or "..".
#ifndef POLLUX_OS_EMU_VFS_PATH_WALK_H_
#define POLLUX_OS_EMU_VFS_PATH_WALK_H_

#include <string>
#include <string_view>

#include "abi/result.h"
#include "os_emu/file/description.h"
#include "os_emu/vfs/caller.h"
#include "os_emu/vfs/dentry.h"

namespace pollux::os_emu {

class FileSystem;

class PathWalk {
 public:
  PathWalk(const FileSystem& files, const Caller& caller) : files_(files), caller_(caller) {}

  // Where a path ends: the directory, and the last name in it, not looked up yet.
  struct Last {
    enum Kind { kName, kDot, kDotDot, kRoot };
    Kind kind = kRoot;
    DentryRef directory;
    std::string name;             // Of kName.
    bool trailing_slash = false;  // Of kName: must be a directory.
  };

  // The directory that `path` begins in. kNotDir: relative to what is no directory. kNoEnt: empty.
  // kNameTooLong. kBadF.
  Result<DentryRef> Start(const DescriptionRef& base, std::string_view path);
  Result<Last> ToLast(const DescriptionRef& base, std::string_view path);

  // The file itself. `follow`: what a symbolic link at the end points to. `must_be_directory`:
  // kNotDir otherwise.
  Result<DentryRef> ToFile(const DescriptionRef& base, std::string_view path, bool follow,
                           bool must_be_directory = false);

  // What is called `name` in `directory` (kNameTooLong, kNoEnt), mounts followed.
  Result<DentryRef> Child(const DentryRef& directory, std::string_view name);
  // The same, but of a mount point the directory below the mount: what is to be removed or renamed.
  Result<DentryRef> ChildBelowMount(const DentryRef& directory, std::string_view name);
  // The directory of kDot, kDotDot and kRoot.
  DentryRef Dots(const Last& last) const;

  // Goes on through `link`, which was found in `directory`: gives either the place where its target
  // ends, or, of a magic link, the file itself in `target`. kLoop: one link too many.
  Result<Last> Through(const DentryRef& directory, const DentryRef& link, DentryRef* target);

 private:
  Result<Last> WalkToLast(DentryRef at, std::string path);
  Result<std::string> LinkTarget(const DentryRef& link, DentryRef* target);
  static DentryRef ParentOf(DentryRef dentry);

  const FileSystem& files_;
  const Caller& caller_;
  int links_ = 0;
};

// The place of an open file in the tree; null: it has none (a pipe).
DentryRef DentryOf(const DescriptionRef& file);
// Whether it is FileSystem::NotOpen().
bool IsNotOpen(const DescriptionRef& file);
// The root of what is mounted at `dentry`, or `dentry` itself.
DentryRef MountedAt(DentryRef dentry);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_PATH_WALK_H_
