// DumpCore: the core file of a process that a signal kills: ELF for riscv64, as fs/binfmt_elf.c
// writes it (core(5)): what the threads were doing in notes, and the memory that
// /proc/PID/coredump_filter chooses. Who may have one, and where it goes, is
// os_emu/vfs/core_file.h's.
#ifndef POLLUX_SHIMS_CORE_DUMP_H_
#define POLLUX_SHIMS_CORE_DUMP_H_

#include <cstdint>
#include <vector>

#include "interp/engine/cpu.h"
#include "os_emu/task/kernel.h"

namespace pollux::shims {

// A thread and its registers.
struct DumpedThread {
  const os_emu::Thread* thread = nullptr;
  const interp::Cpu* cpu = nullptr;
};

// Writes it for `info`, before the process ends; `threads`: all that it has, the one that takes the
// signal first. Memory that was never touched is a hole in the file, so that it costs no more than
// what the process used. Whether there is one now, if only in part: the core bit of wait(2).
bool DumpCore(os_emu::Thread& dying, const os_emu::SignalInfo& info,
              const std::vector<DumpedThread>& threads);

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_CORE_DUMP_H_
