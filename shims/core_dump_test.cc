// Core files: who gets one, what is in it, and what it may cost.
#include <elf.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "shims/signal_frame.h"
#include "shims/testing.h"

namespace pollux::shims {
namespace {

using os_emu::kRlimitCore;
using os_emu::kRlimitFileSize;

template <typename T>
T At(const std::string& bytes, size_t offset) {
  T object{};
  EXPECT_LE(offset + sizeof(T), bytes.size());
  if (offset + sizeof(T) <= bytes.size())
    std::memcpy(&object, bytes.data() + offset, sizeof(object));
  return object;
}

// A core file taken apart.
struct Core {
  Elf64_Ehdr header{};
  std::vector<Elf64_Phdr> segments;
  std::vector<std::pair<uint32_t, std::string>> notes;
  std::string bytes;

  std::string Note(uint32_t type, int number = 0) const {
    for (const auto& [its_type, contents] : notes) {
      if (its_type == type && number-- == 0) return contents;
    }
    return "";
  }
  const Elf64_Phdr* SegmentAt(uint64_t address) const {
    for (const Elf64_Phdr& segment : segments) {
      if (segment.p_type == PT_LOAD && segment.p_vaddr == address) return &segment;
    }
    return nullptr;
  }
  uint64_t WordAt(uint64_t address) const {
    for (const Elf64_Phdr& segment : segments) {
      if (segment.p_type != PT_LOAD || address < segment.p_vaddr ||
          address - segment.p_vaddr >= segment.p_filesz) {
        continue;
      }
      return At<uint64_t>(bytes, segment.p_offset + (address - segment.p_vaddr));
    }
    ADD_FAILURE() << "not in the file";
    return 0;
  }
};

Core TakeApart(std::string bytes) {
  Core core;
  core.header = At<Elf64_Ehdr>(bytes, 0);
  for (int i = 0; i < core.header.e_phnum; ++i)
    core.segments.push_back(
        At<Elf64_Phdr>(bytes, core.header.e_phoff + static_cast<size_t>(i) * sizeof(Elf64_Phdr)));
  const Elf64_Phdr& notes = core.segments.at(0);
  EXPECT_EQ(notes.p_type, static_cast<uint32_t>(PT_NOTE));
  for (uint64_t at = notes.p_offset; at < notes.p_offset + notes.p_filesz;) {
    const auto header = At<Elf64_Nhdr>(bytes, at);
    EXPECT_EQ(bytes.substr(at + sizeof(header), header.n_namesz), std::string("CORE\0", 5));
    at += sizeof(header) + ((header.n_namesz + 3) & ~3u);
    core.notes.emplace_back(header.n_type, bytes.substr(at, header.n_descsz));
    at += (header.n_descsz + 3) & ~3u;
  }
  core.bytes = std::move(bytes);
  return core;
}

class CoreDumpTest : public SyscallTest {
 protected:
  CoreDumpTest() {
    process_.rlimits[kRlimitCore].soft = UINT64_MAX;
    for (int i = 1; i < 32; ++i) {
      if (i != interp::kSp) cpu_.x[i] = 0x100 + static_cast<uint64_t>(i);
    }
    cpu_.pc = 0x4000;
  }

