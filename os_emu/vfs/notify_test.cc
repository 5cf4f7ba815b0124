// What watchers of files are told, in memory and in mounted host directories alike. (The events of
// each call in Linux's order are testsuite/basics/inotify's.)
#include "os_emu/vfs/notify.h"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "os_emu/file/watch.h"
#include "os_emu/vfs/testing.h"

namespace pollux::os_emu {
namespace {

using testing::FilesFixture;
using testing::Say;

using Log = std::vector<std::string>;

// Writes down what it is told; goes with its file.
class LoggingWatch final : public FileWatch {
 public:
  LoggingWatch(WatchedFile& file, std::string name, Log& log)
      : FileWatch(file), name_(std::move(name)), log_(log) {}
  void OnEvent(const FileEvent& event) override {
    static constexpr const char* kNames[] = {"access", "modify", "attributes",  "close_write",
                                             "close",  "open",   "moved_from",  "moved_to",
                                             "create", "delete", "delete_self", "move_self"};
    std::string text = name_;
    for (int bit = 0; bit < 12; ++bit) {
      if ((event.mask >> bit & 1) != 0) text += std::string(" ") + kNames[bit];
    }
    if ((event.mask & kEventIsDirectory) != 0) text += " dir";
    if (!event.name.empty()) text += " [" + std::string(event.name) + "]";
    if (event.unlinked) text += " unlinked";
    log_.push_back(text);
  }
  void OnGone() override {
    log_.push_back(name_ + " gone");
    delete this;
  }

 private:
  std::string name_;
  Log& log_;
};

// In memory, and in a directory of the host.
class NotifyTest : public FilesFixture, public ::testing::WithParamInterface<bool> {
 protected:
  NotifyTest() {
    if (!GetParam()) {
      MakeDirectory("/w");
      return;
    }
    const char* directory = getenv("TEST_TMPDIR");
    std::string pattern = std::string(directory != nullptr ? directory : "/tmp") + "/notify_XXXXXX";
    scratch_ = mkdtemp(pattern.data());
    EXPECT_TRUE(files.MountHostDirectory("/w", scratch_, false, 1000, 1000).ok());
  }
  ~NotifyTest() override {
    for (LoggingWatch* watch : watches_) delete watch;
    std::error_code ignored;
    if (!scratch_.empty()) std::filesystem::remove_all(scratch_, ignored);
  }

  InodeRef Find(const char* path) { return *files.FindForWatch(root, path, true, false); }
  // Until the test ends.
  void Watch(const char* path, const char* name) {
    watches_.push_back(new LoggingWatch(*Find(path), name, log_));
  }
  // Until the file goes.
  void WatchToTheEnd(const char* path, const char* name) {
    new LoggingWatch(*Find(path), name, log_);
  }
  Log Take() { return std::exchange(log_, Log()); }

