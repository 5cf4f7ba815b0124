// FilePages: the pages of a file in memory. The rest of the file reads as zeros.
//
// They are plain memory until the file is mapped for the first time. From then on they are those of
// a memory::SharedObject, so that read(2), write(2) and all mappings reach the same bytes. Each
// page is charged to the machine's MemoryBudget.
#ifndef POLLUX_OS_EMU_VFS_FILE_PAGES_H_
#define POLLUX_OS_EMU_VFS_FILE_PAGES_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "abi/result.h"
#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "memory/address_space.h"
#include "memory/shared_object.h"
#include "os_emu/file/file_page.h"

namespace pollux::os_emu {

class FilePages {
 public:
  // `budget` must outlive it.
  explicit FilePages(memory::MemoryBudget* budget) : budget_(budget) {}
  ~FilePages();
  FilePages(const FilePages&) = delete;
  FilePages& operator=(const FilePages&) = delete;

  // The page, for something that refers to it; null: there is none, or nothing was written to it.
  FilePageRef Refer(uint64_t page);
  // Whether something refers to any.
  bool AreReferred() const;

  // The file's pages are those of `contents`, and zeros behind its end: nothing is copied before
  // something but reading is done, so `contents` must not end or change before this does. There are
  // no pages yet. False: no memory is left.
  bool Lend(std::span<const uint8_t> contents);

  // How many pages there are.
  uint64_t count() const {
    return object() != nullptr ? object()->present_pages() : pages_.size() + lent_pages();
  }
  // How many of [first, end).
  uint64_t CountIn(uint64_t first, uint64_t end) const;
  // The first at or above `page`.
  std::optional<uint64_t> Next(uint64_t page) const;
  // Bytes of one page that there is, from offset `within`.
  void Read(uint64_t page, uint64_t within, std::span<uint8_t> to) const;
  // Makes the page if it has to. False: no memory is left.
  bool Write(uint64_t page, uint64_t within, std::span<const uint8_t> from);
  // fallocate(2): the page has its memory, and is no data for lseek(2) until it is written.
  bool Reserve(uint64_t page);
  // As Next(), but not what was only reserved.
  std::optional<uint64_t> NextData(uint64_t page) const;
  // Makes bytes of one page zeros, if there is such a page.
  void Zero(uint64_t page, uint64_t within, uint64_t bytes);
  // Forgets pages [first, end).
  void Drop(uint64_t first, uint64_t end);
  // The file's size has changed: where mappings end.
  void SetSize(uint64_t bytes);

  // Null until the file is mapped.
  const memory::SharedObject* object() const;
  // Whether a shared mapping may store to it.
  bool MayBeStoredTo() const { return object() != nullptr && object()->writable_mappings() > 0; }
  // The object of a file of `size` bytes. kNoMem.
  Result<std::shared_ptr<memory::SharedObject>> Share(uint64_t size);

 private:
  using Bytes = std::array<uint8_t, memory::kPageBytes>;
  struct Page final : FilePage {
    void Read(uint64_t within, std::span<uint8_t> to) const override;
    // The object gets rid of the page.
    void Keep();

    Bytes bytes{};
    // Where the bytes are instead, if it is not null.
    std::shared_ptr<memory::SharedObject> object;
    uint64_t number = 0;  // There.
  };
  // Knows what refers to its pages, as madvise(2) may take them away.
  class Object;
  uint64_t lent_pages() const {
    return (lent_.size() + memory::kPageBytes - 1) / memory::kPageBytes;
  }
  // What is lent becomes pages of its own.
  void Own();

  memory::MemoryBudget* budget_;
  std::span<const uint8_t> lent_;  // Not empty: there are neither pages nor an object.
  absl::btree_map<uint64_t, std::shared_ptr<Page>> pages_;  // Until there is an object.
  std::shared_ptr<Object> object_;
  absl::btree_set<uint64_t> reserved_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_VFS_FILE_PAGES_H_
