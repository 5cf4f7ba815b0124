// What the random tests of snapshots run on: several processes that map, store, fork and end, the
// objects that they share, and a look at all that can be seen of them.
#ifndef POLLUX_MEMORY_SNAPSHOT_WORLD_H_
#define POLLUX_MEMORY_SNAPSHOT_WORLD_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "memory/address_space.h"
#include "memory/address_space_fixture.h"
#include "memory/arena.h"

namespace pollux::memory {

inline constexpr uint64_t kArena =
    uint64_t{0x40000000} - 40 * kPage;  // Crosses a 2 MiB granule's border.
inline constexpr uint64_t kArenaPages = 96;
inline constexpr size_t kSpaces = 4;
inline constexpr size_t kObjects = 3;
inline constexpr uint64_t kObjectPages = 80;  // More than a group.

inline uint64_t Hash(const uint8_t* bytes, size_t count) {
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < count; ++i) hash = (hash ^ bytes[i]) * 1099511628211u;
  return hash;
}

// What an engine has translated of one address space. Like an engine it is in no arena, and lives
// longer than the address space.
class Code final : public CodeListener {
 public:
  void OnCodeChanged(uint64_t first_page, uint64_t pages) override {
    for (uint64_t page = first_page; page < first_page + pages; ++page) translated.erase(page);
  }
  std::map<uint64_t, uint64_t> translated;  // Page -> hash of its bytes.
};

struct Process {
  Code* code = nullptr;
  std::unique_ptr<AddressSpace> space;
  uint64_t id = 0;
};

// Several processes and the objects that they share.
class World {
 public:
  using Codes = std::vector<std::unique_ptr<Code>>;

  explicit World(Codes* codes) : codes(codes) {}
  ~World() {
    for (Process& process : processes) process = {};
    for (auto& object : objects) object.reset();
    EXPECT_EQ(budget.used_bytes, 0u);
    EXPECT_EQ(budget.object_mappings, 0u);
  }

  void Start(size_t at, std::unique_ptr<AddressSpace> space) {
    processes[at].space = std::move(space);
    processes[at].id = ++last_id;
    const OutsideArena outside;
    processes[at].code = codes->emplace_back(std::make_unique<Code>()).get();
    processes[at].space->SetCodeListener(processes[at].code);
  }

  // One call, and what it answered.
  void Step(std::mt19937_64& random, std::string* answers) {
    const auto pick = [&](uint64_t below) { return random() % below; };
    const auto address = [](uint64_t page) { return GuestAddr{kArena + page * kPage}; };
    const auto say = [&](const auto& result) {
      *answers += result.ok() ? "ok " : std::string(ErrnoName(result.error())) + " ";
    };
    const size_t at = pick(kSpaces);
    const uint64_t first = pick(kArenaPages);
    const uint64_t count = 1 + pick(std::min<uint64_t>(12, kArenaPages - first));
    const uint64_t kind = pick(24);
    const auto prot = static_cast<uint32_t>(pick(8));
    const size_t which = pick(kObjects);
    const uint64_t object_page = pick(kObjectPages - 16);
    const uint64_t value = random();
    Process& process = processes[at];
    if (process.space == nullptr) {
      Process& parent = processes[value % kSpaces];
      if (parent.space == nullptr || value % 7 == 0) {
        Start(at, *AddressSpace::Create(&budget));
        processes[at].space->SetHeapStart(address(60));
      } else if (auto child = parent.space->Fork(); child.ok()) {
        Start(at, *std::move(child));
      } else {
        say(child);
      }
      return;
    }
    AddressSpace& space = *process.space;
    std::shared_ptr<SharedObject>& object = objects[which];
    AddressSpace::MapRequest request;
    request.hint = address(first);
    request.length = count * kPage;
    request.prot = prot;
    request.fixed = true;
    switch (kind) {
      case 0:
      case 1:
        request.shared = value % 5 == 0;
        if (value % 3 == 0) request.name = "name" + std::to_string(value % 4);
        return say(space.Map(request));
      case 2:
      case 3:
      case 4:
        if (object == nullptr) return;
        request.object = object;
        request.inode = which + 1;
        request.shared = value % 2 == 0;
        request.file_offset = object_page * kPage;
        return say(space.Map(request));
      case 5: {
        const std::vector<uint8_t> contents(pick(count + 1) * kPage, static_cast<uint8_t>(value));
        request.from_file = true;
        request.inode = 99;
        request.contents = contents;
        return say(space.Map(request));
      }
      case 6:
        return say(space.Unmap(address(first), count * kPage));
      case 7:
        return say(space.Protect(address(first), count * kPage, prot));
      case 8:
        return say(space.Discard(address(first), count * kPage));
      case 9:
        return say(space.Remove(address(first), count * kPage));
      case 10: {
        const uint64_t to = value % (kArenaPages - 12);
        return say(space.Remap(address(first), count * kPage, (1 + value % 12) * kPage, true, true,
                               address(to), value % 5 == 0));
      }
      case 11:
        *answers += std::to_string(space.Brk(address(58 + value % 12)).value) + " ";
        return;
      case 12:
        return say(
            space.Advise(address(first), count * kPage, static_cast<MappingAdvice>(value % 4)));
      case 13:
        if (object == nullptr) {
          auto made = SharedObject::Create(&budget, value % kObjectPages * kPage);
          if (made.ok()) object = *made;
          return say(made);
        }
        if (value % 4 == 0) object.reset();
        return;
      case 14:
        if (object != nullptr) object->SetSize(value % (kObjectPages * kPage));
        return;
      case 15: {
        if (object == nullptr) return;
        if (value % 3 == 0) return object->DropPages(object_page, object_page + 3);
        std::vector<uint8_t> bytes(value % 9000, static_cast<uint8_t>(value >> 20));
        *answers += std::to_string(object->Write(object_page * kPage + value % 64, bytes)) + " ";
        return;
      }
      case 16:
        if (value % 3 == 0) process = {};
        return;
      case 17:
        space.SetMapTop(address(value % kArenaPages));
        space.SetStackLimit(value % 32 * kPage);
        return;
      case 18:
      case 19:
        return Translate(process, kArena / kPage + first, count);
      default:
        for (int i = 0; i < 6; ++i) {
          const GuestAddr to = address(pick(kArenaPages)) + 8 * pick(500);
          const uint64_t word = random();
          if (i % 3 == 2) {
            const auto got = space.ReadObject<uint64_t>(to);
            *answers += got.ok() ? std::to_string(*got) : "fault";
          } else {
            say(space.WriteObject(to, word));
          }
        }
    }
  }

