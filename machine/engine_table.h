// EngineTable: the engines of a machine, one an address space, each for as long as a hart runs in
// it. How many do is machine state; the engines are in no Arena, because what they have translated
// stays right when the machine is put back: memory tells them of each page that changes on the way.
//
// An engine's room for translated code is megabytes that the host has to clear, which takes longer
// than many a child lives. So a few that nobody uses any more are spare, each for the next address
// space at the same address, which in an arena comes soon. What they have translated they forget.
#ifndef POLLUX_MACHINE_ENGINE_TABLE_H_
#define POLLUX_MACHINE_ENGINE_TABLE_H_

#include <map>
#include <memory>
#include <vector>

#include "interp/engine/engine.h"
#include "memory/address_space.h"

namespace pollux::machine {

class EngineTable {
 public:
  // `counters` must outlive this.
  EngineTable(interp::EngineKind kind, interp::Counters& counters);
  ~EngineTable();
  EngineTable(const EngineTable&) = delete;
  EngineTable& operator=(const EngineTable&) = delete;

  // One more hart runs in `memory`.
  interp::Engine& Use(memory::AddressSpace& memory);
  // One less, before `memory` ends.
  void Release(memory::AddressSpace& memory);

  // ---- Of a machine that is put back.
  // The engines that are in use stay, whoever releases them, until Unkeep().
  void Keep();
  void Unkeep();
  // Before the way back: those that were made since go.
  void DropNewer();
  // After it. `ended`: address spaces that had ended, and so had told no one of changes.
  void AfterArena(const std::vector<memory::AddressSpace*>& ended);

 private:
  struct Entry {
    memory::AddressSpace* memory;
    std::unique_ptr<interp::Engine> engine;
    bool kept = false;
    bool asleep = false;  // Kept, though its memory has ended; another may have taken its address.
  };
  struct Spare {
    memory::AddressSpace* memory;  // That has ended: an address.
    std::unique_ptr<interp::Engine> engine;
  };
  struct Engines {
    std::vector<Entry> entries;
    std::vector<Spare> spares;  // Those that were left last are behind.
  };
  // Before the entry's memory ends. The entry is to be erased.
  void Leave(Entry& entry);
  std::unique_ptr<interp::Engine> TakeSpare(memory::AddressSpace& memory);
  Entry* Find(const memory::AddressSpace& memory);

  interp::EngineKind kind_;
  interp::Counters& counters_;
  std::map<const memory::AddressSpace*, int> uses_;  // Only looked up.
  std::unique_ptr<Engines> engines_;                 // In no arena.
};

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_ENGINE_TABLE_H_
