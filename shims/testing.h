// A machine without an engine, for tests of system calls: a kernel with the default files, one
// process, one thread, some memory.
#ifndef POLLUX_SHIMS_TESTING_H_
#define POLLUX_SHIMS_TESTING_H_

#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "os_emu/vfs/default_tree.h"
#include "os_emu/vfs/file_system.h"
#include "os_emu/vfs/process_caller.h"
#include "shims/context.h"
#include "shims/pipe_files.h"
#include "shims/shims.h"

namespace pollux::shims {

class RecordingSink final : public Sink {
 public:
  void Report(std::string_view line) override { reports.emplace_back(line); }
  void Trace(os_emu::Thread&, std::string_view line) override { trace.emplace_back(line); }

  std::vector<std::string> reports;
  std::vector<std::string> trace;
};

// A machine in which new tasks end at once, and which can load no program.
class NoTasks final : public TaskHost {
 public:
  void OnClone(os_emu::Thread& parent, os_emu::Thread& child, const interp::Cpu&) override {
    os_emu::Kernel& kernel = parent.process().kernel();
    if (&parent.process() == &child.process()) {
      kernel.EndThread(child, 0);
    } else {
      kernel.EndProcess(child.process(), os_emu::ExitState());
    }
  }
  Result<void> Exec(os_emu::Thread&, ExecRequest) override { return Errno::kNoExec; }
  const interp::Cpu& RegistersOf(const os_emu::Thread&) override { return registers; }
  void OnExploreHint(bool) override {}

  interp::Cpu registers;  // Of all threads but the one that runs.
};

class SyscallTest : public testing::Test {
 protected:
  // Readable and writable memory of kScratchBytes; the page behind it is not mapped, the one before
  // it cannot be written.
  static constexpr uint64_t kScratch = 0x20000, kScratchBytes = 0x10000, kReadOnly = 0x1f000;
  static constexpr uint64_t kUnmapped = kScratch + kScratchBytes;

  SyscallTest() : kernel_(os_emu::Kernel::Options{}), process_(kernel_.CreateProcess()) {
    auto files = std::make_shared<os_emu::FileSystem>(&kernel_.clock(), &kernel_.budget());
    os_emu::TreeOptions options;
    options.random = &kernel_.world_random();
    POLLUX_CHECK(os_emu::BuildDefaultTree(*files, options).ok()) << "no files";
    auto pipes = std::make_shared<PipeFiles>(&kernel_.budget());
    files->Keep(pipes);
    files->SetFifoOpener(pipes.get());
    files->SetSizeLimit(os_emu::SizeLimitOfCaller(kernel_));
    kernel_.SetFiles(std::move(files));
    Map(kReadOnly, 0x1000, memory::kProtRead);
    Map(kScratch, kScratchBytes, memory::kProtRead | memory::kProtWrite);
    thread().fs().cwd = "/tmp";
    cpu_.x[interp::kSp] = kScratch + kScratchBytes;
    Restart({});
  }

  os_emu::Thread& thread() { return *process_.threads.begin()->second; }
  memory::AddressSpace& memory() { return *process_.memory; }

  void Map(uint64_t start, uint64_t bytes, uint32_t prot) {
    memory::AddressSpace::MapRequest request;
    request.hint = GuestAddr{start};
    request.length = bytes;
    request.prot = prot;
    request.fixed = true;
    ASSERT_TRUE(memory().Map(request).ok());
  }

  // A fresh ABI with tracing as said.
  void Restart(SyscallAbi::Options options) {
    options.sink = &sink_;
    options.tasks = &no_tasks_;
    abi_ = std::make_unique<SyscallAbi>(options);
  }
  void TraceAll() {
    SyscallAbi::Options options;
    options.trace = TraceForm::kLines;
    Restart(options);
  }

  // Executes an ecall; what it answered is in a0.
  Next Enter(std::string_view name, std::initializer_list<uint64_t> args) {
    const SyscallRow* row = FindSyscall(name);
    POLLUX_CHECK(row != nullptr) << "no such call: " << std::string(name);
    return Enter(row->number, args);
  }
  Next Enter(uint64_t number, std::initializer_list<uint64_t> args) {
    cpu_.x[interp::kA7] = number;
    int i = 0;
    for (uint64_t arg : args) cpu_.x[interp::kA0 + i++] = arg;
    for (; i < kMaxArgs; ++i) cpu_.x[interp::kA0 + i] = 0;
    cpu_.pc += 4;
    return abi_->Enter(thread(), cpu_, &call_);
  }
  // The same where the call does not block.
  int64_t Do(std::string_view name, std::initializer_list<uint64_t> args) {
    const Next next = Enter(name, args);
    EXPECT_TRUE(next == Next::kContinue || next == Next::kYield) << name;
    return Result();
  }
  int64_t Result() const { return static_cast<int64_t>(cpu_.x[interp::kA0]); }
  std::string Line() const { return sink_.trace.empty() ? "no line" : sink_.trace.back(); }

  // ---- Guest memory.
  uint64_t Put(uint64_t address, const void* bytes, size_t size) {
    EXPECT_EQ(memory().WriteForced(GuestAddr{address}, {static_cast<const uint8_t*>(bytes), size}),
              size);
    return address;
  }
  template <typename T>
  uint64_t Put(uint64_t address, const T& object) {
    return Put(address, &object, sizeof(object));
  }
  uint64_t Text(uint64_t address, const std::string& text) {
    return Put(address, text.c_str(), text.size() + 1);
  }
  template <typename T>
  T Peek(uint64_t address) {
    auto object = memory().ReadObject<T>(GuestAddr{address});
    EXPECT_TRUE(object.ok());
    return object.ok() ? *object : T{};
  }
  std::string PeekText(uint64_t address, size_t bytes) {
    std::string text(bytes, '\0');
    EXPECT_EQ(memory().Read(GuestAddr{address}, {reinterpret_cast<uint8_t*>(text.data()), bytes}),
              bytes);
    return text;
  }

  static int64_t Error(Errno error) { return -static_cast<int64_t>(error); }

  os_emu::Kernel kernel_;
  os_emu::Process& process_;
  RecordingSink sink_;
  NoTasks no_tasks_;
  std::unique_ptr<SyscallAbi> abi_;
  interp::Cpu cpu_;
  Call call_;
};

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_TESTING_H_
