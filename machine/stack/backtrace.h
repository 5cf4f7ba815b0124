// Backtracer: the call stacks of stopped threads of one process, with names, files and lines.
//
// A frame is unwound by the tables of the file that its code is from (.eh_frame, .debug_frame),
// else by reading the code; a signal's handler by the frame that the kernel made. Where neither
// leads on the stack ends, and so it does after kMostFunctions, inlined ones not counted, or
// kMostFrames, and where the stack pointer does not move up.
//
// Memory and files may hold anything: nothing of it can make this crash or go on forever, but for
// what elfutils does with it (elf_file.h). Reading counts as the process's own reading, which may
// charge the machine: use it on a copy, or when the run is over.
#ifndef POLLUX_MACHINE_STACK_BACKTRACE_H_
#define POLLUX_MACHINE_STACK_BACKTRACE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "interp/engine/cpu.h"
#include "machine/stack/elf_file.h"
#include "machine/stack/frame.h"
#include "machine/stack/registers.h"
#include "memory/address_space.h"

namespace pollux::machine {

inline constexpr size_t kMostFunctions = 64, kMostFrames = 256;

class Backtracer {
 public:
  // The bytes of the file that is mapped there, or nothing.
  using ReadFile = std::function<std::string(const memory::Mapping&)>;

  // `memory` must outlive it. Reads the files that have executable mappings, at once.
  Backtracer(memory::AddressSpace& memory, const ReadFile& read_file);

  // The innermost frame first; at least that one.
  std::vector<Frame> StackOf(const interp::Cpu& cpu);

 private:
  // A file, parsed when it is first needed.
  struct Module {
    std::string bytes;
    std::unique_ptr<ElfFile> file;
  };
  // Where an address of the guest is.
  struct Place {
    const memory::Mapping* mapping = nullptr;  // Executable; null: it is in none.
    ElfFile* file = nullptr;                   // Null: it has none.
    uint64_t address = 0;                      // In the file. With `file` only.
  };
  struct Step {
    Registers caller;
    bool exact_pc = false;
  };

  Place Find(uint64_t pc);
  bool IsCode(uint64_t address) const;
  bool IsSignalReturn(uint64_t pc);
  std::optional<Registers> InterruptedBySignal(const Registers& handler);
  std::optional<Step> Unwind(const Registers& registers, const Place& place, uint64_t lookup,
                             bool innermost);
  void AddFrames(uint64_t pc, uint64_t lookup, const Place& place, std::vector<Frame>& frames);

  memory::AddressSpace& memory_;
  std::vector<memory::Mapping> code_;                           // Executable, by address.
  std::map<std::pair<std::string, uint64_t>, Module> modules_;  // By path and inode.
};

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_STACK_BACKTRACE_H_
