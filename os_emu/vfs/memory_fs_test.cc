// Memory files: contents, directories, and what they are charged.
#include <cstdint>
#include <cstring>
#include <memory>

#include "os_emu/vfs/open_file.h"
#include "os_emu/vfs/testing.h"

namespace pollux::os_emu {
namespace {

using ::testing::ElementsAre;
using testing::EntrySink;
using testing::FilesFixture;
using testing::ReadText;
using testing::Say;
using testing::WriteText;

class MemoryFs : public FilesFixture {
 protected:
  MemoryFs() { Put("/f", "0123456789"); }
  DescriptionRef File(uint32_t flags = kORdWr) { return *Open("/f", flags); }
};

std::string ReadAt(FileDescription& file, size_t bytes, uint64_t offset) {
  std::string text(bytes, '\0');
  auto to = memory::UserBuffer::Host({reinterpret_cast<uint8_t*>(text.data()), text.size()});
  Result<size_t> got = file.ReadAt(to, offset);
  if (!got.ok()) return Say(got);
  text.resize(*got);
  return text;
}

std::string WriteAt(FileDescription& file, std::string_view text, uint64_t offset) {
  auto from =
      memory::UserBuffer::HostConst({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  Result<size_t> put = file.WriteAt(from, offset);
  return put.ok() ? std::to_string(*put) : Say(put);
}

// ---- Contents.

TEST_F(MemoryFs, ReadAndWriteShareThePosition) {
  DescriptionRef file = File();
  EXPECT_EQ(ReadText(*file, 3), "012");
  EXPECT_EQ(WriteText(*file, "XY"), "2");
  EXPECT_EQ(ReadText(*file, 100), "56789");
  EXPECT_EQ(ReadText(*file, 100), "");
  EXPECT_EQ(Get("/f"), "012XY56789");
}

TEST_F(MemoryFs, DescriptionsOfOneFileHavePositionsOfTheirOwn) {
  DescriptionRef a = File(), b = File();
  EXPECT_EQ(ReadText(*a, 5), "01234");
  EXPECT_EQ(ReadText(*b, 5), "01234");
}

TEST_F(MemoryFs, ReadAtAndWriteAtLeaveThePositionAlone) {
  DescriptionRef file = File();
  EXPECT_EQ(ReadAt(*file, 2, 8), "89");
  EXPECT_EQ(WriteAt(*file, "z", 0), "1");
  EXPECT_EQ(ReadText(*file, 2), "z1");
}

TEST_F(MemoryFs, AppendWritesAtTheEndWhateverTheOffset) {
  DescriptionRef file = File(kORdWr | kOAppend);
  EXPECT_EQ(WriteText(*file, "ab"), "2");
  EXPECT_EQ(WriteAt(*file, "cd", 0), "2");
  EXPECT_EQ(Get("/f"), "0123456789abcd");
  EXPECT_EQ(*file->Seek(0, Whence::kCurrent), 12u);
}

TEST_F(MemoryFs, AHoleReadsAsZerosAndCostsNothing) {
  DescriptionRef file = File();
  const uint64_t before = budget.used_bytes;
  EXPECT_EQ(WriteAt(*file, "end", uint64_t{1} << 40), "3");
  EXPECT_EQ(budget.used_bytes, before + 4096);
  EXPECT_EQ(Status("/f").size, (uint64_t{1} << 40) + 3);
  EXPECT_EQ(Status("/f").blocks, 16u);
  EXPECT_EQ(ReadAt(*file, 4, (uint64_t{1} << 40) - 2), std::string("\0\0en", 4));
  EXPECT_EQ(ReadAt(*file, 3, 1 << 30), std::string(3, '\0'));
}

TEST_F(MemoryFs, SeekFindsDataAndHoles) {
  DescriptionRef file = File();
  ASSERT_EQ(WriteAt(*file, "x", 10 * 4096 + 5), "1");
  EXPECT_EQ(*file->Seek(0, Whence::kHole), 4096u);
  EXPECT_EQ(*file->Seek(5000, Whence::kData), 10u * 4096);
  EXPECT_EQ(*file->Seek(10 * 4096 + 1, Whence::kData), 10u * 4096 + 1);
  EXPECT_EQ(*file->Seek(10 * 4096, Whence::kHole), 10u * 4096 + 6);
  EXPECT_EQ(Say(file->Seek(10 * 4096 + 6, Whence::kData)), "ENXIO");
  ASSERT_EQ(Say(file->Truncate(20 * 4096)), "ok");
  EXPECT_EQ(Say(file->Seek(15 * 4096, Whence::kData)), "ENXIO");
}

TEST_F(MemoryFs, SeekRefusesNegativePositions) {
  DescriptionRef file = File();
  EXPECT_EQ(Say(file->Seek(-1, Whence::kSet)), "EINVAL");
  EXPECT_EQ(Say(file->Seek(-11, Whence::kEnd)), "EINVAL");
  EXPECT_EQ(*file->Seek(INT64_MAX, Whence::kSet), uint64_t{INT64_MAX});
  EXPECT_EQ(Say(file->Seek(1, Whence::kCurrent)), "EINVAL");
  EXPECT_EQ(Say(file->Seek(0, static_cast<Whence>(9))), "EINVAL");
  EXPECT_EQ(ReadText(*file, 10), "<EINVAL>");
}

TEST_F(MemoryFs, WritingEndsAtTheLargestFile) {
  DescriptionRef file = File();
  EXPECT_EQ(WriteAt(*file, "abc", INT64_MAX - 1), "EINVAL");
  EXPECT_EQ(WriteAt(*file, "a", INT64_MAX - 1), "1");
  EXPECT_EQ(WriteAt(*file, "a", INT64_MAX), "EINVAL");
  EXPECT_EQ(Status("/f").size, uint64_t{INT64_MAX});
  DescriptionRef appending = File(kORdWr | kOAppend);
  EXPECT_EQ(WriteText(*appending, "a"), "EFBIG");
}

TEST_F(MemoryFs, TruncateDropsWhatIsBeyond) {
  DescriptionRef file = File();
  ASSERT_EQ(Say(file->Truncate(4)), "ok");
  ASSERT_EQ(Say(file->Truncate(8)), "ok");
  EXPECT_EQ(Get("/f"), std::string("0123\0\0\0\0", 8));
}

TEST_F(MemoryFs, TruncateNeedsWriting) {
  EXPECT_EQ(Say(File(kORdOnly)->Truncate(1)), "EINVAL");
  EXPECT_EQ(Say((*Open("/", kODirectory))->Truncate(1)), "EINVAL");
  EXPECT_EQ(Say((*Open("/f", kOPath))->Truncate(1)), "EBADF");
}

TEST_F(MemoryFs, AnInaccessibleByteStopsTheCopy) {
  auto space = memory::AddressSpace::Create(&budget);
  ASSERT_TRUE(space.ok());
  memory::AddressSpace::MapRequest request;
  request.length = 4096;
  request.prot = memory::kProtRead | memory::kProtWrite;
  Result<GuestAddr> at = (*space)->Map(request);
  ASSERT_TRUE(at.ok());
  DescriptionRef file = File();
  const uint64_t pages = Status("/f").blocks;

  memory::UserBuffer bad(space->get(), *at + 4096, 5);
  EXPECT_EQ(Say(file->ReadAt(bad, 0)), "EFAULT");
  memory::UserBuffer bad_source(space->get(), *at + 4096, 5);
  EXPECT_EQ(Say(file->WriteAt(bad_source, 100000)), "EFAULT");
  EXPECT_EQ(Status("/f").blocks, pages) << "a fault left a page behind";
  EXPECT_EQ(Status("/f").size, 10u);

  memory::UserBuffer half(space->get(), *at + 4092, 10);
  EXPECT_EQ(*file->ReadAt(half, 0), 4u);
  memory::UserBuffer half_source(space->get(), *at + 4092, 10);
  EXPECT_EQ(*file->WriteAt(half_source, 6), 4u);
  EXPECT_EQ(Get("/f"), "0123450123");
}

TEST_F(MemoryFs, FionreadTellsWhatIsLeft) {
  auto space = memory::AddressSpace::Create(&budget);
  ASSERT_TRUE(space.ok());
  memory::AddressSpace::MapRequest request;
  request.length = 4096;
  request.prot = memory::kProtRead | memory::kProtWrite;
  const GuestAddr at = *(*space)->Map(request);
  DescriptionRef file = File();
  ASSERT_EQ(ReadText(*file, 3), "012");
  EXPECT_EQ(*file->Ioctl(kFionRead, at.value, space->get()), 0);
  EXPECT_EQ(*(*space)->ReadObject<int32_t>(at), 7);
  EXPECT_EQ(Say(file->Ioctl(kFionRead, 0, space->get())), "EFAULT");
  EXPECT_EQ(Say(file->Ioctl(0x5401, at.value, space->get())), "ENOTTY");
  EXPECT_EQ(Say((*Open("/", kODirectory))->Ioctl(kFionRead, at.value, space->get())), "ENOTTY");
}

std::string TextOf(const memory::SharedObject& object, uint64_t offset, size_t bytes) {
  std::string text(bytes, '?');
  object.Read(offset, {reinterpret_cast<uint8_t*>(text.data()), text.size()});
  return text;
}

TEST_F(MemoryFs, AMappedFileAndItsMappingsAreTheSameBytes) {
  DescriptionRef file = File();
  const std::shared_ptr<memory::SharedObject> pages = *file->MapPages();
  EXPECT_EQ(TextOf(*pages, 0, 10), "0123456789");
  EXPECT_EQ(pages->size_bytes(), 10u);
  ASSERT_EQ(WriteAt(*file, "xy", 9), "2");
  EXPECT_EQ(TextOf(*pages, 8, 3), "8xy");
  EXPECT_EQ(pages->size_bytes(), 11u);
  const uint8_t star = '*';
  ASSERT_EQ(pages->Write(1, {&star, 1}), 1u);
  EXPECT_EQ(ReadAt(*file, 4, 0), "0*23");
  ASSERT_EQ(Say(file->Truncate(2)), "ok");
  EXPECT_EQ(pages->size_bytes(), 2u);
  EXPECT_EQ(TextOf(*pages, 0, 4), std::string("0*\0\0", 4));
  EXPECT_EQ(*file->MapPages(), pages);
  EXPECT_EQ(Say(File(kOWrOnly)->MapPages()), "EACCES");
}

TEST_F(MemoryFs, MappingASparseFileCostsItsPagesOnly) {
  DescriptionRef file = File();
  ASSERT_EQ(Say(file->Truncate(uint64_t{1} << 50)), "ok");
  budget.limit_bytes = budget.used_bytes + (1 << 14);
  const std::shared_ptr<memory::SharedObject> pages = *file->MapPages();
  EXPECT_EQ(pages->present_pages(), 1u);
  EXPECT_TRUE(pages->MakePresent(7));
  EXPECT_FALSE(pages->MakePresent(70) && pages->MakePresent(700));
}

TEST_F(MemoryFs, AFileThatDoesNotFitTwiceIsMappedAllTheSame) {
  DescriptionRef file = File();
  ASSERT_EQ(WriteAt(*file, std::string(40 * 4096, 'x'), 0), "163840");
  budget.limit_bytes = budget.used_bytes;
  EXPECT_EQ(Say(file->MapPages()), "ENOMEM");
  EXPECT_EQ(ReadAt(*file, 3, 39 * 4096), "xxx") << "nothing is lost";
  budget.limit_bytes = budget.used_bytes + 4 * 4096;
  EXPECT_EQ(Say(file->MapPages()), "ok");
  EXPECT_EQ(ReadAt(*file, 3, 39 * 4096), "xxx");
}

TEST_F(MemoryFs, FilesAndDirectoriesAreAlwaysReadyAndCannotBeWatched) {
  for (const char* path : {"/f", "/"}) {
    DescriptionRef file = *Open(path);
    WaitQueue* queues[2];
    EXPECT_EQ(file->Poll(), kReadable | kWritable);
    EXPECT_EQ(file->PollQueues(queues), 0);
    EXPECT_FALSE(file->CanBeWatched());
  }
}

// ---- Life of a file.

TEST_F(MemoryFs, AnUnlinkedFileLivesWhileItIsOpen) {
  DescriptionRef file = File();
  const uint64_t before = budget.used_bytes;
  ASSERT_EQ(Say(files.Unlink(root, none, "/f")), "ok");
  EXPECT_EQ(StatError("/f"), "ENOENT");
  EXPECT_EQ(ReadText(*file, 4), "0123");
  FileStatus status;
  ASSERT_TRUE(file->Stat(&status).ok());
  EXPECT_EQ(status.nlink, 0u);
  EXPECT_EQ(file->LinkText(), "/f (deleted)");
  file = DescriptionRef();
  EXPECT_LT(budget.used_bytes, before - 4096);
}

TEST_F(MemoryFs, AHardLinkIsTheSameFile) {
  ASSERT_EQ(Say(files.Link(root, none, "/f", none, "/g")), "ok");
  EXPECT_EQ(Status("/g").ino, Status("/f").ino);
  EXPECT_EQ(Status("/g").nlink, 2u);
  ASSERT_EQ(Say(files.Unlink(root, none, "/f")), "ok");
  EXPECT_EQ(Get("/g"), "0123456789");
  EXPECT_EQ(Status("/g").nlink, 1u);
}

TEST_F(MemoryFs, ANamelessFileCanGetAName) {
  Result<DescriptionRef> file = Open("/", kORdWr | kODirectory | kOTmpFileBit, 0600);
  ASSERT_TRUE(file.ok());
  ASSERT_EQ(WriteText(**file, "text"), "4");
  ASSERT_EQ(Say(files.Link(root, *file, "", none, "/named", kAtEmptyPath)), "ok");
  EXPECT_EQ(Get("/named"), "text");
}

TEST_F(MemoryFs, AnExclusiveNamelessFileStaysNameless) {
  Result<DescriptionRef> file = Open("/", kORdWr | kODirectory | kOTmpFileBit | kOExcl, 0600);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(Say(files.Link(root, *file, "", none, "/named", kAtEmptyPath)), "ENOENT");
}

TEST_F(MemoryFs, AMemoryFileHasNoName) {
  Result<DescriptionRef> file = files.OpenMemoryFile(user, "buffer");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->LinkText(), "/memfd:buffer (deleted)");
  ASSERT_EQ(WriteText(**file, "abc"), "3");
  ASSERT_TRUE((*file)->Seek(0, Whence::kSet).ok());
  EXPECT_EQ(ReadText(**file, 10), "abc");
  EXPECT_EQ(Say(files.PathOf(*file)), "ENOENT");
}

TEST_F(MemoryFs, InodeNumbersAreCountedUp) {
  Put("/a", "");
  Put("/b", "");
  EXPECT_EQ(Status("/b").ino, Status("/a").ino + 1);
  const uint64_t last = Status("/b").ino;
  ASSERT_EQ(Say(files.Unlink(root, none, "/b")), "ok");
  Put("/c", "");
  EXPECT_EQ(Status("/c").ino, last + 1);
}

TEST_F(MemoryFs, TimesAreTheMachinesClock) {
  const Nanos made = clock.Realtime();
  EXPECT_EQ(Status("/f").btime, made);
  clock.AdvanceBy(Nanos{5'000'000'000});
  const Nanos written = clock.Realtime();
  ASSERT_EQ(WriteText(*File(), "x"), "1");
  clock.AdvanceBy(Nanos{5'000'000'000});
  ASSERT_EQ(Say(files.ChangeMode(root, none, "/f", 0600)), "ok");
  const FileStatus status = Status("/f");
  EXPECT_EQ(status.mtime, written);
  EXPECT_EQ(status.ctime, clock.Realtime());
  EXPECT_EQ(status.btime, made);
}

TEST_F(MemoryFs, ReadingTouchesTheAccessTimeOnceAWrite) {
  DescriptionRef file = File();
  clock.AdvanceBy(Nanos{1'000'000'000});
  const Nanos first = clock.Realtime();
  ReadText(*file, 1);
  clock.AdvanceBy(Nanos{1'000'000'000});
  ReadText(*file, 1);
  EXPECT_EQ(Status("/f").atime, first);
}

TEST_F(MemoryFs, WritingTakesSetUserIdAway) {
  ASSERT_EQ(Say(files.ChangeMode(root, none, "/f", 06755)), "ok");
  ASSERT_EQ(WriteText(*File(), "x"), "1");
  EXPECT_EQ(Status("/f").mode & 07777, 0755u);
}

// ---- Directories.

TEST_F(MemoryFs, EntriesAreListedInTheOrderInWhichTheyWereMade) {
  MakeDirectory("/d");
  for (const char* path : {"/d/c", "/d/a", "/d/b"}) Put(path, "");
  EXPECT_THAT(List("/d"), ElementsAre(".", "..", "c", "a", "b"));
  ASSERT_EQ(Say(files.Rename(root, none, "/d/c", none, "/d/z")), "ok");
  EXPECT_THAT(List("/d"), ElementsAre(".", "..", "a", "b", "z"));
  ASSERT_EQ(Say(files.Rename(root, none, "/d/z", none, "/d/a")), "ok");
  EXPECT_THAT(List("/d"), ElementsAre(".", "..", "a", "b"));
}

TEST_F(MemoryFs, AListingUnderWayMissesNothingThatStays) {
  MakeDirectory("/d");
  for (char name = 'a'; name <= 'f'; ++name) Put(std::string("/d/") + name, "");
  DescriptionRef directory = *Open("/d", kODirectory);
  EntrySink first(4);
  ASSERT_TRUE(directory->ReadDirectory(first).ok());
  EXPECT_THAT(first.names, ElementsAre(".", "..", "a", "b"));
  ASSERT_EQ(Say(files.Unlink(root, none, "/d/a")), "ok");
  ASSERT_EQ(Say(files.Unlink(root, none, "/d/c")), "ok");
  Put("/d/g", "");
  EntrySink rest;
  ASSERT_TRUE(directory->ReadDirectory(rest).ok());
  EXPECT_THAT(rest.names, ElementsAre("d", "e", "f", "g"));
}

TEST_F(MemoryFs, APositionCanBeGoneBackTo) {
  MakeDirectory("/d");
  for (char name = 'a'; name <= 'd'; ++name) Put(std::string("/d/") + name, "");
  DescriptionRef directory = *Open("/d", kODirectory);
  EntrySink first(3);
  ASSERT_TRUE(directory->ReadDirectory(first).ok());
  EntrySink rest;
  ASSERT_TRUE(directory->ReadDirectory(rest).ok());
  ASSERT_TRUE(directory->Seek(static_cast<int64_t>(first.next), Whence::kSet).ok());
  EntrySink again;
  ASSERT_TRUE(directory->ReadDirectory(again).ok());
  EXPECT_EQ(again.names, rest.names);
  ASSERT_TRUE(directory->Seek(0, Whence::kSet).ok());
  EntrySink all;
  ASSERT_TRUE(directory->ReadDirectory(all).ok());
  EXPECT_EQ(all.names.size(), 6u);
}

TEST_F(MemoryFs, DirectoriesCountTheirSubdirectories) {
  MakeDirectory("/d");
  EXPECT_EQ(Status("/d").nlink, 2u);
  MakeDirectory("/d/e");
  EXPECT_EQ(Status("/d").nlink, 3u);
  MakeDirectory("/g");
  ASSERT_EQ(Say(files.Rename(root, none, "/d/e", none, "/g/e")), "ok");
  EXPECT_EQ(Status("/d").nlink, 2u);
  EXPECT_EQ(Status("/g").nlink, 3u);
}

// ---- Renaming.

TEST_F(MemoryFs, RenameReplacesAFile) {
  Put("/g", "old");
  ASSERT_EQ(Say(files.Rename(root, none, "/f", none, "/g")), "ok");
  EXPECT_EQ(Get("/g"), "0123456789");
  EXPECT_EQ(StatError("/f"), "ENOENT");
}

TEST_F(MemoryFs, RenameOfTwoNamesOfOneFileDoesNothing) {
  ASSERT_EQ(Say(files.Link(root, none, "/f", none, "/g")), "ok");
  ASSERT_EQ(Say(files.Rename(root, none, "/f", none, "/g")), "ok");
  EXPECT_EQ(Status("/f").nlink, 2u);
}

TEST_F(MemoryFs, RenameReplacesAnEmptyDirectoryOnly) {
  MakeDirectory("/a");
  MakeDirectory("/b");
  Put("/b/x", "");
  EXPECT_EQ(Say(files.Rename(root, none, "/a", none, "/b")), "ENOTEMPTY");
  ASSERT_EQ(Say(files.Rename(root, none, "/b", none, "/a")), "ok");
  EXPECT_EQ(StatError("/a/x"), "ok");
}

TEST_F(MemoryFs, RenameKeepsFilesAndDirectoriesApart) {
  MakeDirectory("/a");
  EXPECT_EQ(Say(files.Rename(root, none, "/f", none, "/a")), "EISDIR");
  EXPECT_EQ(Say(files.Rename(root, none, "/a", none, "/f")), "ENOTDIR");
}

TEST_F(MemoryFs, RenameCannotMakeALoop) {
  MakeDirectory("/a");
  MakeDirectory("/a/b");
  EXPECT_EQ(Say(files.Rename(root, none, "/a", none, "/a/b/c")), "EINVAL");
  EXPECT_EQ(Say(files.Rename(root, none, "/a/b", none, "/a")), "ENOTEMPTY");
  EXPECT_EQ(Say(files.Rename(root, none, "/a", none, "/a/b", kRenameExchange)), "EINVAL");
}

TEST_F(MemoryFs, ExchangeSwapsAcrossKindsAndDirectories) {
  MakeDirectory("/a");
  MakeDirectory("/a/b");
  Put("/a/b/x", "x");
  ASSERT_EQ(Say(files.Rename(root, none, "/a/b", none, "/f", kRenameExchange)), "ok");
  EXPECT_EQ(Get("/a/b"), "0123456789");
  EXPECT_EQ(Get("/f/x"), "x");
  EXPECT_EQ(Status("/a").nlink, 2u);
  EXPECT_EQ(*files.PathOf(*Open("/f/x")), "/f/x");
}

TEST_F(MemoryFs, NoReplaceRefusesWhatIsThere) {
  Put("/g", "");
  EXPECT_EQ(Say(files.Rename(root, none, "/f", none, "/g", kRenameNoReplace)), "EEXIST");
  EXPECT_EQ(Say(files.Rename(root, none, "/f", none, "/h", kRenameNoReplace)), "ok");
  EXPECT_EQ(Say(files.Rename(root, none, "/h", none, "/f", kRenameWhiteout)), "EINVAL");
}

// ---- The machine's memory limit.

class FakeLimit final : public SizeLimit {
 public:
  uint64_t bytes = 12;
  int signals = 0;

 private:
  uint64_t Bytes() override { return bytes; }
  void SendSignal() override { ++signals; }
};

TEST_F(MemoryFs, FilesGrowUpToTheLimitOfTheirWriter) {
  const auto limit = std::make_shared<FakeLimit>();
  files.SetSizeLimit(limit);
  const DescriptionRef file = File();
  EXPECT_EQ(WriteAt(*file, "abcd", 10), "2");
  EXPECT_EQ(limit->signals, 0);
  EXPECT_EQ(WriteAt(*file, "abcd", 12), "EFBIG");
  EXPECT_EQ(limit->signals, 1);
  EXPECT_EQ(Say(file->Truncate(12)), "ok");
  EXPECT_EQ(Say(file->Truncate(13)), "EFBIG");
  EXPECT_EQ(Say(files.Truncate(root, "/f", 13)), "EFBIG");
  EXPECT_EQ(Say(FileSystem::Allocate(file, kAllocateKeepSize, 12, 1)), "EFBIG");
  EXPECT_EQ(limit->signals, 4);
  EXPECT_EQ(Say(FileSystem::Allocate(file, kAllocateKeepSize | kAllocatePunchHole, 12, 1)), "ok");
  EXPECT_EQ(Get("/f"), "0123456789ab");
}

TEST_F(MemoryFs, OnlyWritersTakeALargeLimitForANegativeOne) {
  const auto limit = std::make_shared<FakeLimit>();
  files.SetSizeLimit(limit);
  limit->bytes = uint64_t{1} << 63;
  const DescriptionRef file = File();
  EXPECT_EQ(WriteAt(*file, "a", 0), "EFBIG");
  EXPECT_EQ(Say(file->Truncate(100)), "ok");
  limit->bytes = UINT64_MAX;
  EXPECT_EQ(WriteAt(*file, "a", 0), "1");
  EXPECT_EQ(limit->signals, 1);
}

TEST_F(MemoryFs, NoTransferReachesBeyondTheLargestOffset) {
  const DescriptionRef file = File();
  EXPECT_EQ(ReadAt(*file, 2, INT64_MAX - 1), "EINVAL");
  EXPECT_EQ(ReadAt(*file, 2, INT64_MAX - 2), "");
  EXPECT_EQ(WriteAt(*file, "ab", INT64_MAX - 1), "EINVAL");
}

TEST_F(MemoryFs, PagesAreChargedAndGivenBack) {
  const uint64_t before = budget.used_bytes;
  Put("/big", std::string(1 << 20, 'x'));
  EXPECT_GE(budget.used_bytes, before + (1 << 20));
  ASSERT_EQ(Say(files.Truncate(root, "/big", 0)), "ok");
  EXPECT_LT(budget.used_bytes, before + 4096);
  ASSERT_EQ(Say(files.Unlink(root, none, "/big")), "ok");
  EXPECT_EQ(budget.used_bytes, before);
}

// A file whose pages are lent, of two pages and a half.
class LentFile : public MemoryFs {
 protected:
  LentFile() {
    for (size_t i = 0; i < contents_.size(); ++i) contents_[i] = static_cast<char>('a' + i % 23);
    EXPECT_EQ(Say(files.MakeLentFile("/lent", contents_, 0644)), "ok");
  }
  std::string contents_ = std::string(10240, '\0');
  const std::string as_lent_ = [this] {
    std::string text(contents_.size(), '\0');
    for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
    return text;
  }();
};

TEST_F(LentFile, IsReadLikeAnyOther) {
  const DescriptionRef file = *Open("/lent", kORdOnly);
  EXPECT_EQ(ReadAt(*file, 20000, 0), as_lent_);
  EXPECT_EQ(ReadAt(*file, 6000, 4000), as_lent_.substr(4000, 6000));
  EXPECT_EQ(ReadAt(*file, 10, 10235), as_lent_.substr(10235));
  EXPECT_EQ(ReadAt(*file, 10, 10240), "");
  EXPECT_EQ(*file->Seek(0, Whence::kHole), 10240u);
}

TEST_F(LentFile, IsChargedAndGivenBack) {
  const uint64_t with = budget.used_bytes;
  ASSERT_EQ(Say(files.Truncate(root, "/lent", 4096)), "ok");
  EXPECT_EQ(budget.used_bytes, with - 2 * 4096);
  budget.limit_bytes = budget.used_bytes + 10000;
  EXPECT_EQ(Say(files.MakeLentFile("/more", as_lent_, 0644)), "ENOSPC");
}

TEST_F(LentFile, AWriteChangesTheFileAndNotWhatWasLent) {
  const DescriptionRef file = *Open("/lent", kORdWr);
  EXPECT_EQ(WriteAt(*file, "XY", 5000), "2");
  EXPECT_EQ(contents_, as_lent_);
  std::string changed = as_lent_;
  changed.replace(5000, 2, "XY");
  EXPECT_EQ(ReadAt(*file, 20000, 0), changed);
  // Behind its old end there are zeros.
  EXPECT_EQ(WriteAt(*file, "Z", 10250), "1");
  EXPECT_EQ(ReadAt(*file, 100, 10238), as_lent_.substr(10238) + std::string(10, '\0') + "Z");
}

TEST_F(LentFile, CanBeMapped) {
  const DescriptionRef file = *Open("/lent", kORdWr);
  const auto mapped = file->MapPages();
  ASSERT_TRUE(mapped.ok());
  std::string text(3, '\0');
  (*mapped)->Read(4096, {reinterpret_cast<uint8_t*>(text.data()), text.size()});
  EXPECT_EQ(text, as_lent_.substr(4096, 3));
  EXPECT_EQ(ReadAt(*file, 20000, 0), as_lent_);
}

TEST_F(MemoryFs, AFullMemoryIsEnospc) {
  DescriptionRef file = File();
  budget.limit_bytes = budget.used_bytes + 2 * 4096;
  const std::string text(5 * 4096, 'x');
  EXPECT_EQ(WriteAt(*file, text, 4096), "8192");
  EXPECT_EQ(WriteAt(*file, text, 4 * 4096), "ENOSPC");
  EXPECT_EQ(WriteAt(*file, text, 0).substr(0, 5), "12288") << "what is there can still be written";
}

TEST_F(MemoryFs, NamesAndInodesAreChargedToo) {
  budget.limit_bytes = budget.used_bytes + 20'000;
  int made = 0;
  while (made < 1000 && files.MakeDirectory(root, none, "/d" + std::to_string(made), 0755).ok())
    ++made;
  EXPECT_LT(made, 50);
  EXPECT_EQ(Say(files.MakeDirectory(root, none, "/more", 0755)), "ENOSPC");
  EXPECT_EQ(Say(files.MakeSymlink(root, std::string(4000, 't'), none, "/more")), "ENOSPC");
  EXPECT_EQ(Say(Open("/more", kOWrOnly | kOCreat)), "ENOSPC");
  budget.limit_bytes = budget.used_bytes;
  EXPECT_EQ(Say(files.OpenMemoryFile(root, "more")), "ENOSPC");
}

TEST(MemoryFsEnd, EverythingIsGivenBackAtTheEnd) {
  Clock clock;
  memory::MemoryBudget budget;
  {
    FileSystem files(&clock, &budget);
    Caller root;
    const DescriptionRef none;
    for (const char* path : {"/a", "/a/b", "/a/b/c"})
      ASSERT_TRUE(files.MakeDirectory(root, none, path, 0755).ok());
    Result<DescriptionRef> file = files.Open(root, none, "/a/b/f", kORdWr | kOCreat, 0644);
    ASSERT_TRUE(file.ok());
    ASSERT_EQ(WriteText(**file, std::string(10000, 'x')), "10000");
    ASSERT_TRUE(files.MakeSymlink(root, "target", none, "/a/l").ok());
    ASSERT_TRUE(files.Link(root, none, "/a/b/f", none, "/a/g").ok());
    ASSERT_TRUE(files.MountMemory("/a/m").ok());
    ASSERT_TRUE(files.MakeDirectory(root, none, "/a/m/x", 0755).ok());
    EXPECT_GT(budget.used_bytes, 10000u);
  }
  EXPECT_EQ(budget.used_bytes, 0u);
}

}  // namespace
}  // namespace pollux::os_emu
