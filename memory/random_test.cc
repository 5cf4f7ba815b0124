// AddressSpace against a model so simple that it is right: an array of pages, each with its
// protection, its origin and one word of contents. Random calls, the whole state compared after
// each. Now and then one forks; parent and child go on side by side.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "memory/address_space.h"
#include "memory/address_space_fixture.h"

namespace pollux::memory {
namespace {

constexpr uint64_t kPlayground =
    uint64_t{0x40000000} - 40 * kPage;  // Crosses a 2 MiB granule's border.
constexpr uint64_t kPlaygroundPages = 96;

struct ModelPage {
  bool mapped = false;
  uint32_t prot = 0;
  int origin = 0;     // 0: anonymous. Otherwise the number of the file or of the shared mapping.
  int64_t index = 0;  // Page within the origin.
  int64_t limit = 0;  // Of a shared origin: its pages.
  bool shared = false;
  bool file = false;
  bool beyond = false;
  bool heap = false;
  bool dont_fork = false;
  bool wipe_on_fork = false;
  bool written = false;
  uint64_t word = 0;  // At offset 0 of the page.

  bool Follows(const ModelPage& low) const {
    return mapped && low.mapped && prot == low.prot && origin == low.origin &&
           shared == low.shared && file == low.file && heap == low.heap &&
           dont_fork == low.dont_fork && wipe_on_fork == low.wipe_on_fork &&
           (origin == 0 || index == low.index + 1);
  }
};

class Model {
 public:
  std::array<ModelPage, kPlaygroundPages> pages;
  // What was stored to shared pages, by origin and index: it outlives their mappings.
  using SharedWords = std::map<std::pair<int, int64_t>, uint64_t>;
  std::shared_ptr<SharedWords> shared_words = std::make_shared<SharedWords>();

  uint64_t Word(const ModelPage& page) const {
    if (!page.shared) return page.word;
    const auto found = shared_words->find({page.origin, page.index});
    return found == shared_words->end() ? 0 : found->second;
  }