  void Translate(Process& process, uint64_t first, uint64_t count) {
    for (uint64_t page = first; page < first + count; ++page) {
      Fault fault;
      uint16_t halfwords[2];
      if (process.space->Fetch(GuestAddr{page * kPage}, halfwords, &fault) == 0) continue;
      process.space->MarkHoldsCode(page);
      const OutsideArena outside;
      process.code->translated[page] = Hash(process.space->base() + page * kPage, kPage);
    }
  }

  void CheckCode() {
    for (const Process& process : processes) {
      if (process.space == nullptr) continue;
      for (uint64_t page = kArena / kPage; page < kArena / kPage + kArenaPages; ++page) {
        const auto known = process.code->translated.find(page);
        const uint8_t flags = process.space->flags()[page];
        ASSERT_EQ((flags & kHoldsCode) != 0, known != process.code->translated.end()) << page;
        if (!(flags & kHoldsCode)) continue;
        ASSERT_TRUE(flags & kExec);
        ASSERT_FALSE(flags & kFastStore);
        ASSERT_EQ(known->second, Hash(process.space->base() + page * kPage, kPage))
            << "stale code in page " << page;
      }
    }
  }

  // All that can be seen, without changing it.
  std::vector<std::string> Look(bool with_budget) const {
    std::vector<std::string> lines;
    const auto add = [&](auto... numbers) {
      std::string line;
      ((line += std::to_string(numbers) + " "), ...);
      lines.push_back(line);
    };
    for (const Process& process : processes) {
      if (process.space == nullptr) {
        lines.push_back("none");
        continue;
      }
      AddressSpace& space = *process.space;
      add(space.mapped_bytes(), space.resident_bytes(), space.Brk(GuestAddr{0}).value);
      for (const Mapping& mapping : space.Mappings()) {
        add(mapping.start, mapping.end, mapping.prot, mapping.shared, mapping.file_offset,
            mapping.inode);
        lines.back() += mapping.name;
        for (uint64_t page = mapping.start / kPage; page < mapping.end / kPage; ++page) {
          add(page, space.flags()[page] & (kRead | kWrite | kExec),
              Hash(space.base() + page * kPage, kPage));
        }
      }
      for (uint64_t page = kArena / kPage; page < kArena / kPage + kArenaPages; ++page) {
        const uint8_t flags = space.flags()[page];
        if (!space.IsMapped(GuestAddr{page * kPage}) && (flags & ~kDirty) != 0)
          add(page, flags, 77777);
      }
    }
    for (const auto& object : objects) {
      if (object == nullptr) {
        lines.push_back("no object");
        continue;
      }
      add(object->size_bytes(), object->present_pages(), object->writable_mappings());
      std::vector<uint8_t> bytes(kPage);
      for (uint64_t page = 0; page < kObjectPages + 8; ++page) {
        object->Read(page * kPage, bytes);
        add(page, object->Has(page), Hash(bytes.data(), kPage));
      }
    }
    if (with_budget) add(budget.used_bytes, budget.object_mappings);
    return lines;
  }

  Codes* const codes;
  MemoryBudget budget;
  std::array<std::shared_ptr<SharedObject>, kObjects> objects;
  std::array<Process, kSpaces> processes;
  uint64_t last_id = 0;
};

// The first difference, or nothing.
inline std::string Difference(const std::vector<std::string>& expected,
                              const std::vector<std::string>& got) {
  for (size_t i = 0; i < std::max(expected.size(), got.size()); ++i) {
    const std::string a = i < expected.size() ? expected[i] : "the end";
    const std::string b = i < got.size() ? got[i] : "the end";
    if (a != b) return "line " + std::to_string(i) + ": " + b + "instead of " + a;
  }
  return "";
}

struct Outcome {
  std::string answers;
  std::vector<std::string> end;
};

inline Outcome RunOn(World& world, uint64_t seed, bool with_budget) {
  std::mt19937_64 random(seed);
  Outcome outcome;
  const uint64_t steps = random() % 60;
  for (uint64_t step = 0; step < steps; ++step) world.Step(random, &outcome.answers);
  world.CheckCode();
  outcome.end = world.Look(with_budget);
  return outcome;
}

// Calls before the snapshot.
inline void Prepare(World& world, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string answers;
  const uint64_t steps = random() % 200;
  for (uint64_t step = 0; step < steps; ++step) world.Step(random, &answers);
}

}  // namespace pollux::memory

#endif  // POLLUX_MEMORY_SNAPSHOT_WORLD_H_
