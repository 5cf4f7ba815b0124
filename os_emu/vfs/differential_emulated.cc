// A FileSystem as a world: the checks that the system-call layer makes, then the calls.
#include <algorithm>
#include <vector>

#include "abi/check.h"
#include "os_emu/file/directory_sink.h"
#include "os_emu/vfs/differential.h"

namespace pollux::os_emu::differential {
namespace {

struct Entry {
  std::string name;
  EntryType type;
  uint64_t ino;
};

class ListSink final : public DirectorySink {
 public:
  explicit ListSink(uint64_t bytes) : bytes_left_(bytes) {}

  bool Add(uint64_t ino, uint64_t, EntryType type, std::string_view name) override {
    // struct linux_dirent64: 19 bytes, the name and its NUL, in steps of 8.
    const uint64_t bytes = (19 + name.size() + 1 + 7) / 8 * 8;
    if (bytes > bytes_left_) {
      full_ = true;
      return false;
    }
    bytes_left_ -= bytes;
    entries.push_back({std::string(name), type, ino});
    return true;
  }
  bool full() const { return full_; }

  std::vector<Entry> entries;

 private:
  uint64_t bytes_left_;
  bool full_ = false;
};

TimeChange TimeOf(uint32_t kind) {
  if (kind == 0) return {TimeChange::kNow, {}};
  if (kind == 1) return {TimeChange::kOmit, {}};
  return {TimeChange::kSet, Nanos{5}};
}

class EmulatedWorld final : public World {
 public:
  EmulatedWorld(FileSystem* files, const std::string& base, uint32_t uid, uint32_t gid,
                Details details, bool canary)
      : files_(*files), base_(base), details_(details), canary_(canary) {
    caller_.uid = uid;
    caller_.gid = gid;
    Result<DescriptionRef> start = files_.OpenDirectory(caller_, DescriptionRef(), base);
    POLLUX_CHECK(start.ok()) << base << ": " << ErrnoName(start.error());
    caller_.cwd = *start;
  }

  Outcome Apply(const Op& op) override {
    Outcome outcome = Do(op);
    if (canary_ && op.kind == Kind::kUnlink && outcome.value == -static_cast<int>(Errno::kNotDir)) {
      outcome.value = -static_cast<int>(Errno::kNoEnt);
    }
    return outcome;
  }

 private:
  std::string Path(const std::string& path) const {
    return path.starts_with('@') ? base_ + path.substr(1) : path;
  }
  std::string Hide(const std::string& text) const { return HideBase(text, base_); }
  static Outcome Of(Errno error) { return {-static_cast<int64_t>(error), ""}; }
  static Outcome Of(const Result<void>& result) {
    return result.ok() ? Outcome{} : Of(result.error());
  }
  template <typename T>
  static Outcome Of(const Result<T>& result) {
    return result.ok() ? Outcome{static_cast<int64_t>(*result), ""} : Of(result.error());
  }
  Outcome OfStatus(const Result<FileStatus>& result) {
    if (!result.ok()) return Of(result.error());
    return {0, StatusText(result->mode, result->nlink, result->size, result->blocks,
                          numbers_.Order(result->ino), details_)};
  }
  DescriptionRef Base(int slot) const {
    if (slot < 0) return DescriptionRef();
    return slots_[slot] ? slots_[slot] : FileSystem::NotOpen();
  }
  Outcome Do(const Op& op);
  Outcome OnFile(const Op& op);
  Outcome List(FileDescription& file, uint64_t bytes, bool count_only);

