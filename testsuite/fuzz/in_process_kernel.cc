#include "testsuite/fuzz/in_process_kernel.h"

#include <cstring>
#include <string>
#include <vector>

#include "abi/check.h"
#include "interp/engine/cpu.h"
#include "memory/address_space.h"
#include "os_emu/task/kernel.h"
#include "os_emu/tty/pty.h"
#include "os_emu/vfs/default_tree.h"
#include "os_emu/vfs/file_system.h"
#include "os_emu/vfs/proc_fs.h"
#include "shims/pipe_files.h"
#include "shims/shims.h"
#include "shims/syscall_table.h"
#include "testsuite/fuzz/walk.h"

namespace fuzz {
namespace {

using namespace pollux;  // NOLINT: this file is where the two meet.

constexpr uint64_t kMemoryStart = 0x100000;

class QuietSink final : public shims::Sink {
 public:
  void Report(std::string_view) override {}
  void Trace(os_emu::Thread&, std::string_view) override {}
};

// By Sys.
std::array<uint16_t, kSysCount> FindNumbers() {
  std::array<uint16_t, kSysCount> numbers{};
  for (size_t i = 0; i < kSysCount; ++i) {
    const shims::SyscallRow* row = shims::FindSyscall(NameOf(static_cast<Sys>(i)));
    POLLUX_CHECK(row != nullptr) << NameOf(static_cast<Sys>(i));
    numbers[i] = row->number;
  }
  return numbers;
}

}  // namespace

struct InProcessKernel::World {
  World() : kernel(os_emu::Kernel::Options{}), process(kernel.CreateProcess()) {}

  os_emu::Kernel kernel;
  os_emu::Process& process;
  QuietSink sink;
  std::unique_ptr<shims::SyscallAbi> abi;
  interp::Cpu cpu;
  shims::Call call;
};

InProcessKernel::InProcessKernel() : world_(std::make_unique<World>()) {
  World& world = *world_;
  auto files = std::make_shared<os_emu::FileSystem>(&world.kernel.clock(), &world.kernel.budget());
  os_emu::TreeOptions tree;
  tree.random = &world.kernel.world_random();
  POLLUX_CHECK(os_emu::BuildDefaultTree(*files, tree).ok()) << "no files";
  world.kernel.SetFiles(files);
  auto pipes = std::make_shared<shims::PipeFiles>(&world.kernel.budget());
  files->Keep(pipes);
  files->SetFifoOpener(pipes.get());
  POLLUX_CHECK(world.kernel.Part<os_emu::PtyTable>().Install().ok()) << "no terminals";
  POLLUX_CHECK(os_emu::MountProc(world.kernel, pipes.get()).ok()) << "no /proc";
  memory::AddressSpace::MapRequest request;
  request.hint = GuestAddr{kMemoryStart};
  request.length = kMemoryBytes;
  request.prot = memory::kProtRead | memory::kProtWrite;
  request.fixed = true;
  POLLUX_CHECK(world.process.memory->Map(request).ok()) << "no memory";
  // The walk writes there behind the kernel's back: all pages must be in use.
  const std::vector<uint8_t> used(kMemoryBytes, 1);
  POLLUX_CHECK(world.process.memory->Write(GuestAddr{kMemoryStart}, used) == kMemoryBytes)
      << "no memory";
  std::memset(memory(), 0, kMemoryBytes);
  world.process.first_thread()->fs().cwd = "/tmp";
  world.process.actions[os_emu::kSigPipe].handler = os_emu::kSigIgn;
  world.process.fds().set_limit(Walk::kNumbers);
  world.abi = std::make_unique<shims::SyscallAbi>(shims::SyscallAbi::Options{.sink = &world.sink});
  // Numbers 0, 1 and 2 are in use, as they are in a program.
  memory()[0] = '.';
  memory()[1] = '\0';
  for (int i = 0; i < 3; ++i) {
    const int64_t fd = Call(Sys::k_openat, {static_cast<uint64_t>(-100), Address(memory()), 0, 0});
    POLLUX_CHECK(fd == i) << fd;
  }
}

InProcessKernel::~InProcessKernel() = default;

uint8_t* InProcessKernel::memory() { return world_->process.memory->base() + kMemoryStart; }

uint64_t InProcessKernel::Address(const void* place) {
  return kMemoryStart + static_cast<uint64_t>(static_cast<const uint8_t*>(place) - memory());
}

int64_t InProcessKernel::Call(Sys call, std::initializer_list<uint64_t> args) {
  static const std::array<uint16_t, kSysCount> numbers = FindNumbers();
  World& world = *world_;
  os_emu::Thread& thread = *world.process.threads.begin()->second;
  world.cpu.x[interp::kA7] = numbers[static_cast<size_t>(call)];
  for (int i = 0; i < 6; ++i) world.cpu.x[interp::kA0 + i] = 0;
  int i = 0;
  for (uint64_t arg : args) world.cpu.x[interp::kA0 + i++] = arg;
  world.cpu.pc += 4;
  shims::Next next = world.abi->Enter(thread, world.cpu, &world.call);
  while (next == shims::Next::kBlocked) {
    const Nanos deadline = world.kernel.NextDeadline();
    POLLUX_CHECK(thread.woken() || deadline != kNanosMax) << NameOf(call) << " waits for ever";
    if (!thread.woken()) {
      world.kernel.clock().AdvanceTo(deadline);
      world.kernel.ExpireTimers();
    }
    if (world.abi->Resume(thread, world.cpu, &world.call)) break;
  }
  return static_cast<int64_t>(world.cpu.x[interp::kA0]);
}

}  // namespace fuzz