  Log log_;
  std::vector<LoggingWatch*> watches_;
  std::string scratch_;
};

TEST_P(NotifyTest, OpenWriteClose) {
  Watch("/w", "dir");
  Put("/w/f", "text");
  EXPECT_EQ(Take(), (Log{"dir create [f]", "dir open [f]", "dir close_write [f]"}));
  WatchToTheEnd("/w/f", "file");
  EXPECT_EQ(Get("/w/f"), "text");
  EXPECT_EQ(Take(), (Log{"dir open [f]", "file open", "dir close [f]", "file close"}));
  const DescriptionRef file = *Open("/w/f", kOWrOnly | kOTrunc);
  EXPECT_EQ(Take(), (Log{"dir open [f]", "file open", "dir modify [f]", "file modify"}));
  file->NoteModify();
  file->NoteAccess();
  EXPECT_EQ(Take(), (Log{"dir modify [f]", "file modify", "dir access [f]", "file access"}));
  ASSERT_TRUE(file->Truncate(3).ok());
  EXPECT_EQ(Take(), (Log{"dir modify [f]", "file modify"}));
  ASSERT_TRUE(files.ChangeMode(root, none, "/w/f", 0600).ok());
  EXPECT_EQ(Take(), (Log{"dir attributes [f]", "file attributes"}));
  ASSERT_TRUE(files.Unlink(root, none, "/w/f").ok());
  EXPECT_EQ(Take(), (Log{"file attributes", "dir delete [f]"}));
  file->NoteModify();
  EXPECT_EQ(Take(), (Log{"dir modify [f] unlinked", "file modify unlinked"}));
}

TEST_P(NotifyTest, TheLastUserOfARemovedFile) {
  Watch("/w", "dir");
  Put("/w/f", "");
  WatchToTheEnd("/w/f", "file");
  DescriptionRef file = *Open("/w/f");
  ASSERT_TRUE(files.Unlink(root, none, "/w/f").ok());
  Take();
  file = DescriptionRef();
  EXPECT_EQ(Take(), (Log{"dir close [f] unlinked", "file close unlinked", "file delete_self",
                         "file gone"}));
}

TEST_P(NotifyTest, UnlinkWithoutUsers) {
  Watch("/w", "dir");
  Put("/w/f", "");
  WatchToTheEnd("/w/f", "file");
  Take();
  ASSERT_TRUE(files.Unlink(root, none, "/w/f").ok());
  EXPECT_EQ(Take(), (Log{"file attributes", "file delete_self", "file gone", "dir delete [f]"}));
}

TEST_P(NotifyTest, ASecondNameKeepsTheWatch) {
  Put("/w/f", "");
  Watch("/w/f", "file");
  ASSERT_TRUE(files.Link(root, none, "/w/f", none, "/w/g").ok());
  ASSERT_TRUE(files.Unlink(root, none, "/w/f").ok());
  EXPECT_EQ(Take(), (Log{"file attributes", "file attributes"}));
  ASSERT_TRUE(Open("/w/g").ok());
  EXPECT_EQ(Take(), (Log{"file open", "file close"}));
}

TEST_P(NotifyTest, RenameAcrossAndOver) {
  MakeDirectory("/w/a");
  MakeDirectory("/w/b");
  Put("/w/a/f", "");
  Put("/w/b/g", "");
  Watch("/w/a", "a");
  Watch("/w/b", "b");
  Watch("/w/a/f", "f");
  WatchToTheEnd("/w/b/g", "g");
  ASSERT_EQ(Say(files.Rename(root, none, "/w/a/f", none, "/w/b/g")), "ok");
  EXPECT_EQ(Take(), (Log{"a moved_from [f]", "b moved_to [g]", "g attributes", "f move_self",
                         "g delete_self", "g gone"}));
  ASSERT_TRUE(Open("/w/b/g").ok());
  EXPECT_EQ(Take(), (Log{"b open [g]", "f open", "b close [g]", "f close"}));
}

TEST_P(NotifyTest, Directories) {
  Watch("/w", "dir");
  MakeDirectory("/w/d");
  EXPECT_EQ(Take(), Log{"dir create dir [d]"});
  WatchToTheEnd("/w/d", "d");
  EXPECT_TRUE(List("/w/d").size() == 2);
  EXPECT_EQ(Take(), (Log{"dir open dir [d]", "d open dir", "dir access dir [d]", "d access dir",
                         "dir close dir [d]", "d close dir"}));
  ASSERT_TRUE(files.Unlink(root, none, "/w/d", kAtRemoveDir).ok());
  EXPECT_EQ(Take(), (Log{"d delete_self", "d gone", "dir delete dir [d]"}));
}

TEST_P(NotifyTest, WhatFailsTellsNothing) {
  Put("/w/f", "");
  Watch("/w", "dir");
  EXPECT_FALSE(Open("/w/g").ok());
  EXPECT_FALSE(Open("/w/f", kOCreat | kOExcl | kOWrOnly).ok());
  EXPECT_FALSE(files.MakeDirectory(root, none, "/w/f", 0755).ok());
  EXPECT_FALSE(files.Unlink(root, none, "/w/f", kAtRemoveDir).ok());
  EXPECT_FALSE(files.Rename(root, none, "/w/g", none, "/w/h").ok());
  ASSERT_TRUE(Open("/w/f", kOPath).ok());
  EXPECT_EQ(Take(), Log{});
}

INSTANTIATE_TEST_SUITE_P(Everywhere, NotifyTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Host" : "Memory"; });

}  // namespace
}  // namespace pollux::os_emu
