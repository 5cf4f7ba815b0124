#include "machine/process_image.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "interp/loader/elf_image.h"
#include "interp/loader/load_elf.h"
#include "memory/reservation.h"
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

std::span<const uint8_t> BytesOf(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string TextOf(Errno error) { return std::string(ErrnoText(error)); }

// What /proc/self/maps says of a file.
interp::FileIdentity IdentityOf(Thread& thread, const DescriptionRef& file) {
  interp::FileIdentity identity;
  const Result<std::string> path = thread.process().kernel().files().PathOf(file);
  identity.path = path.ok() ? *path : file->LinkText();
  os_emu::FileStatus status;
  if (file->Stat(&status).ok()) identity.inode = status.ino;
  return identity;
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

// What of a file is in memory while it is loaded: its beginning (BINPRM_BUF_SIZE), or all of it. A
// guest decides how large a file is, with holes that cost it nothing, so the bytes are charged as
// its own are.
class FileBytes {
 public:
  static constexpr size_t kBeginning = 256;

  FileBytes() = default;
  FileBytes(FileBytes&& other) noexcept
      : bytes_(std::move(other.bytes_)),
        known_(other.known_),
        budget_(std::exchange(other.budget_, nullptr)) {}
  FileBytes& operator=(FileBytes&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(known_, other.known_);
    std::swap(budget_, other.budget_);
    return *this;
  }
  ~FileBytes() {
    if (budget_ != nullptr) budget_->used_bytes -= bytes_.size();
  }
  static Result<FileBytes> BeginningOf(os_emu::FileDescription& file,
                                       memory::MemoryBudget& budget) {
    return Read(file, budget, kBeginning);
  }
  static Result<FileBytes> AllOf(os_emu::FileDescription& file, memory::MemoryBudget& budget) {
    os_emu::FileStatus status;
    POLLUX_RETURN_IF_ERROR(file.Stat(&status));
    return Read(file, budget, static_cast<uint64_t>(status.size));
  }
  // Where they are already: not owned.
  static FileBytes Of(std::string_view bytes) {
    FileBytes known;
    known.known_ = bytes;
    return known;
  }
  std::string_view view() const { return known_.empty() ? bytes_ : known_; }

 private:
  // kNoMem: the machine's memory does not suffice.
  static Result<FileBytes> Read(os_emu::FileDescription& file, memory::MemoryBudget& budget,
                                uint64_t most) {
    if (!budget.FitsObject(most)) return Errno::kNoMem;
    FileBytes read;
    read.bytes_.reserve(most);
    memory::Populate(read.bytes_.data(), most);
    read.bytes_.resize(most);
    size_t done = 0;
    while (done < most) {
      memory::UserBuffer to = memory::UserBuffer::Host(
          {reinterpret_cast<uint8_t*>(read.bytes_.data()) + done, most - done});
      POLLUX_ASSIGN_OR_RETURN(const size_t bytes, file.ReadAt(to, done));
      if (bytes == 0) break;
      done += bytes;
    }
    read.bytes_.resize(done);
    budget.used_bytes += done;
    read.budget_ = &budget;
    return read;
  }

  std::string bytes_;
  std::string_view known_;
  memory::MemoryBudget* budget_ = nullptr;
};

constexpr std::string_view kElfMagic = "\177ELF";

// The bytes of an ELF file. Of anything else the beginning is enough to say what it is.
Result<FileBytes> ReadElf(os_emu::FileDescription& file, memory::MemoryBudget& budget) {
  POLLUX_ASSIGN_OR_RETURN(FileBytes beginning, FileBytes::BeginningOf(file, budget));
  if (!beginning.view().starts_with(kElfMagic)) return beginning;
  return FileBytes::AllOf(file, budget);
}

// The first line of a script (fs/binfmt_script.c). kNoExec: it names no interpreter, or the line is
// cut where the name could go on.
struct ScriptLine {
  std::string interpreter;
  std::optional<std::string> argument;
};
Result<ScriptLine> ParseScript(std::string_view beginning) {
  constexpr std::string_view kBlanks = " \t";
  std::string_view line = beginning.substr(2);
  const size_t end = line.find('\n');
  const bool cut = end == std::string_view::npos && beginning.size() == FileBytes::kBeginning;
  line = line.substr(0, std::min(end, line.find('\0')));
  const size_t first = line.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return Errno::kNoExec;
  line.remove_prefix(first);
  const size_t name_end = line.find_first_of(kBlanks);
  if (cut && name_end == std::string_view::npos) return Errno::kNoExec;
  ScriptLine script{.interpreter = std::string(line.substr(0, name_end))};
  if (name_end == std::string_view::npos) return script;
  line.remove_prefix(name_end);
  const size_t argument = line.find_first_not_of(kBlanks);
  if (argument == std::string_view::npos) return script;
  line.remove_prefix(argument);
  // The rest is one argument, blanks within it included.
  script.argument = std::string(line.substr(0, line.find_last_not_of(kBlanks) + 1));
  return script;
}

// What is executed in the end: a program, found through scripts.
struct Executable {
  DescriptionRef file;
  FileBytes bytes;
  std::vector<std::string> arguments;
};

// exec_binprm(): scripts lead to their interpreters.
Result<Executable> FollowScripts(Thread& thread, const shims::ExecRequest& request,
                                 std::string* why) {
  constexpr int kDeepest = 5;
  Executable executable{.file = request.file, .arguments = request.arguments};
  std::string path = request.path;
  for (int depth = 0;; ++depth) {
    if (depth > kDeepest) {
      *why = "its interpreter is a script, whose interpreter is a script, and so on";
      return Errno::kLoop;
    }
    if (depth == 0 && !request.bytes.empty()) {
      executable.bytes = FileBytes::Of(request.bytes.starts_with(kElfMagic)
                                           ? request.bytes
                                           : request.bytes.substr(0, FileBytes::kBeginning));
    } else {
      POLLUX_ASSIGN_OR_RETURN(executable.bytes,
                              ReadElf(*executable.file, thread.process().kernel().budget()));
    }
    if (!executable.bytes.view().starts_with("#!")) return executable;
    POLLUX_ASSIGN_OR_RETURN(const ScriptLine script, ParseScript(executable.bytes.view()));
    std::vector<std::string> arguments = {script.interpreter};
    if (script.argument.has_value()) arguments.push_back(*script.argument);
    arguments.push_back(path);
    // The script's own name gives way to its path.
    if (!executable.arguments.empty()) {
      arguments.insert(arguments.end(), executable.arguments.begin() + 1,
                       executable.arguments.end());
    }
    executable.arguments = std::move(arguments);
    path = script.interpreter;
    Result<DescriptionRef> next = OpenProgram(thread, path);
    if (!next.ok()) {
      *why = absl::StrCat("its interpreter ", path, ": ", TextOf(next.error()));
      return next.error();
    }
    executable.file = *std::move(next);
  }
}

// A machine begins with its first program's pages, which huge ones make quicker; of what a guest
// executes, any number of times, they would take the host's memory.
void PreferHugePages(const interp::ElfImage& image, uint64_t bias, memory::AddressSpace& space) {
  constexpr uint64_t kMost = uint64_t{16} << 20;
  uint64_t file_end = image.low;
  for (const interp::ElfSegment& segment : image.segments) {
    if (segment.file_bytes > 0) file_end = segment.address + segment.file_bytes;
  }
  if (file_end - image.low <= kMost)
    space.PreferHugePages(GuestAddr{image.low + bias}, file_end - image.low);
}

// A part of the image: the program itself, or PT_INTERP's.
Result<interp::LoadedImage> MapElf(const interp::ElfImage& image, std::string_view bytes,
                                   const interp::FileIdentity& identity,
                                   const interp::AddressLayout& layout, bool is_first,
                                   memory::AddressSpace& space, std::string* why) {
  absl::StatusOr<uint64_t> bias = interp::ChooseBias(image, layout, space);
  if (!bias.ok()) {
    *why = std::string(bias.status().message());
    return Errno::kNoMem;
  }
  if (is_first) PreferHugePages(image, *bias, space);
  absl::StatusOr<interp::LoadedImage> loaded =
      interp::LoadElf(image, BytesOf(bytes), *bias, identity, space);
  if (!loaded.ok()) {
    *why = std::string(loaded.status().message());
    return Errno::kNoMem;
  }
  return *std::move(loaded);
}

// The dynamic linker that the program wants.
Result<interp::LoadedImage> MapInterpreter(Thread& thread, const std::string& path,
                                           const interp::AddressLayout& layout,
                                           memory::AddressSpace& space, std::string* why) {
  Result<DescriptionRef> file = OpenProgram(thread, path);
  if (!file.ok()) {
    *why = absl::StrCat("is dynamically linked, and its interpreter ", path, " is not there (",
                        TextOf(file.error()),
                        "): give it a sysroot with --root=DIR, or link it with -static");
    return file.error();
  }
  POLLUX_ASSIGN_OR_RETURN(const FileBytes bytes,
                          ReadElf(**file, thread.process().kernel().budget()));
  absl::StatusOr<interp::ElfImage> image = interp::ParseElf(BytesOf(bytes.view()));
  if (!image.ok()) {
    *why = absl::StrCat("its interpreter ", path, " ", image.status().message());
    return Errno::kNoExec;
  }
  return MapElf(*image, bytes.view(), IdentityOf(thread, *file), layout, /*is_first=*/false, space,
                why);
}

// may_expand_vm() of mm/vma.c, for all that there is when the program begins.
bool FitsLimits(const Process& process, const memory::AddressSpace& space) {
  const auto fits = [](uint64_t bytes, uint64_t limit) {
    return bytes / memory::kPageBytes <= limit / memory::kPageBytes;
  };
  const os_emu::Rlimit& data = process.rlimits[os_emu::kRlimitData];
  return fits(space.mapped_bytes(), process.rlimits[os_emu::kRlimitAddressSpace].soft) &&
         fits(space.data_bytes(), data.soft == 0 ? data.hard : data.soft);
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

Result<DescriptionRef> OpenProgram(Thread& thread, const std::string& path) {
  return thread.process().kernel().files().OpenExecutable(os_emu::CallerOf(thread), {}, path);
}

Result<ProcessImage> BuildImage(Thread& thread, const shims::ExecRequest& request,
                                os_emu::RandomStream& random, std::string* why) {
  Process& process = thread.process();
  POLLUX_ASSIGN_OR_RETURN(const Executable executable, FollowScripts(thread, request, why));
  absl::StatusOr<interp::ElfImage> image = interp::ParseElf(BytesOf(executable.bytes.view()));
  if (!image.ok()) {
    *why = std::string(image.status().message());
    return Errno::kNoExec;
  }
  Result<std::unique_ptr<memory::AddressSpace>> created =
      memory::AddressSpace::Create(&process.kernel().budget());
  if (!created.ok()) {
    *why = absl::StrCat("the host gives no ", memory::kAddressSpaceBytes >> 30,
                        " GiB of address space (ulimit -v)");
    return created.error();
  }
  memory::AddressSpace& space = **created;
  const uint64_t stack_limit = process.rlimits[kRlimitStack].soft;
  const interp::LayoutRandom words{random.Next(), random.Next(), random.Next(), random.Next()};
  const interp::AddressLayout layout = interp::ChooseLayout(words, stack_limit);
  interp::ApplyLayout(layout, stack_limit, space);
  space.SetAddressLimit(process.rlimits[os_emu::kRlimitAddressSpace].soft);
  const interp::FileIdentity identity = IdentityOf(thread, executable.file);
  POLLUX_ASSIGN_OR_RETURN(const interp::LoadedImage program,
                          MapElf(*image, executable.bytes.view(), identity, layout,
                                 /*is_first=*/!request.bytes.empty(), space, why));
  interp::StartHeap(program, layout, space);

  interp::StackContents contents{.arguments = executable.arguments,
                                 .environment = request.environment,
                                 .executable = request.path,
                                 .program = program,
                                 .uid = thread.credentials().uid,
                                 .euid = thread.credentials().euid,
                                 .gid = thread.credentials().gid,
                                 .egid = thread.credentials().egid};
  GuestAddr entry = program.entry;
  if (!program.interpreter.empty()) {
    POLLUX_ASSIGN_OR_RETURN(const interp::LoadedImage interpreter,
                            MapInterpreter(thread, program.interpreter, layout, space, why));
    contents.interpreter_bias = interpreter.bias;
    entry = interpreter.entry;
  }
  Result<GuestAddr> trampoline = MapTrampoline(space);
  if (!trampoline.ok()) {
    *why = "no room for the signal trampoline";
    return trampoline.error();
  }
  random.Fill(contents.random);
  Result<interp::InitialStack> stack =
      interp::BuildInitialStack(contents, layout, stack_limit, space);
  if (!stack.ok()) {
    *why =
        absl::StrCat(stack.error() == Errno::k2Big ? "arguments and environment: " : "the stack: ",
                     TextOf(stack.error()));
    return stack.error();
  }

  ProcessImage result;
  result.exceeds_limits = !FitsLimits(process, space);
  os_emu::NewProgram& made = result.program;
  made.auxiliary_vector = AuxiliaryVectorAt(
      space, stack->stack_pointer, executable.arguments.size() + request.environment.size());
  made.memory = *std::move(created);
  made.executable = identity.path;
  const std::string_view base_name =
      std::string_view(request.path).substr(request.path.rfind('/') + 1);
  made.name = std::string(base_name.substr(0, 15));
  made.command_line = executable.arguments;
  made.environment = request.environment;
  made.signal_trampoline = *trampoline;
  POLLUX_ASSIGN_OR_RETURN(made.executable_use, os_emu::ExecuteFile(executable.file));
  result.cpu.pc = entry.value;
  result.cpu.x[interp::kSp] = stack->stack_pointer.value;
  return result;
}

}  // namespace pollux::machine
