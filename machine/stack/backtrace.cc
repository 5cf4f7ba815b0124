#include "machine/stack/backtrace.h"

#include <algorithm>

#include "machine/stack/cfi.h"
#include "machine/stack/code_walk.h"

namespace pollux::machine {
namespace {

// The registers in the frame that a signal puts on the stack: struct rt_sigframe of
// arch/riscv/kernel/signal.c has pc and x1 to x31 behind 128 bytes of siginfo_t and 176 of struct
// ucontext.
constexpr uint64_t kSignalRegisters = 128 + 176;
// li a7, 139 (rt_sigreturn); ecall: what a handler returns to. Debuggers know it by that, too.
constexpr uint64_t kSignalReturnCode = 0x0000007308b00893;

Registers FromCpu(const interp::Cpu& cpu) {
  Registers registers;
  registers.pc = cpu.pc;
  std::copy_n(cpu.x.begin(), kIntegerRegisters, registers.x.begin());
  registers.known = ~uint32_t{0};
  return registers;
}

}  // namespace

Backtracer::Backtracer(memory::AddressSpace& memory, const ReadFile& read_file) : memory_(memory) {
  for (memory::Mapping& mapping : memory.Mappings()) {
    if ((mapping.prot & memory::kProtExec) == 0) continue;
    if (mapping.inode != 0) {
      const auto [module, is_new] =
          modules_.try_emplace(std::make_pair(mapping.name, mapping.inode));
      if (is_new) module->second.bytes = read_file(mapping);
    }
    code_.push_back(std::move(mapping));
  }
}

bool Backtracer::IsCode(uint64_t address) const {
  return std::any_of(code_.begin(), code_.end(), [address](const memory::Mapping& mapping) {
    return address >= mapping.start && address < mapping.end;
  });
}

Backtracer::Place Backtracer::Find(uint64_t pc) {
  Place place;
  for (const memory::Mapping& mapping : code_) {
    if (pc >= mapping.start && pc < mapping.end) place.mapping = &mapping;
  }
  if (place.mapping == nullptr || place.mapping->inode == 0) return place;
  Module& module = modules_.at({place.mapping->name, place.mapping->inode});
  if (!module.bytes.empty()) {
    module.file = ElfFile::Parse(std::move(module.bytes));
    module.bytes.clear();
  }
  if (module.file == nullptr) return place;
  const std::optional<uint64_t> address =
      module.file->AddressOf(place.mapping->file_offset + (pc - place.mapping->start));
  if (!address.has_value()) return place;
  place.file = module.file.get();
  place.address = *address;
  return place;
}

bool Backtracer::IsSignalReturn(uint64_t pc) {
  return IsCode(pc) && ReadWord(memory_, pc) == kSignalReturnCode;
}

std::optional<Registers> Backtracer::InterruptedBySignal(const Registers& handler) {
  if (!handler.Knows(interp::kSp)) return std::nullopt;
  uint64_t at = handler.x[interp::kSp] + kSignalRegisters;
  Registers interrupted;
  for (int number = 0; number < kIntegerRegisters; ++number, at += sizeof(uint64_t)) {
    const std::optional<uint64_t> word = ReadWord(memory_, at);
    if (!word.has_value()) return std::nullopt;
    if (number == 0) {
      interrupted.pc = *word;
    } else {
      interrupted.Set(number, *word);
    }
  }
  return interrupted;
}

std::optional<Backtracer::Step> Backtracer::Unwind(const Registers& registers, const Place& place,
                                                   uint64_t lookup, bool innermost) {
  if (place.file != nullptr) {
    if (const DwarfFrame frame = place.file->FrameAt(place.address); frame != nullptr) {
      // What the tables say is right, also if it is that there is no caller.
      const std::optional<CallerByCfi> caller =
          UnwindByCfi(frame.get(), registers, innermost, memory_);
      if (!caller.has_value() || !IsCode(caller->registers.pc)) return std::nullopt;
      return Step{caller->registers, caller->exact_pc};
    }
  }
  const auto may_return_to = [this](uint64_t pc) {
    return IsCode(pc) && (FollowsCall(memory_, pc) || IsSignalReturn(pc));
  };
  if (place.mapping != nullptr) {
    std::optional<uint64_t> start;
    const ElfFile::Function* function =
        place.file == nullptr ? nullptr : place.file->FunctionAt(place.address);
    if (function != nullptr) start = lookup - (place.address - function->address);
    const std::optional<Registers> caller =
        UnwindByCode(memory_, start, lookup, registers, innermost, may_return_to);
    if (caller.has_value()) return Step{*caller};
  }
  // A function that calls nothing and needs no stack, or a call of what is no code.
  if (!innermost || !registers.Knows(interp::kRa) || !may_return_to(registers.x[interp::kRa]))
    return std::nullopt;
  Registers caller = registers;
  caller.pc = registers.x[interp::kRa];
  caller.known = registers.known & kCalleeSaved;
  return Step{caller};
}

void Backtracer::AddFrames(uint64_t pc, uint64_t lookup, const Place& place,
                           std::vector<Frame>& frames) {
  std::vector<Frame> added(1);
  if (place.file != nullptr) added = place.file->Describe(place.address);
  for (Frame& frame : added) {
    frame.pc = pc;
    if (place.mapping != nullptr) frame.module = place.mapping->name;
    if (place.file != nullptr) {
      frame.module_offset = place.address + (pc - lookup);
      // Of pc, as it is shown, and not of the byte that was looked up.
      if (frame.function_offset != 0 || (pc != lookup && frame.file.empty()))
        frame.function_offset += pc - lookup;
    } else if (place.mapping != nullptr) {
      frame.module_offset = place.mapping->file_offset + (pc - place.mapping->start);
    }
    if (frames.size() < kMostFrames) frames.push_back(std::move(frame));
  }
}

std::vector<Frame> Backtracer::StackOf(const interp::Cpu& cpu) {
  std::vector<Frame> frames;
  Registers registers = FromCpu(cpu);
  // Stopped at just this instruction: the innermost frame, and what a signal has interrupted. Else
  // pc is behind a call, which may be the last instruction of its function.
  bool exact = true;
  for (size_t count = 0; count < kMostFunctions && frames.size() < kMostFrames; ++count) {
    if (IsSignalReturn(registers.pc)) {
      frames.push_back({.kind = Frame::Kind::kSignalHandler, .pc = registers.pc});
      const std::optional<Registers> interrupted = InterruptedBySignal(registers);
      if (!interrupted.has_value()) break;
      registers = *interrupted;
      exact = true;
      continue;
    }
    const uint64_t lookup = exact ? registers.pc : registers.pc - 1;
    const Place place = Find(lookup);
    AddFrames(registers.pc, lookup, place, frames);
    const std::optional<Step> step = Unwind(registers, place, lookup, exact);
    if (!step.has_value()) break;
    const uint64_t stack_pointer = registers.x[interp::kSp];
    const uint64_t callers = step->caller.x[interp::kSp];
    // A function that calls another one has its return address on the stack. An interrupted one
    // may have had another stack.
    if (!step->exact_pc && (exact ? callers < stack_pointer : callers <= stack_pointer)) break;
    registers = step->caller;
    exact = step->exact_pc;
  }
  return frames;
}

}  // namespace pollux::machine
