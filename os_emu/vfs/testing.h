// For tests of vfs: a file system with its clock and budget, two callers, and files as strings.
#ifndef POLLUX_OS_EMU_VFS_TESTING_H_
#define POLLUX_OS_EMU_VFS_TESTING_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "memory/user_buffer.h"
#include "os_emu/file/directory_sink.h"
#include "os_emu/vfs/file_system.h"
#include "os_emu/vfs/special_file.h"

namespace pollux::os_emu::testing {

// ---- Results as text: "ok", or the error's symbol.
template <typename T>
std::string Say(const Result<T>& result) {
  return result.ok() ? "ok" : std::string(ErrnoName(result.error()));
}

// Takes entries until `room` of them are there.
class EntrySink final : public DirectorySink {
 public:
  explicit EntrySink(size_t room = SIZE_MAX) : room_(room) {}
  bool Add(uint64_t ino, uint64_t next_offset, EntryType type, std::string_view name) override {
    if (names.size() == room_) return false;
    names.emplace_back(name);
    inos.push_back(ino);
    types.push_back(type);
    next = next_offset;
    return true;
  }
  std::vector<std::string> names;
  std::vector<uint64_t> inos;
  std::vector<EntryType> types;
  uint64_t next = 0;

 private:
  size_t room_;
};

inline std::string ReadText(FileDescription& file, size_t bytes) {
  std::string text(bytes, '\0');
  auto to = memory::UserBuffer::Host({reinterpret_cast<uint8_t*>(text.data()), text.size()});
  Result<size_t> got = file.Read(to);
  if (!got.ok()) return "<" + std::string(ErrnoName(got.error())) + ">";
  text.resize(*got);
  return text;
}

inline std::string WriteText(FileDescription& file, std::string_view text) {
  auto from =
      memory::UserBuffer::HostConst({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  Result<size_t> put = file.Write(from);
  return put.ok() ? std::to_string(*put) : std::string(ErrnoName(put.error()));
}

struct FilesFixture : public ::testing::Test {
  FilesFixture() {
    user.uid = user.gid = 1000;
    user.pid = user.tid = Tid{1000};
    root.umask = 0;
  }

  // ---- As `root` unless said otherwise; from the root directory.
  Result<DescriptionRef> Open(std::string_view path, uint32_t flags = kORdOnly,
                              uint32_t mode = 0644) {
    return files.Open(root, none, path, flags, mode);
  }
  Result<DescriptionRef> OpenAsUser(std::string_view path, uint32_t flags = kORdOnly,
                                    uint32_t mode = 0644) {
    return files.Open(user, none, path, flags, mode);
  }
  void Put(std::string_view path, std::string_view text, uint32_t mode = 0644) {
    Result<DescriptionRef> file = Open(path, kOWrOnly | kOCreat | kOTrunc, mode);
    ASSERT_TRUE(file.ok()) << path << ": " << ErrnoName(file.error());
    ASSERT_EQ(WriteText(**file, text), std::to_string(text.size()));
  }
  // The contents, or "<EACCES>".
  std::string Get(std::string_view path) {
    Result<DescriptionRef> file = Open(path);
    if (!file.ok()) return "<" + std::string(ErrnoName(file.error())) + ">";
    return ReadText(**file, 100000);
  }
  void MakeDirectory(std::string_view path, uint32_t mode = 0755) {
    ASSERT_EQ(Say(files.MakeDirectory(root, none, path, mode)), "ok") << path;
  }
  void Symlink(std::string_view target, std::string_view path) {
    ASSERT_EQ(Say(files.MakeSymlink(root, target, none, path)), "ok") << path;
  }
  std::vector<std::string> List(std::string_view path) {
    Result<DescriptionRef> directory = Open(path, kORdOnly | kODirectory);
    if (!directory.ok()) return {"<" + std::string(ErrnoName(directory.error())) + ">"};
    EntrySink sink;
    Result<void> read = (*directory)->ReadDirectory(sink);
    if (!read.ok()) return {"<" + std::string(ErrnoName(read.error())) + ">"};
    return sink.names;
  }
  FileStatus Status(std::string_view path, uint32_t at_flags = kAtSymlinkNoFollow) {
    Result<FileStatus> status = files.Stat(root, none, path, at_flags);
    EXPECT_TRUE(status.ok()) << path << ": " << Say(status);
    return status.ok() ? *status : FileStatus();
  }
  std::string StatError(std::string_view path, uint32_t at_flags = 0) {
    return Say(files.Stat(user, none, path, at_flags));
  }

  Clock clock;
  memory::MemoryBudget budget;
  FileSystem files{&clock, &budget};
  Caller root, user;
  const DescriptionRef none;
};

}  // namespace pollux::os_emu::testing

#endif  // POLLUX_OS_EMU_VFS_TESTING_H_