  FileSystem& files_;
  std::string base_;
  Details details_;
  bool canary_;
  Caller caller_;
  Numbers numbers_;
  DescriptionRef slots_[kSlots];
};

Outcome EmulatedWorld::List(FileDescription& file, uint64_t bytes, bool count_only) {
  if (Result<uint64_t> start = file.Seek(0, Whence::kSet); !start.ok()) return Of(start);
  std::vector<Entry> all;
  while (true) {
    ListSink sink(bytes);
    if (Result<void> read = file.ReadDirectory(sink); !read.ok()) return Of(read);
    if (sink.entries.empty()) {
      if (sink.full()) return Of(Errno::kInval);
      break;
    }
    all.insert(all.end(), sink.entries.begin(), sink.entries.end());
  }
  if (count_only) return {static_cast<int64_t>(all.size()), ""};
  std::sort(all.begin(), all.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  Outcome outcome;
  for (const Entry& entry : all) {
    outcome.text += entry.name + ":" + std::to_string(static_cast<int>(entry.type));
    if (entry.name != "..") outcome.text += ":" + std::to_string(numbers_.Order(entry.ino));
    outcome.text += " ";
  }
  return outcome;
}

Outcome EmulatedWorld::OnFile(const Op& op) {
  if (!slots_[op.slot]) {
    // ftruncate(2) looks at the length first.
    if (op.kind == Kind::kTruncateFile && op.offset < 0) return Of(Errno::kInval);
    if ((op.kind == Kind::kReadAt || op.kind == Kind::kWriteAt) && op.offset < 0)
      return Of(Errno::kInval);
    return Of(Errno::kBadF);
  }
  FileDescription& file = *slots_[op.slot];
  const bool path_only = (file.status_flags() & kOPath) != 0;
  switch (op.kind) {
    case Kind::kRead:
    case Kind::kReadAt: {
      if (op.kind == Kind::kReadAt && op.offset < 0) return Of(Errno::kInval);
      if (!file.readable()) return Of(Errno::kBadF);
      std::string buffer(op.bytes, '\0');
      auto to =
          memory::UserBuffer::Host({reinterpret_cast<uint8_t*>(buffer.data()), buffer.size()});
      Result<size_t> got = op.kind == Kind::kRead
                               ? file.Read(to)
                               : file.ReadAt(to, static_cast<uint64_t>(op.offset));
      if (!got.ok()) return Of(got);
      buffer.resize(*got);
      return {static_cast<int64_t>(*got), buffer};
    }
    case Kind::kWrite:
    case Kind::kWriteAt: {
      if (op.kind == Kind::kWriteAt && op.offset < 0) return Of(Errno::kInval);
      if (!file.writable()) return Of(Errno::kBadF);
      const std::string bytes = Pattern(op.mode, op.bytes);
      auto from = memory::UserBuffer::HostConst(
          {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
      return Of(op.kind == Kind::kWrite ? file.Write(from)
                                        : file.WriteAt(from, static_cast<uint64_t>(op.offset)));
    }
    case Kind::kSeek: {
      const Result<uint64_t> position = file.Seek(op.offset, static_cast<Whence>(op.mode));
      FileStatus status;
      if (position.ok() && file.Stat(&status).ok() &&
          (status.mode & kModeTypeMask) == kModeDirectory)
        return {};
      return Of(position);
    }
    case Kind::kTruncateFile:
      if (op.offset < 0) return Of(Errno::kInval);
      return Of(file.Truncate(static_cast<uint64_t>(op.offset)));
    case Kind::kAllocate:
      if (path_only) return Of(Errno::kBadF);
      return Of(FileSystem::Allocate(slots_[op.slot], op.flags, op.offset, op.bytes));
    case Kind::kStatFile: {
      FileStatus status;
      Result<void> result = file.Stat(&status);
      if (!result.ok()) return Of(result);
      return OfStatus(status);
    }
    case Kind::kList:
      return List(file, 8192, false);
    case Kind::kListSome:
      return List(file, op.bytes, true);
    case Kind::kChangeFileMode:
      if (path_only) return Of(Errno::kBadF);
      return Of(files_.ChangeMode(caller_, slots_[op.slot], "", op.mode, kAtEmptyPath));
    case Kind::kChangeToFile: {
      Result<DescriptionRef> directory =
          files_.OpenDirectory(caller_, slots_[op.slot], "", kAtEmptyPath);
      if (!directory.ok()) return Of(directory.error());
      caller_.cwd = *directory;
      return {};
    }
    default:
      return {};
  }
}

Outcome EmulatedWorld::Do(const Op& op) {
  const std::string path = Path(op.path), path2 = Path(op.path2);
  const DescriptionRef base = Base(op.base), base2 = Base(op.base2);
  const uint32_t at_flags = op.flags;
  switch (op.kind) {
    case Kind::kClose: {
      if (!slots_[op.slot]) return Of(Errno::kBadF);
      slots_[op.slot] = DescriptionRef();
      return {};
    }
    case Kind::kTruncate:
      return Of(files_.Truncate(caller_, path, op.offset));
    case Kind::kChangeDirectory: {
      Result<DescriptionRef> directory = files_.OpenDirectory(caller_, DescriptionRef(), path);
      if (!directory.ok()) return Of(directory.error());
      caller_.cwd = *directory;
      return {};
    }
    case Kind::kWorkingDirectory: {
      Result<std::string> name = files_.PathOf(caller_.cwd);
      if (!name.ok()) return Of(name.error());
      return {0, Hide(*name)};
    }
    case Kind::kRead:
    case Kind::kWrite:
    case Kind::kReadAt:
    case Kind::kWriteAt:
    case Kind::kSeek:
    case Kind::kTruncateFile:
    case Kind::kAllocate:
    case Kind::kStatFile:
    case Kind::kList:
    case Kind::kListSome:
    case Kind::kChangeFileMode:
    case Kind::kChangeToFile:
      return OnFile(op);
    default:
      break;
  }

  switch (op.kind) {
    case Kind::kOpen: {
      Result<DescriptionRef> file = files_.Open(caller_, base, path, op.flags, op.mode);
      if (!file.ok()) return Of(file.error());
      slots_[op.slot] = *file;
      return {};
    }
    case Kind::kStat:
      return OfStatus(files_.Stat(caller_, base, path, at_flags));
    case Kind::kReadLink: {
      Result<std::string> target = files_.ReadLink(caller_, base, path);
      if (!target.ok()) return Of(target.error());
      return {static_cast<int64_t>(target->size()), Hide(*target)};
    }
    case Kind::kAccess:
      return Of(files_.Access(caller_, base, path, op.mode, at_flags));
    case Kind::kMakeDirectory:
      return Of(files_.MakeDirectory(caller_, base, path, op.mode));
    case Kind::kMakeNode:
      return Of(files_.MakeNode(caller_, base, path, op.mode, 0));
    case Kind::kSymlink:
      return Of(files_.MakeSymlink(caller_, path2, base, path));
    case Kind::kLink:
      return Of(files_.Link(caller_, base, path, base2, path2, at_flags));
    case Kind::kUnlink:
      return Of(files_.Unlink(caller_, base, path, at_flags));
    case Kind::kRename:
      return Of(files_.Rename(caller_, base, path, base2, path2, op.flags));
    case Kind::kChangeMode:
      return Of(files_.ChangeMode(caller_, base, path, op.mode, at_flags));
    case Kind::kChangeOwner: {
      const uint32_t uid = op.offset == kOwnId ? caller_.uid : static_cast<uint32_t>(op.offset);
      const uint32_t gid = op.mode == kOwnId ? caller_.gid : op.mode;
      return Of(files_.ChangeOwner(caller_, base, path, uid, gid, at_flags));
    }
    case Kind::kChangeTimes:
      return Of(
          files_.ChangeTimes(caller_, base, path, TimeOf(op.mode), TimeOf(op.bytes), at_flags));
    default:
      return {};
  }
}

}  // namespace

std::unique_ptr<World> MakeEmulatedWorld(FileSystem* files, const std::string& base, uint32_t uid,
                                         uint32_t gid, Details details, bool canary) {
  return std::make_unique<EmulatedWorld>(files, base, uid, gid, details, canary);
}

}  // namespace pollux::os_emu::differential
