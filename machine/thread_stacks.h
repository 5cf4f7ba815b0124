// StacksOf: the symbolised call stacks of a machine's threads.
#ifndef POLLUX_MACHINE_THREAD_STACKS_H_
#define POLLUX_MACHINE_THREAD_STACKS_H_

#include <span>
#include <vector>

#include "interp/engine/cpu.h"
#include "machine/history/history.h"
#include "machine/stack/frame.h"
#include "memory/address_space.h"
#include "os_emu/vfs/file_system.h"

namespace pollux::machine {

// A stopped thread.
struct StackSubject {
  memory::AddressSpace* memory = nullptr;
  const interp::Cpu* cpu = nullptr;
  // The stack as it was then, where that is not now; null: as it is.
  const StackCopy* then = nullptr;
};

// One stack each; an empty one where nothing could be found out, and from the 257th thread on. The
// machine does not change. The guest's files are read from `files`; larger ones than 256 MiB, and
// what is more than 512 MiB in all, count as not there.
std::vector<std::vector<Frame>> StacksOf(os_emu::FileSystem& files,
                                         std::span<const StackSubject> subjects);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_THREAD_STACKS_H_
