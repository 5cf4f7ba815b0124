#include "machine/engine_table.h"

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

interp::Engine& EngineTable::Use(AddressSpace& memory) {
  ++uses_[&memory];
  if (Entry* const known = Find(memory)) return *known->engine;
  const OutsideArena outside;
  engines_->entries.push_back(
      {.memory = &memory, .engine = interp::MakeEngine(kind_, memory, counters_)});
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