  // Whether there is a core.
  bool DieOf(int signal) {
    os_emu::SignalInfo info;
    info.signal = signal;
    info.code = os_emu::kSegvMapErr;
    info.fault_address = GuestAddr{0x1234};
    kernel_.ForceSignal(thread(), info);
    os_emu::Thread& dying = thread();
    EXPECT_EQ(abi_->DeliverSignals(dying, cpu_, &call_), SyscallAbi::Signals::kProcessExited);
    EXPECT_EQ(process_.exit->signal, signal);
    return process_.exit->core_dumped;
  }
  DescriptionRef OpenCore() {
    auto file = kernel_.files().Open(os_emu::RootCaller(), {}, "/tmp/core", 0);
    return file.ok() ? *file : DescriptionRef();
  }
  uint64_t Size() {
    const DescriptionRef file = OpenCore();
    os_emu::FileStatus status;
    if (!file || !file->Stat(&status).ok()) return UINT64_MAX;
    EXPECT_EQ(status.mode, 0100600u);
    return status.size;
  }
  Core ReadCore() {
    std::string bytes(Size(), '\0');
    memory::UserBuffer to =
        memory::UserBuffer::Host({reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
    const DescriptionRef file = OpenCore();
    while (to.remaining() > 0) {
      const auto read = file->Read(to);
      if (!read.ok() || *read == 0) break;
    }
    EXPECT_EQ(to.remaining(), 0u);
    return TakeApart(std::move(bytes));
  }
  void Reserve(uint64_t start, uint64_t bytes) {
    Map(start, bytes, memory::kProtRead | memory::kProtWrite);
  }

  static constexpr uint64_t kHuge = uint64_t{1} << 36, kHugeBytes = uint64_t{1} << 35;
};

TEST_F(CoreDumpTest, SaysHowItDiedAndWhatEveryThreadDid) {
  process_.command_line = {"program", "its argument"};
  process_.auxiliary_vector = {6, 4096, 0, 0};
  thread().name = "main";
  os_emu::Thread& other = kernel_.CreateThread(process_);
  no_tasks_.registers.pc = 0x5000;
  no_tasks_.registers.x[10] = 77;
  no_tasks_.registers.f[1] = 88;
  const auto tid = static_cast<int32_t>(thread().tid()), its = static_cast<int32_t>(other.tid());
  ASSERT_TRUE(DieOf(os_emu::kSigSegv));
  const Core core = ReadCore();
  EXPECT_EQ(core.header.e_type, ET_CORE);
  EXPECT_EQ(core.header.e_machine, EM_RISCV);
  EXPECT_EQ(core.header.e_ident[EI_CLASS], ELFCLASS64);
  // The one that died comes first.
  const std::string first = core.Note(NT_PRSTATUS), second = core.Note(NT_PRSTATUS, 1);
  ASSERT_EQ(first.size(), 376u);
  EXPECT_EQ(At<int16_t>(first, 12), os_emu::kSigSegv);
  EXPECT_EQ(At<int32_t>(first, 32), tid);
  EXPECT_EQ(At<uint64_t>(first, 112), 0x4000u);
  EXPECT_EQ(At<uint64_t>(first, 112 + 8 * 31), 0x11fu);
  EXPECT_EQ(At<int32_t>(second, 32), its);
  EXPECT_EQ(At<uint64_t>(second, 112), 0x5000u);
  EXPECT_EQ(At<uint64_t>(second, 112 + 8 * 10), 77u);
  EXPECT_EQ(At<uint64_t>(core.Note(NT_FPREGSET, 1), 8), 88u);
  EXPECT_EQ(core.Note(NT_PRSTATUS, 2), "");
  const std::string process = core.Note(NT_PRPSINFO);
  ASSERT_EQ(process.size(), 136u);
  EXPECT_EQ(std::string(process.c_str() + 40), "main");
  EXPECT_EQ(std::string(process.c_str() + 56), "program its argument ");
  EXPECT_EQ(At<uint64_t>(core.Note(NT_AUXV), 8), 4096u);
  const auto info = At<GuestSiginfo>(core.Note(NT_SIGINFO), 0);
  EXPECT_EQ(info.signal, os_emu::kSigSegv);
  EXPECT_EQ(info.fault.address, 0x1234u);
}

TEST_F(CoreDumpTest, HasTheMemoryThatWasWritten) {
  Put(kScratch + 0x3008, uint64_t{0xabcdef});
  Put(kReadOnly, uint64_t{17});
  ASSERT_TRUE(DieOf(os_emu::kSigAbrt));
  const Core core = ReadCore();
  EXPECT_EQ(core.WordAt(kScratch + 0x3008), 0xabcdefu);
  EXPECT_EQ(core.WordAt(kScratch), 0u);
  EXPECT_EQ(core.WordAt(kReadOnly), 17u);
  EXPECT_EQ(core.SegmentAt(kReadOnly)->p_flags, static_cast<uint32_t>(PF_R));
  EXPECT_EQ(core.SegmentAt(kScratch)->p_memsz, kScratchBytes);
  EXPECT_EQ(core.SegmentAt(kScratch)->p_offset % 4096, 0u);
}

TEST_F(CoreDumpTest, WhatWasNeverTouchedCostsNothing) {
  Reserve(kHuge, kHugeBytes);
  Put(kHuge + kHugeBytes / 2, uint64_t{5});
  const uint64_t before = kernel_.budget().used_bytes;
  ASSERT_TRUE(DieOf(os_emu::kSigAbrt));
  EXPECT_GT(Size(), kHugeBytes);
  EXPECT_LT(kernel_.budget().used_bytes - before, 64u * 4096);
}

TEST_F(CoreDumpTest, AFilterChooses) {
  Reserve(kHuge, 4 * 4096);
  Put(kHuge + 4096, uint64_t{5});
  ASSERT_TRUE(
      memory().Advise(GuestAddr{kHuge + 4096}, 4096, memory::MappingAdvice::kDontDump).ok());
  Put(kHuge, uint64_t{6});
  ASSERT_TRUE(DieOf(os_emu::kSigAbrt));
  const Core core = ReadCore();
  EXPECT_EQ(core.WordAt(kHuge), 6u);
  EXPECT_EQ(core.SegmentAt(kHuge + 4096)->p_filesz, 0u);
  EXPECT_EQ(core.SegmentAt(kHuge + 4096)->p_memsz, 4096u);
  EXPECT_EQ(core.SegmentAt(kHuge + 2 * 4096)->p_filesz, 0u);
}

TEST_F(CoreDumpTest, WithoutMemoryOfItsOwnWhereTheFilterSaysSo) {
  process_.core_dump_filter = 0;
  Put(kScratch, uint64_t{1});
  ASSERT_TRUE(DieOf(os_emu::kSigAbrt));
  EXPECT_EQ(ReadCore().SegmentAt(kScratch)->p_filesz, 0u);
}

TEST_F(CoreDumpTest, NoneWhereTheLimitIsBelowAPage) {
  process_.rlimits[kRlimitCore].soft = 4095;
  EXPECT_FALSE(DieOf(os_emu::kSigAbrt));
  EXPECT_EQ(Size(), UINT64_MAX);
}

TEST_F(CoreDumpTest, TheLimitCutsAndHolesAreFree) {
  Reserve(kHuge, kHugeBytes);
  for (uint64_t i = 0; i < 64; ++i) Put(kHuge + 4096 * i, i + 1);
  process_.rlimits[kRlimitCore].soft = 16 * 4096;
  ASSERT_TRUE(DieOf(os_emu::kSigAbrt));
  // The scratch memory comes first in the file and is one hole.
  EXPECT_LE(Size(), (16 * 4096) + kScratchBytes + 2 * 4096);
  EXPECT_GT(Size(), 15 * 4096u);
}

TEST_F(CoreDumpTest, AFileMayNotBeLongerThanFilesMay) {
  for (uint64_t i = 0; i < 16; ++i) Put(kScratch + 4096 * i, i + 1);
  process_.rlimits[kRlimitFileSize].soft = 10000;
  ASSERT_TRUE(DieOf(os_emu::kSigAbrt));
  EXPECT_LE(Size(), 10000u);
}

TEST_F(CoreDumpTest, TheMachinesMemoryIsNotExceeded) {
  Reserve(kHuge, kHugeBytes);
  for (uint64_t i = 0; i < 512; ++i) Put(kHuge + 4096 * i, i + 1);
  memory::MemoryBudget& budget = kernel_.budget();
  budget.limit_bytes = budget.used_bytes + 100 * 4096;
  ASSERT_TRUE(DieOf(os_emu::kSigAbrt));
  EXPECT_LE(budget.used_bytes, budget.limit_bytes);
  EXPECT_LT(Size(), 512u * 4096);
}

TEST_F(CoreDumpTest, NoneOfWhoMayNotBeDumped) {
  process_.dumpable = 0;
  EXPECT_FALSE(DieOf(os_emu::kSigAbrt));
  EXPECT_EQ(Size(), UINT64_MAX);
}

TEST_F(CoreDumpTest, OtherSignalsLeaveNone) {
  EXPECT_FALSE(DieOf(os_emu::kSigTerm));
  EXPECT_EQ(Size(), UINT64_MAX);
}

TEST_F(CoreDumpTest, ALinkIsReplacedAndNotFollowed) {
  ASSERT_EQ(Do("symlinkat", {Text(kScratch, "elsewhere"), static_cast<uint64_t>(-100),
                             Text(kScratch + 64, "core")}),
            0);
  ASSERT_TRUE(DieOf(os_emu::kSigAbrt));
  EXPECT_FALSE(kernel_.files().Open(os_emu::RootCaller(), {}, "/tmp/elsewhere", 0).ok());
  EXPECT_NE(Size(), UINT64_MAX);
}

TEST_F(CoreDumpTest, ADirectoryOfThatNameIsInTheWay) {
  ASSERT_EQ(Do("mkdirat", {static_cast<uint64_t>(-100), Text(kScratch, "core"), 0700}), 0);
  EXPECT_FALSE(DieOf(os_emu::kSigAbrt));
}

TEST_F(CoreDumpTest, TheTraceSaysSo) {
  TraceAll();
  ASSERT_TRUE(DieOf(os_emu::kSigAbrt));
  EXPECT_EQ(sink_.trace.back(), "+++ killed by SIGABRT (core dumped) +++");
}

}  // namespace
}  // namespace pollux::shims
