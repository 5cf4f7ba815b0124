#include "os_emu/vfs/file_pages.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "abi/check.h"

namespace pollux::os_emu {

using memory::kPageBytes;

class FilePages::Object final : public memory::SharedObject {
 public:
  using SharedObject::SharedObject;

  // Pages [first, end) are about to go: whoever refers to one keeps what it holds.
  void LetGo(uint64_t first, uint64_t end) {
    const auto begin = referred.lower_bound(first), stop = referred.lower_bound(end);
    for (auto known = begin; known != stop; ++known) {
      if (const std::shared_ptr<Page> page = known->second.lock()) page->Keep();
    }
    referred.erase(begin, stop);
  }
  Result<void> PunchHole(uint64_t offset, uint64_t bytes) override {
    LetGo(offset / kPageBytes, (offset + bytes) / kPageBytes);
    return SharedObject::PunchHole(offset, bytes);
  }

  absl::btree_map<uint64_t, std::weak_ptr<Page>> referred;
};

const memory::SharedObject* FilePages::object() const { return object_.get(); }

FilePages::~FilePages() { budget_->used_bytes -= (pages_.size() + lent_pages()) * kPageBytes; }

bool FilePages::Lend(std::span<const uint8_t> contents) {
  POLLUX_CHECK(count() == 0 && object_ == nullptr) << "only an empty file borrows";
  const uint64_t pages = (contents.size() + kPageBytes - 1) / kPageBytes;
  if (!budget_->Fits(pages * kPageBytes)) return false;
  budget_->used_bytes += pages * kPageBytes;
  lent_ = contents;
  return true;
}

void FilePages::Own() {
  for (uint64_t page = 0; page < lent_pages(); ++page) {
    const auto made = std::make_shared<Page>();
    Read(page, 0, made->bytes);
    pages_.emplace_hint(pages_.end(), page, made);
  }
  lent_ = {};
}

void FilePages::Page::Read(uint64_t within, std::span<uint8_t> to) const {
  if (object != nullptr) return object->Read(number * kPageBytes + within, to);
  std::memcpy(to.data(), bytes.data() + within, to.size());
}

void FilePages::Page::Keep() {
  object->Read(number * kPageBytes, bytes);
  object = nullptr;
}

FilePageRef FilePages::Refer(uint64_t page) {
  Own();
  if (reserved_.contains(page)) return nullptr;
  if (object_ == nullptr) {
    const auto found = pages_.find(page);
    return found == pages_.end() ? nullptr : found->second;
  }
  if (!object_->Has(page)) return nullptr;
  std::weak_ptr<Page>& known = object_->referred[page];
  std::shared_ptr<Page> made = known.lock();
  if (made == nullptr) {
    made = std::make_shared<Page>();
    made->object = object_;
    made->number = page;
    known = made;
  }
  return made;
}

bool FilePages::AreReferred() const {
  for (const auto& [number, page] : pages_) {
    if (page.use_count() > 1) return true;
  }
  if (object_ == nullptr) return false;
  for (const auto& [number, page] : object_->referred) {
    if (!page.expired()) return true;
  }
  return false;
}

uint64_t FilePages::CountIn(uint64_t first, uint64_t end) const {
  if (!lent_.empty()) return std::min(end, lent_pages()) - std::min({first, end, lent_pages()});
  if (object_ == nullptr) {
    return static_cast<uint64_t>(std::distance(pages_.lower_bound(first), pages_.lower_bound(end)));
  }
  uint64_t count = 0;
  for (auto page = object_->NextPresent(first); page.has_value() && *page < end;
       page = object_->NextPresent(*page + 1)) {
    ++count;
  }
  return count;
}

std::optional<uint64_t> FilePages::Next(uint64_t page) const {
  if (object_ != nullptr) return object_->NextPresent(page);
  if (page < lent_pages()) return page;
  const auto next = pages_.lower_bound(page);
  if (next == pages_.end()) return std::nullopt;
  return next->first;
}

void FilePages::Read(uint64_t page, uint64_t within, std::span<uint8_t> to) const {
  if (object_ != nullptr) return object_->Read(page * kPageBytes + within, to);
  if (!lent_.empty()) {
    const std::span<const uint8_t> from =
        lent_.subspan(std::min<uint64_t>(page * kPageBytes + within, lent_.size()));
    const size_t copied = std::min(from.size(), to.size());
    std::copy_n(from.begin(), copied, to.begin());
    return std::fill(to.begin() + static_cast<ptrdiff_t>(copied), to.end(), 0);
  }
  pages_.at(page)->Read(within, to);
}

std::optional<uint64_t> FilePages::NextData(uint64_t page) const {
  std::optional<uint64_t> next = Next(page);
  while (next.has_value() && reserved_.contains(*next)) next = Next(*next + 1);
  return next;
}

bool FilePages::Reserve(uint64_t page) {
  if (Next(page) == page) {
    // The second time clears it at once, "lest undo on failure cancel our earlier guarantee"
    // (mm/shmem.c): data then.
    reserved_.erase(page);
    return true;
  }
  if (!Write(page, 0, {})) return false;
  reserved_.insert(page);
  return true;
}

bool FilePages::Write(uint64_t page, uint64_t within, std::span<const uint8_t> from) {
  Own();
  reserved_.erase(page);
  if (object_ != nullptr) {
    return object_->MakePresent(page) &&
           object_->Write(page * kPageBytes + within, from) == from.size();
  }
  auto found = pages_.find(page);
  if (found == pages_.end()) {
    if (!budget_->Fits(kPageBytes)) {
      return false;
    }
    budget_->used_bytes += kPageBytes;
    found = pages_.emplace(page, std::make_shared<Page>()).first;
  }
  if (!from.empty()) std::memcpy(found->second->bytes.data() + within, from.data(), from.size());
  return true;
}

void FilePages::Zero(uint64_t page, uint64_t within, uint64_t bytes) {
  if (bytes == 0) return;
  Own();
  if (object_ != nullptr) {
    const Bytes zeros{};
    object_->WritePresent(page * kPageBytes + within, {zeros.data(), bytes});
    return;
  }
  const auto found = pages_.find(page);
  if (found != pages_.end()) std::memset(found->second->bytes.data() + within, 0, bytes);
}

void FilePages::Drop(uint64_t first, uint64_t end) {
  Own();
  reserved_.erase(reserved_.lower_bound(first), reserved_.lower_bound(end));
  if (object_ != nullptr) {
    object_->LetGo(first, end);
    return object_->DropPages(first, end);
  }
  const auto begin = pages_.lower_bound(first), stop = pages_.lower_bound(end);
  budget_->used_bytes -= static_cast<uint64_t>(std::distance(begin, stop)) * kPageBytes;
  pages_.erase(begin, stop);
}

void FilePages::SetSize(uint64_t bytes) {
  if (object_ != nullptr) object_->SetSize(bytes);
}

Result<std::shared_ptr<memory::SharedObject>> FilePages::Share(uint64_t size) {
  Own();
  if (object_ != nullptr) return std::shared_ptr<memory::SharedObject>(object_);
  if (budget_->used_bytes > budget_->limit_bytes ||
      budget_->limit_bytes - budget_->used_bytes < kPageBytes) {
    return Errno::kNoMem;
  }
  std::shared_ptr<memory::SharedStore> store = memory::SharedStore::Of(budget_);
  if (store == nullptr) return Errno::kNoMem;
  const auto object = std::make_shared<Object>(budget_, std::move(store), size);
  // Page by page, so that memory is hardly ever needed twice.
  for (auto page = pages_.begin(); page != pages_.end();) {
    budget_->used_bytes -= kPageBytes;
    if (object->Write(page->first * kPageBytes, page->second->bytes) != kPageBytes) {
      budget_->used_bytes += kPageBytes;
      // Back again: what was moved is in the object.
      for (auto moved = object->NextPresent(0); moved && *moved < page->first;
           moved = object->NextPresent(*moved + 1)) {
        const auto known = object->referred.find(*moved);
        std::shared_ptr<Page> copy =
            known != object->referred.end() ? known->second.lock() : nullptr;
        if (copy == nullptr) copy = std::make_shared<Page>();
        copy->object = object;
        copy->number = *moved;
        copy->Keep();
        pages_.emplace(*moved, std::move(copy));
        budget_->used_bytes += kPageBytes;
      }
      return Errno::kNoMem;
    }
    if (page->second.use_count() > 1) {
      page->second->object = object;
      page->second->number = page->first;
      object->referred[page->first] = page->second;
    }
    page = pages_.erase(page);
  }
  object_ = object;
  return std::shared_ptr<memory::SharedObject>(object);
}

}  // namespace pollux::os_emu
