#include "machine/process_image.h"

#include <algorithm>
#include <span>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "interp/loader/elf_image.h"
#include "interp/loader/load_elf.h"
#include "memory/user_buffer.h"
#include "os_emu/file/file_status.h"
#include "os_emu/vfs/file_system.h"
#include "os_emu/vfs/process_caller.h"

namespace pollux::machine {
namespace {

using os_emu::DescriptionRef;
using os_emu::Process;
using os_emu::Thread;

constexpr int kRlimitStack = 3, kRlimitCore = 4, kRlimitNproc = 6, kRlimitNofile = 7,
              kRlimitMemlock = 8, kRlimitSigpending = 11, kRlimitMsgqueue = 12, kRlimitNice = 13,
              kRlimitRtprio = 14;
constexpr uint64_t kNameMax = 255;

std::span<const uint8_t> BytesOf(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

absl::Status CannotLoad(Errno error, absl::string_view what) {
  const std::string_view why = ErrnoText(error);
  return absl::FailedPreconditionError(
      absl::StrCat(what, ": ", absl::string_view(why.data(), why.size())));
}

// The program's file in the guest: what /proc/self/exe leads to.
absl::StatusOr<uint64_t> InstallProgram(Thread& thread, std::string_view file,
                                        const std::string& path) {
  os_emu::FileSystem& files = thread.process().kernel().files();
  os_emu::Caller root = os_emu::CallerOf(thread);
  root.uid = root.gid = 0;
  root.umask = 0;
  Result<DescriptionRef> opened =
      files.Open(root, {}, path, os_emu::kOCreat | os_emu::kOWrOnly | os_emu::kOTrunc, 0755);
  if (!opened.ok()) return CannotLoad(opened.error(), path);
  memory::UserBuffer from = memory::UserBuffer::HostConst(BytesOf(file));
  while (from.remaining() > 0) {
    if (Result<size_t> wrote = (*opened)->Write(from); !wrote.ok()) {
      return CannotLoad(wrote.error(), "the file is too large for --max_memory");
    }
  }
  os_emu::FileStatus status;
  if (Result<void> told = (*opened)->Stat(&status); !told.ok())
    return CannotLoad(told.error(), path);
  return status.ino;
}

// rt_sigreturn for handlers to return to, as Linux's vDSO has it.
Result<GuestAddr> MapTrampoline(memory::AddressSpace& space) {
  static constexpr uint32_t kCode[] = {0x08b00893,   // li a7, 139 (rt_sigreturn)
                                       0x00000073};  // ecall
  memory::AddressSpace::MapRequest request;
  request.length = memory::kPageBytes;
  request.prot = memory::kProtRead | memory::kProtExec;
  request.name = "[vdso]";
  request.contents = {reinterpret_cast<const uint8_t*>(kCode), sizeof(kCode)};
  return space.Map(request);
}

// The words above argc, `strings` pointers and two null pointers on the initial stack.
std::vector<uint64_t> AuxiliaryVectorAt(memory::AddressSpace& space, GuestAddr stack_pointer,
                                        size_t strings) {
  constexpr size_t kMostWords = 128;
  std::vector<uint64_t> words;
  GuestAddr at = stack_pointer + (strings + 3) * sizeof(uint64_t);
  while (words.size() < kMostWords) {
    const Result<uint64_t> type = space.ReadObject<uint64_t>(at);
    const Result<uint64_t> value = space.ReadObject<uint64_t>(at + sizeof(uint64_t));
    if (!type.ok() || !value.ok()) break;
    words.push_back(*type);
    words.push_back(*value);
    if (*type == 0) break;  // AT_NULL
    at = at + 2 * sizeof(uint64_t);
  }
  return words;
}

}  // namespace

void SetDefaultLimits(Process& process) {
  auto& limits = process.rlimits;
  limits[kRlimitStack].soft = uint64_t{8} << 20;
  limits[kRlimitCore].soft = 0;
  limits[kRlimitNproc] = {4096, 4096};
  limits[kRlimitNofile] = {1024, 1048576};
  limits[kRlimitMemlock] = {uint64_t{8} << 20, uint64_t{8} << 20};
  limits[kRlimitSigpending] = {os_emu::PendingSignals::kMaxQueued,
                               os_emu::PendingSignals::kMaxQueued};
  limits[kRlimitMsgqueue] = {819200, 819200};
  limits[kRlimitNice] = {0, 0};
  limits[kRlimitRtprio] = {0, 0};
  process.fds().set_limit(1024);
}

absl::Status LoadProgram(Thread& thread, std::string_view file, std::string_view name,
                         const std::vector<std::string>& arguments, os_emu::RandomStream& random,
                         interp::Cpu* cpu) {
  absl::StatusOr<interp::ElfImage> image = interp::ParseElf(BytesOf(file));
  if (!image.ok()) return absl::FailedPreconditionError(image.status().message());
  if (!image->interpreter.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "is dynamically linked (interpreter ", image->interpreter, "); link it with -static"));
  }

  Process& process = thread.process();
  const std::string_view base_name = name.substr(name.rfind('/') + 1);
  process.executable = "/bin/" + std::string(base_name.substr(0, kNameMax));
  thread.name = std::string(base_name.substr(0, 15));
  absl::StatusOr<uint64_t> inode = InstallProgram(thread, file, process.executable);
  if (!inode.ok()) return inode.status();

  memory::AddressSpace& space = *process.memory;
  const uint64_t stack_limit = process.rlimits[kRlimitStack].soft;
  const interp::LayoutRandom words{random.Next(), random.Next(), random.Next(), random.Next()};
  const interp::AddressLayout layout = interp::ChooseLayout(words, stack_limit);
  interp::ApplyLayout(layout, stack_limit, space);
  absl::StatusOr<uint64_t> bias = interp::ChooseBias(*image, layout, space);
  if (!bias.ok()) return absl::FailedPreconditionError(bias.status().message());
  absl::StatusOr<interp::LoadedImage> loaded = interp::LoadElf(
      *image, BytesOf(file), *bias, {.path = process.executable, .inode = *inode}, space);
  if (!loaded.ok()) return absl::FailedPreconditionError(loaded.status().message());
  interp::StartHeap(*loaded, layout, space);
  Result<GuestAddr> trampoline = MapTrampoline(space);
  if (!trampoline.ok()) return CannotLoad(trampoline.error(), "no room for the signal trampoline");
  process.signal_trampoline = *trampoline;

  interp::StackContents contents{.arguments = arguments,
                                 .environment = process.environment,
                                 .executable = process.executable,
                                 .program = *loaded,
                                 .uid = process.credentials.uid,
                                 .euid = process.credentials.euid,
                                 .gid = process.credentials.gid,
                                 .egid = process.credentials.egid};
  random.Fill(contents.random);
  Result<interp::InitialStack> stack =
      interp::BuildInitialStack(contents, layout, stack_limit, space);
  if (!stack.ok()) {
    return CannotLoad(stack.error(),
                      stack.error() == Errno::k2Big ? "arguments and environment" : "the stack");
  }
  process.auxiliary_vector =
      AuxiliaryVectorAt(space, stack->stack_pointer, arguments.size() + process.environment.size());
  *cpu = interp::Cpu{};
  cpu->pc = loaded->entry.value;
  cpu->x[interp::kSp] = stack->stack_pointer.value;
  return absl::OkStatus();
}

}  // namespace pollux::machine