  uint64_t RunEnd(uint64_t page) const {
    uint64_t end = page + 1;
    while (end < kPlaygroundPages && pages[end].Follows(pages[end - 1])) ++end;
    return end;
  }
  bool AnyMapped(uint64_t first, uint64_t count) const {
    for (uint64_t i = first; i < first + count; ++i) {
      if (pages[i].mapped) return true;
    }
    return false;
  }
  // Top-down, from the end of the arena; what is around the arena is occupied.
  int64_t Gap(uint64_t count) const {
    for (int64_t first = kPlaygroundPages - count; first >= 0; --first) {
      if (!AnyMapped(first, count)) return first;
    }
    return -1;
  }
  void Clear(uint64_t first, uint64_t count) {
    for (uint64_t i = first; i < first + count; ++i) pages[i] = ModelPage();
  }
  void Move(uint64_t from, uint64_t to, uint64_t count, uint64_t new_count) {
    std::vector<ModelPage> moved(pages.begin() + from, pages.begin() + from + count);
    Clear(from, count);
    for (uint64_t i = 0; i < new_count; ++i) {
      ModelPage page;
      if (i < count) {
        page = moved[i];
      } else {
        page = Grown(moved.back(), i - count + 1);
      }
      pages[to + i] = page;
    }
  }
  static ModelPage Grown(const ModelPage& last, int64_t by) {
    ModelPage page = last;
    page.index += by;
    page.written = false;
    page.word = 0;
    page.beyond = last.file || (last.shared && page.index >= last.limit);
    return page;
  }
};

// A process.
struct OneSpace {
  std::unique_ptr<AddressSpace> space;
  Model model;
  uint64_t heap_first = 0;
  uint64_t heap_end = 0;
  std::set<uint64_t> dirty;
};

class RandomTest : public ::testing::Test {
 protected:
  void SetUp() override {
    seed_ = std::random_device()();
    if (const char* given = std::getenv("POLLUX_TEST_SEED"))
      seed_ = std::strtoull(given, nullptr, 0);
    std::printf("POLLUX_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed_));
    random_.seed(seed_);
    space_ = *AddressSpace::Create(&budget_);
    // Everything but the arena is taken, so that gaps are found inside it only.
    Block(kMinMapAddress, kPlayground);
    Block(kPlayground + kPlaygroundPages * kPage, kAddressSpaceBytes);
    space_->SetMapTop(GuestAddr{kPlayground + kPlaygroundPages * kPage});
  }

  void Block(uint64_t start, uint64_t end) {
    AddressSpace::MapRequest request;
    request.hint = GuestAddr{start};
    request.length = end - start;
    request.fixed = true;
    request.name = "blocked";
    ASSERT_TRUE(space_->Map(request).ok());
  }

  uint64_t Pick(uint64_t below) { return random_() % below; }
  static GuestAddr Addr(uint64_t page) { return GuestAddr{kPlayground + page * kPage}; }

  void Step() {
    const uint64_t first = Pick(kPlaygroundPages);
    const uint64_t count = 1 + Pick(std::min<uint64_t>(12, kPlaygroundPages - first));
    const auto prot = static_cast<uint32_t>(Pick(8));
    switch (Pick(13)) {
      case 0:
      case 1:
        return MapFixed(first, count, prot);
      case 2:
        return MapGap(count, prot);
      case 3:
        return MapFile(first, count, prot);
      case 4:
        ASSERT_TRUE(space_->Unmap(Addr(first), count * kPage).ok());
        return model_.Clear(first, count);
      case 5:
        return Protect(first, count, prot);
      case 6:
        return Remap(first, count);
      case 7:
        return RemapFixed(first, count);
      case 8:
        return Discard(first, count);
      case 9:
        return Heap();
      case 10:
        return Advise(first, count);
      default:
        return Stores();
    }
  }

  void Set(uint64_t first, uint64_t count, uint32_t prot, bool shared) {
    const int origin = shared ? ++last_origin_ : 0;
    for (uint64_t i = 0; i < count; ++i) {
      ModelPage& page = model_.pages[first + i] = ModelPage();
      page.mapped = true;
      page.prot = prot;
      page.shared = shared;
      page.limit = static_cast<int64_t>(count);
      page.origin = origin;
      page.index = static_cast<int64_t>(i);
    }
  }

  void MapFixed(uint64_t first, uint64_t count, uint32_t prot) {
    AddressSpace::MapRequest request;
    request.hint = Addr(first);
    request.length = count * kPage - Pick(kPage);
    request.prot = prot;
    request.shared = Pick(8) == 0;
    request.fixed_noreplace = Pick(3) == 0;
    request.fixed = !request.fixed_noreplace;
    const auto result = space_->Map(request);
    if (request.fixed_noreplace && model_.AnyMapped(first, count)) {
      ASSERT_FALSE(result.ok());
      ASSERT_EQ(result.error(), Errno::kExist);
      return;
    }
    ASSERT_TRUE(result.ok());
    ASSERT_EQ(*result, Addr(first));
    Set(first, count, prot, request.shared);
  }

  void MapGap(uint64_t count, uint32_t prot) {
    AddressSpace::MapRequest request;
    request.length = count * kPage;
    request.prot = prot;
    const auto result = space_->Map(request);
    const int64_t gap = model_.Gap(count);
    ASSERT_EQ(result.ok(), gap >= 0);
    if (gap < 0) return;
    ASSERT_EQ(*result, Addr(gap));
    Set(gap, count, prot, false);
  }

  void MapFile(uint64_t first, uint64_t count, uint32_t prot) {
    const uint64_t file_pages = Pick(count + 2);
    std::vector<uint8_t> contents(file_pages * kPage);
    for (uint64_t i = 0; i < file_pages; ++i) contents[i * kPage] = static_cast<uint8_t>(Pick(4));
    AddressSpace::MapRequest request;
    request.hint = Addr(first);
    request.length = count * kPage;
    request.prot = prot;
    request.fixed = true;
    request.from_file = true;
    request.inode = ++last_origin_;
    request.name = "/file";
    request.contents = contents;
    ASSERT_TRUE(space_->Map(request).ok());
    Set(first, count, prot, false);
    for (uint64_t i = 0; i < count; ++i) {
      ModelPage& page = model_.pages[first + i];
      page.origin = last_origin_;
      page.index = static_cast<int64_t>(i);
      page.file = true;
      page.beyond = i >= file_pages;
      page.word = page.beyond ? 0 : contents[i * kPage];
      page.written = page.word != 0;
    }
  }

  void Protect(uint64_t first, uint64_t count, uint32_t prot) {
    const auto result = space_->Protect(Addr(first), count * kPage, prot);
    for (uint64_t i = 0; i < count; ++i) {
      ModelPage& page = model_.pages[first + i];
      if (!page.mapped) {
        ASSERT_FALSE(result.ok());
        ASSERT_EQ(result.error(), Errno::kNoMem);
        return;
      }
      page.prot = prot;
    }
    ASSERT_TRUE(result.ok());
  }

  void Remap(uint64_t first, uint64_t count) {
    const uint64_t new_count = 1 + Pick(std::min<uint64_t>(16, kPlaygroundPages - first));
    const bool may_move = Pick(2) == 0;
    // Whether a file's mapping may grow depends on what was cut off it; the named tests cover that.
    if (model_.pages[first].file && new_count > count) return;
    const auto result =
        space_->Remap(Addr(first), count * kPage, new_count * kPage, may_move, false, GuestAddr{0});
    Errno expected{};
    uint64_t where = first;
    if (!model_.pages[first].mapped) {
      expected = Errno::kFault;
    } else if (new_count > count) {
      const uint64_t end = model_.RunEnd(first);
      const bool in_place = end == first + count && !model_.AnyMapped(end, new_count - count);
      if (end - first < count) {
        expected = Errno::kFault;
      } else if (in_place) {
        for (uint64_t i = count; i < new_count; ++i) {
          model_.pages[first + i] = Model::Grown(model_.pages[first + count - 1], i - count + 1);
        }
      } else if (!may_move || model_.Gap(new_count) < 0) {
        expected = Errno::kNoMem;
      } else {
        where = model_.Gap(new_count);
        model_.Move(first, where, count, new_count);
      }
    } else if (new_count < count) {
      model_.Clear(first + new_count, count - new_count);
    }
    if (expected != Errno{}) {
      ASSERT_FALSE(result.ok());
      ASSERT_EQ(ErrnoName(result.error()), ErrnoName(expected));
    } else {
      ASSERT_TRUE(result.ok()) << ErrnoName(result.error());
      ASSERT_EQ(*result, Addr(where));
    }
  }

  void RemapFixed(uint64_t first, uint64_t count) {
    const uint64_t target = Pick(kPlaygroundPages);
    const uint64_t new_count = Pick(2) == 0 ? count : 1 + Pick(12);
    if (target + new_count > kPlaygroundPages) return;
    if (model_.pages[first].file && new_count > count) return;
    const auto result =
        space_->Remap(Addr(first), count * kPage, new_count * kPage, true, true, Addr(target));
    const auto expect_error = [&](Errno error) {
      ASSERT_FALSE(result.ok());
      ASSERT_EQ(ErrnoName(result.error()), ErrnoName(error));
    };
    if (first < target + new_count && target < first + count) return expect_error(Errno::kInval);
    if (!model_.pages[first].mapped) return expect_error(Errno::kFault);
    if (new_count == count) {
      for (uint64_t i = 0; i < count; ++i) {
        if (!model_.pages[first + i].mapped) continue;
        model_.pages[target + i] = model_.pages[first + i];
        model_.pages[first + i] = ModelPage();
      }
      ASSERT_TRUE(result.ok());
      return;
    }
    const uint64_t moved = std::min(count, new_count);
    if (model_.RunEnd(first) - first < moved) return expect_error(Errno::kFault);
    model_.Clear(target, new_count);
    if (new_count < count) model_.Clear(first + new_count, count - new_count);
    ASSERT_TRUE(result.ok());
    model_.Move(first, target, moved, new_count);
  }

  void Discard(uint64_t first, uint64_t count) {
    const auto result = space_->Discard(Addr(first), count * kPage);
    bool hole = false;
    for (uint64_t i = first; i < first + count; ++i) {
      ModelPage& page = model_.pages[i];
      if (!page.mapped) {
        hole = true;
      } else if (page.file && (page.prot & kProtWrite)) {
        ASSERT_FALSE(result.ok());
        ASSERT_EQ(result.error(), Errno::kInval);
        return;
      } else if (!page.file && !page.shared) {
        page.word = 0;
        page.written = false;
      }
    }
    ASSERT_EQ(result.ok(), !hole);
    if (hole) {
      ASSERT_EQ(result.error(), Errno::kNoMem);
    }
  }

  void Advise(uint64_t first, uint64_t count) {
    const auto advice = static_cast<MappingAdvice>(Pick(4));
    const auto result = space_->Advise(Addr(first), count * kPage, advice);
    Errno expected{};
    for (uint64_t i = first; i < first + count; ++i) {
      ModelPage& page = model_.pages[i];
      if (!page.mapped) {
        expected = Errno::kNoMem;
        continue;
      }
      if (advice == MappingAdvice::kWipeOnFork && (page.file || page.shared)) {
        expected = Errno::kInval;
        break;
      }
      if (advice == MappingAdvice::kDontFork || advice == MappingAdvice::kDoFork)
        page.dont_fork = advice == MappingAdvice::kDontFork;
      else
        page.wipe_on_fork = advice == MappingAdvice::kWipeOnFork;
    }
    ASSERT_EQ(result.ok(), expected == Errno{});
    if (!result.ok()) {
      ASSERT_EQ(ErrnoName(result.error()), ErrnoName(expected));
    }
  }

  // The child becomes one of the others.
  void Fork() {
    if (others_.size() >= 3) others_.erase(others_.begin() + static_cast<int64_t>(Pick(3)));
    OneSpace child;
    auto forked = space_->Fork();
    ASSERT_TRUE(forked.ok()) << ErrnoName(forked.error());
    child.space = *std::move(forked);
    child.model = model_;
    child.heap_first = heap_first_;
    child.heap_end = heap_end_;
    for (uint64_t i = 0; i < kPlaygroundPages; ++i) {
      ModelPage& page = child.model.pages[i];
      if (page.dont_fork) page = ModelPage();
      if (page.wipe_on_fork) {
        page.written = false;
        page.word = 0;
      }
      if (page.written && !page.shared) child.dirty.insert(Addr(i).value >> kPageShift);
    }
    const std::vector<uint64_t> dirty = child.space->DirtyPages();
    ASSERT_EQ(std::set<uint64_t>(dirty.begin(), dirty.end()), child.dirty);
    others_.push_back(std::move(child));
  }

  void Switch(uint64_t other) {
    OneSpace& world = others_[other];
    std::swap(space_, world.space);
    std::swap(model_, world.model);
    std::swap(heap_first_, world.heap_first);
    std::swap(heap_end_, world.heap_end);
    std::swap(dirty_, world.dirty);
  }

  void Heap() {
    if (heap_first_ == 0) {
      heap_first_ = heap_end_ = 20;
      space_->SetHeapStart(Addr(heap_first_));
    }
    const uint64_t wanted = heap_first_ + Pick(10);
    const uint64_t before = space_->Brk(GuestAddr{0}).value;
    const uint64_t asked = Addr(wanted).value - (wanted > heap_first_ ? Pick(kPage) : 0);
    const GuestAddr now = space_->Brk(GuestAddr{asked});
    bool ok = true;
    if (wanted > heap_end_) {
      ok = !model_.AnyMapped(heap_end_, wanted - heap_end_ + 1);
      if (ok) {
        Set(heap_end_, wanted - heap_end_, kProtRead | kProtWrite, false);
        for (uint64_t i = heap_end_; i < wanted; ++i) model_.pages[i].heap = true;
      }
    } else if (wanted < heap_end_) {
      ok = model_.AnyMapped(wanted, heap_end_ - wanted);
      if (ok) model_.Clear(wanted, heap_end_ - wanted);
    }
    ASSERT_EQ(now.value, ok ? asked : before);
    if (ok) heap_end_ = wanted;
  }

  void Stores() {
    for (int i = 0; i < 8; ++i) {
      const uint64_t page = Pick(kPlaygroundPages);
      const uint64_t word = random_();
      const auto result = space_->WriteObject(Addr(page), word);
      ModelPage& expected = model_.pages[page];
      const bool may = expected.mapped && !expected.beyond && (expected.prot & kProtWrite);
      ASSERT_EQ(result.ok(), may) << "page " << page;
      if (!may) continue;
      if (expected.shared) (*model_.shared_words)[{expected.origin, expected.index}] = word;
      expected.word = word;
      expected.written = true;
      dirty_.insert(Addr(page).value >> kPageShift);
    }
  }

  void Compare() {
    uint64_t mapped = 0;
    uint64_t written = 0;
    for (uint64_t i = 0; i < kPlaygroundPages; ++i) {
      const ModelPage& page = model_.pages[i];
      mapped += page.mapped;
      written += page.written && !page.shared;
      ASSERT_EQ(space_->IsMapped(Addr(i)), page.mapped) << "page " << i;
      const bool readable = page.mapped && !page.beyond && (page.prot & (kProtRead | kProtWrite));
      const auto word = space_->ReadObject<uint64_t>(Addr(i));
      ASSERT_EQ(word.ok(), readable) << "page " << i;
      if (readable) {
        ASSERT_EQ(*word, model_.Word(page)) << "page " << i;
      }
      CompareFlags(i, page);
    }
    ASSERT_EQ(space_->resident_bytes(), written * kPage);
    ASSERT_EQ(space_->mapped_bytes(),
              mapped * kPage + kAddressSpaceBytes - kMinMapAddress - kPlaygroundPages * kPage);
    CompareBorders();
    const std::vector<uint64_t> dirty = space_->DirtyPages();
    const std::set<uint64_t> reported(dirty.begin(), dirty.end());
    for (const uint64_t page : dirty_) ASSERT_TRUE(reported.count(page)) << "page " << page;
  }

  void CompareFlags(uint64_t i, const ModelPage& page) {
    const uint8_t flags = space_->flags()[Addr(i).value >> kPageShift];
    const bool usable = page.mapped && !page.beyond;
    ASSERT_EQ((flags & kExec) != 0, usable && (page.prot & kProtExec)) << "page " << i;
    ASSERT_EQ((flags & kWrite) != 0, usable && (page.prot & kProtWrite)) << "page " << i;
    if (flags & kFastStore) {
      ASSERT_TRUE((flags & kDirty) && (flags & kWrite) && (page.written || page.shared))
          << "page " << i;
    }
    Fault fault;
    const bool fetched = space_->Prepare(Access::kFetch, Addr(i), 2, &fault);
    ASSERT_EQ(fetched, usable && (page.prot & kProtExec));
    if (fetched) return;
    const FaultKind kind = !page.mapped               ? FaultKind::kNotMapped
                           : !(page.prot & kProtExec) ? FaultKind::kProtection
                                                      : FaultKind::kBeyondFile;
    ASSERT_EQ(fault.kind, kind) << "page " << i;
  }

  void CompareBorders() {
    std::vector<uint64_t> expected;
    for (uint64_t i = 0; i < kPlaygroundPages; ++i) {
      if (model_.pages[i].mapped && (i == 0 || !model_.pages[i].Follows(model_.pages[i - 1]))) {
        expected.push_back(Addr(i).value);
      }
    }
    std::vector<uint64_t> starts;
    for (const Mapping& mapping : space_->Mappings()) {
      if (mapping.name != "blocked") starts.push_back(mapping.start);
    }
    ASSERT_EQ(starts, expected);
  }

  uint64_t seed_ = 0;
  std::mt19937_64 random_;
  MemoryBudget budget_;
  std::unique_ptr<AddressSpace> space_;
  Model model_;
  int last_origin_ = 0;
  uint64_t heap_first_ = 0;
  uint64_t heap_end_ = 0;
  std::set<uint64_t> dirty_;
  std::vector<OneSpace> others_;  // Processes that wait for their turn.
};

TEST_F(RandomTest, BehavesAsAnArrayOfPages) {
  for (int step = 0; step < 20000; ++step) {
    Step();
    if (Pick(50) == 0) Fork();
    if (HasFatalFailure()) FAIL() << "step " << step;
    Compare();
    if (HasFatalFailure()) FAIL() << "state after step " << step;
    // Each of the others has nothing of what this one did.
    if (!others_.empty() && Pick(8) == 0) {
      Switch(Pick(others_.size()));
      Compare();
      if (HasFatalFailure()) FAIL() << "state of another process after step " << step;
    }
    if (Pick(500) == 0) {
      space_->ClearDirty();
      dirty_.clear();
    }
  }
  space_.reset();
  others_.clear();
  EXPECT_EQ(budget_.used_bytes, 0u);
  EXPECT_EQ(budget_.object_mappings, 0u);
}

// Addresses and lengths that no honest program uses: nothing may crash, and nothing may be counted
// twice.
TEST_F(RandomTest, HostileNumbersAreHarmless) {
  budget_.limit_bytes = uint64_t{64} << 20;
  const auto number = [&]() -> uint64_t {
    switch (Pick(6)) {
      case 0:
        return random_();
      case 1:
        return ~uint64_t{0} << Pick(64);
      case 2:
        return (uint64_t{1} << Pick(64)) - Pick(3);
      case 3:
        return (kAddressSpaceBytes - kPage * 4) + Pick(8 * kPage);
      default:
        return kPlayground + Pick(kPlaygroundPages * kPage);
    }
  };
  const auto aligned = [&] { return Pick(4) == 0 ? number() : number() & ~(kPage - 1); };
  std::vector<uint8_t> buffer(3 * kPage);
  for (int step = 0; step < 50000; ++step) {
    AddressSpace::MapRequest request;
    request.hint = GuestAddr{aligned()};
    request.length = Pick(2) == 0 ? number() : Pick(64 * kPage);
    request.prot = static_cast<uint32_t>(random_());
    request.fixed = Pick(2) == 0;
    request.fixed_noreplace = Pick(3) == 0;
    request.shared = Pick(4) == 0;
    request.grows_down = Pick(4) == 0;
    request.from_file = Pick(4) == 0;
    if (request.from_file) request.contents = buffer;
    Fault fault;
    uint16_t halfwords[2];
    if (Pick(500) == 0) {
      if (auto child = space_->Fork(); child.ok()) std::swap(space_, *child);
    }
    switch (Pick(11)) {
      case 10:
        (void)space_->Advise(request.hint, request.length, static_cast<MappingAdvice>(Pick(4)));
        break;
      case 0:
        (void)space_->Map(request);
        break;
      case 1:
        (void)space_->Unmap(request.hint, request.length);
        break;
      case 2:
        (void)space_->Protect(request.hint, request.length, request.prot & 7);
        break;
      case 3:
        (void)space_->Discard(request.hint, request.length);
        break;
      case 4:
        (void)space_->Remap(request.hint, request.length,
                            Pick(2) == 0 ? number() : Pick(64 * kPage), Pick(2) == 0, Pick(2) == 0,
                            GuestAddr{aligned()});
        break;
      case 5:
        if (Pick(100) == 0)
          space_->SetHeapStart(GuestAddr{kPlayground + Pick(kPlaygroundPages) * kPage});
        (void)space_->Brk(GuestAddr{number()});
        break;
      case 6:
        (void)space_->Read(GuestAddr{number()}, buffer);
        break;
      case 7:
        (void)space_->Write(GuestAddr{number()}, std::span(buffer).first(Pick(buffer.size())));
        break;
      case 8:
        (void)space_->Fetch(GuestAddr{number()}, halfwords, &fault);
        (void)space_->ReadString(GuestAddr{number()}, 1 + Pick(5000));
        break;
      default:
        (void)space_->Zero(GuestAddr{number()}, Pick(4 * kPage));
        if (space_->Prepare(Access::kStore, GuestAddr{number()}, 1 + Pick(8), &fault)) continue;
        break;
    }
    ASSERT_LE(budget_.used_bytes, budget_.limit_bytes);
  }
  uint64_t mapped = 0;
  uint64_t last_end = 0;
  for (const Mapping& mapping : space_->Mappings()) {
    ASSERT_LE(last_end, mapping.start);
    ASSERT_LT(mapping.start, mapping.end);
    last_end = mapping.end;
    mapped += mapping.end - mapping.start;
  }
  ASSERT_LE(last_end, kAddressSpaceBytes);
  EXPECT_EQ(mapped, space_->mapped_bytes());
  space_.reset();
  EXPECT_EQ(budget_.used_bytes, 0u);
}

}  // namespace
}  // namespace pollux::memory
