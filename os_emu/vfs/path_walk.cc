#include "os_emu/vfs/path_walk.h"

#include <utility>
#include <vector>

#include "os_emu/vfs/file_system.h"
#include "os_emu/vfs/open_file.h"
#include "os_emu/vfs/permission.h"

namespace pollux::os_emu {
namespace {

constexpr int kMaxLinks = 40;  // MAXSYMLINKS

// A path or a link's target, and how far it has been walked.
struct Remaining {
  std::string text;
  size_t at = 0;

  void SkipSlashes() {
    while (at < text.size() && text[at] == '/') ++at;
  }
  bool done() const { return at == text.size(); }
};

}  // namespace

DentryRef DentryOf(const DescriptionRef& file) {
  auto* open_file = dynamic_cast<OpenFile*>(file.get());
  return open_file != nullptr ? open_file->dentry() : DentryRef();
}

bool IsNotOpen(const DescriptionRef& file) {
  return dynamic_cast<NotOpenFile*>(file.get()) != nullptr;
}

DentryRef MountedAt(DentryRef dentry) {
  while (dentry->mounted_root()) dentry = dentry->mounted_root();
  return dentry;
}

DentryRef PathWalk::ParentOf(DentryRef dentry) {
  while (!dentry->parent() && dentry->mount_point()) dentry = dentry->mount_point();
  if (dentry->parent()) dentry = dentry->parent();
  return MountedAt(std::move(dentry));
}

Result<DentryRef> PathWalk::Start(const DescriptionRef& base, std::string_view path) {
  if (path.empty()) return Errno::kNoEnt;
  if (path.size() >= kPathMax) return Errno::kNameTooLong;
  if (path[0] == '/') return files_.root();
  const DescriptionRef& from = base ? base : caller_.cwd;
  if (!from) return files_.root();
  DentryRef start = DentryOf(from);
  if (!start) return IsNotOpen(from) ? Errno::kBadF : Errno::kNotDir;
  if (!start->inode().IsDirectory()) return Errno::kNotDir;
  return start;
}

Result<PathWalk::Last> PathWalk::ToLast(const DescriptionRef& base, std::string_view path) {
  POLLUX_ASSIGN_OR_RETURN(DentryRef start, Start(base, path));
  return WalkToLast(std::move(start), std::string(path));
}

Result<PathWalk::Last> PathWalk::WalkToLast(DentryRef at, std::string path) {
  // The innermost target last. A target of a link that is not at the end is walked whole before
  // what follows the link.
  std::vector<Remaining> work;
  work.push_back({std::move(path)});
  if (work.back().text.starts_with('/')) at = files_.root();
  work.back().SkipSlashes();
  if (work.back().done()) return Last{Last::kRoot, at, "", false};

  while (true) {
    while (work.back().done()) work.pop_back();
    POLLUX_RETURN_IF_ERROR(CheckPermission(caller_, at->inode(), kMayExecute));
    Remaining& rest = work.back();
    const size_t begin = rest.at;
    while (!rest.done() && rest.text[rest.at] != '/') ++rest.at;
    std::string name = rest.text.substr(begin, rest.at - begin);
    const bool slash = !rest.done();
    rest.SkipSlashes();
    const Last::Kind kind = name == "." ? Last::kDot : name == ".." ? Last::kDotDot : Last::kName;

    bool last = true;
    for (const Remaining& part : work) last = last && part.done();
    if (last) {
      // Within an intermediate link's target there is always something left below it in `work`.
      if (kind != Last::kName) return Last{kind, std::move(at), "", slash};
      return Last{kind, std::move(at), std::move(name), slash};
    }

    if (kind == Last::kDotDot) {
      at = ParentOf(std::move(at));
    } else if (kind == Last::kName) {
      POLLUX_ASSIGN_OR_RETURN(DentryRef child, Child(at, name));
      if (child->inode().IsLink()) {
        DentryRef target;
        POLLUX_ASSIGN_OR_RETURN(std::string text, LinkTarget(child, &target));
        if (target) {
          child = std::move(target);
        } else {
          work.push_back({std::move(text)});
          if (work.back().text.starts_with('/')) at = files_.root();
          work.back().SkipSlashes();
          continue;
        }
      }
      if (!child->inode().IsDirectory()) return Errno::kNotDir;
      at = std::move(child);
    }
  }
}

Result<std::string> PathWalk::LinkTarget(const DentryRef& link, DentryRef* target) {
  if (links_++ >= kMaxLinks) return Errno::kLoop;
  POLLUX_ASSIGN_OR_RETURN(*target, link->inode().FollowMagic(caller_));
  if (*target) return std::string();
  POLLUX_ASSIGN_OR_RETURN(std::string text, link->inode().ReadLink(caller_));
  if (text.empty()) return Errno::kNoEnt;
  if (text.size() >= kPathMax) return Errno::kNameTooLong;
  return text;
}

Result<PathWalk::Last> PathWalk::Through(const DentryRef& directory, const DentryRef& link,
                                         DentryRef* target) {
  POLLUX_ASSIGN_OR_RETURN(std::string text, LinkTarget(link, target));
  if (*target) return Last{};
  return WalkToLast(directory, std::move(text));
}

Result<DentryRef> PathWalk::ChildBelowMount(const DentryRef& directory, std::string_view name) {
  // __lookup_slow(): a removed directory is not even asked about a name that is too long.
  if (directory->inode().IsDead()) return Errno::kNoEnt;
  if (name.size() > kNameMax) return Errno::kNameTooLong;
  auto pinned = directory->pinned().find(name);
  if (pinned != directory->pinned().end()) return pinned->second;
  return directory->inode().Lookup(directory, name);
}

Result<DentryRef> PathWalk::Child(const DentryRef& directory, std::string_view name) {
  POLLUX_ASSIGN_OR_RETURN(DentryRef child, ChildBelowMount(directory, name));
  return MountedAt(std::move(child));
}

DentryRef PathWalk::Dots(const Last& last) const {
  return last.kind == Last::kDotDot ? ParentOf(last.directory) : last.directory;
}

Result<DentryRef> PathWalk::ToFile(const DescriptionRef& base, std::string_view path, bool follow,
                                   bool must_be_directory) {
  POLLUX_ASSIGN_OR_RETURN(Last last, ToLast(base, path));
  DentryRef found;
  while (true) {
    if (last.kind != Last::kName) {
      found = Dots(last);
      break;
    }
    if (last.trailing_slash) follow = must_be_directory = true;
    POLLUX_ASSIGN_OR_RETURN(found, Child(last.directory, last.name));
    if (!found->inode().IsLink() || !follow) break;
    DentryRef target;
    POLLUX_ASSIGN_OR_RETURN(last, Through(last.directory, found, &target));
    if (target) {
      found = std::move(target);
      break;
    }
  }
  if (must_be_directory && !found->inode().IsDirectory()) return Errno::kNotDir;
  return found;
}

}  // namespace pollux::os_emu
