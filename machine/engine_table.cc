#include "machine/engine_table.h"

#include <algorithm>
#include <utility>

#include "abi/check.h"
#include "memory/arena.h"

namespace pollux::machine {

using memory::AddressSpace;
using memory::OutsideArena;

EngineTable::EngineTable(interp::EngineKind kind, interp::Counters& counters)
    : kind_(kind), counters_(counters) {
  const OutsideArena outside;
  engines_ = std::make_unique<Engines>();
}

EngineTable::~EngineTable() = default;

EngineTable::Entry* EngineTable::Find(const AddressSpace& memory) {
  for (Entry& entry : engines_->entries) {
    if (entry.memory == &memory && !entry.asleep) return &entry;
  }
  return nullptr;
}

void EngineTable::Leave(Entry& entry) {
  constexpr size_t kMostSpares = 8;
  const OutsideArena outside;
  std::vector<Spare>& spares = engines_->spares;
  entry.engine->Detach();
  if (spares.size() == kMostSpares) spares.erase(spares.begin());
  spares.push_back({.memory = entry.memory, .engine = std::move(entry.engine)});
}

std::unique_ptr<interp::Engine> EngineTable::TakeSpare(AddressSpace& memory) {
  std::vector<Spare>& spares = engines_->spares;
  const auto spare = std::find_if(spares.begin(), spares.end(),
                                  [&](const Spare& spare) { return spare.memory == &memory; });
  if (spare == spares.end()) return nullptr;
  std::unique_ptr<interp::Engine> engine = std::move(spare->engine);
  spares.erase(spare);
  engine->Attach();
  engine->Forget();
  return engine;
}

interp::Engine& EngineTable::Use(AddressSpace& memory) {
  ++uses_[&memory];
  if (Entry* const known = Find(memory)) return *known->engine;
  const OutsideArena outside;
  std::unique_ptr<interp::Engine> engine = TakeSpare(memory);
  if (engine == nullptr) engine = interp::MakeEngine(kind_, memory, counters_);
  engines_->entries.push_back({.memory = &memory, .engine = std::move(engine)});
  return *engines_->entries.back().engine;
}

void EngineTable::Release(AddressSpace& memory) {
  const auto uses = uses_.find(&memory);
  POLLUX_CHECK(uses != uses_.end()) << "an engine was released that nobody uses";
  if (--uses->second > 0) return;
  uses_.erase(uses);
  Entry* const entry = Find(memory);
  if (entry->kept) {
    entry->engine->Detach();
    entry->asleep = true;
    return;
  }
  Leave(*entry);
  std::swap(*entry, engines_->entries.back());
  engines_->entries.pop_back();
}

void EngineTable::Keep() {
  for (Entry& entry : engines_->entries) entry.kept = true;
}

void EngineTable::Unkeep() {
  std::erase_if(engines_->entries, [](const Entry& entry) { return entry.asleep; });
  for (Entry& entry : engines_->entries) entry.kept = false;
}

void EngineTable::DropNewer() {
  for (Entry& entry : engines_->entries) {
    if (!entry.kept) Leave(entry);
  }
  std::erase_if(engines_->entries, [](const Entry& entry) { return !entry.kept; });
}

void EngineTable::AfterArena(const std::vector<AddressSpace*>& ended) {
  for (Entry& entry : engines_->entries) {
    if (entry.asleep) entry.engine->Attach();
    entry.asleep = false;
  }
  for (const AddressSpace* memory : ended) Find(*memory)->engine->Forget();
}

}  // namespace pollux::machine
