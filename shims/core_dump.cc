#include "shims/core_dump.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "memory/address_space.h"
#include "os_emu/vfs/core_file.h"
#include "shims/linux_abi.h"
#include "shims/signal_frame.h"

namespace pollux::shims {
namespace {

using memory::kPageBytes;
using os_emu::CoreFile;
using os_emu::Process;
using os_emu::Thread;

// ---- Layouts: uapi linux/elfcore.h, asm/elf.h and asm/ptrace.h of riscv.

struct GuestPrstatus {
  int32_t signal, code, error;  // struct elf_siginfo
  int16_t current_signal;
  int16_t pad0;
  uint64_t pending, blocked;
  int32_t pid, parent, group, session;
  GuestTimeval user_time, system_time, children_user_time, children_system_time;
  uint64_t registers[32];  // pc, x1 to x31.
  int32_t has_floating_point;
  int32_t pad1;
};
static_assert(sizeof(GuestPrstatus) == 376 && offsetof(GuestPrstatus, registers) == 112);

struct GuestFpRegisters {  // struct __riscv_d_ext_state
  uint64_t f[32];
  uint32_t fcsr;
  uint32_t pad;
};
static_assert(sizeof(GuestFpRegisters) == 264);

struct GuestPrpsinfo {
  char state, state_name, is_zombie, nice;
  int32_t pad;
  uint64_t flags;
  uint32_t uid, gid;
  int32_t pid, parent, group, session;
  char name[16];
  char arguments[80];  // ELF_PRARGSZ
};
static_assert(sizeof(GuestPrpsinfo) == 136 && offsetof(GuestPrpsinfo, name) == 40);

GuestTimeval TimevalOf(Nanos time) {
  return {time.value / kNanosPerSecond, time.value % kNanosPerSecond / 1000};
}

// ---- Notes

struct Note {
  uint32_t type;
  std::vector<uint8_t> contents;

  uint64_t FileBytes() const {
    return sizeof(Elf64_Nhdr) + kNameBytes + ((contents.size() + 3) & ~uint64_t{3});
  }
  static constexpr char kName[8] = "CORE";  // With its NUL, padded.
  static constexpr uint64_t kNameBytes = sizeof(kName);
};

Note NoteOfBytes(uint32_t type, const void* bytes, size_t size) {
  const auto* start = static_cast<const uint8_t*>(bytes);
  return {type, std::vector<uint8_t>(start, start + size)};
}

template <typename T>
Note NoteOf(uint32_t type, const T& object) {
  static_assert(std::is_trivially_copyable_v<T>);
  return NoteOfBytes(type, &object, sizeof(object));
}

// fill_prstatus()
Note StatusNote(const DumpedThread& dumped, int signal) {
  const Thread& thread = *dumped.thread;
  const Process& process = thread.process();
  GuestPrstatus status;
  std::memset(&status, 0, sizeof(status));
  status.signal = signal;
  status.current_signal = static_cast<int16_t>(signal);
  status.pending = thread.pending.set();
  status.blocked = thread.signal_mask();
  status.pid = static_cast<int32_t>(thread.tid());
  status.parent = static_cast<int32_t>(process.parent_pid());
  status.group = static_cast<int32_t>(process.group);
  status.session = static_cast<int32_t>(process.session);
  // The leader's are those of all.
  status.user_time =
      TimevalOf(thread.IsLeader() ? process.cpu_clock->now() : thread.cpu_clock->now());
  status.children_user_time = TimevalOf(process.children_cpu_time);
  status.registers[0] = dumped.cpu->pc;
  for (int i = 1; i < 32; ++i) status.registers[i] = dumped.cpu->x[i];
  status.has_floating_point = 1;
  return NoteOf(NT_PRSTATUS, status);
}

Note FpRegistersNote(const interp::Cpu& cpu) {
  GuestFpRegisters registers;
  std::memset(&registers, 0, sizeof(registers));
  for (int i = 0; i < 32; ++i) registers.f[i] = cpu.f[i];
  registers.fcsr = uint32_t{cpu.frm} << 5 | cpu.fflags;
  return NoteOf(NT_FPREGSET, registers);
}

// fill_psinfo() of the leader, whoever dies.
Note ProcessNote(const Process& process) {
  const Thread& leader = *process.kernel().FindTask(process.pid());
  const os_emu::Credentials& ids = process.credentials;
  GuestPrpsinfo info;
  std::memset(&info, 0, sizeof(info));
  info.state_name = 'R';
  info.nice = static_cast<char>(leader.scheduling.nice);
  info.uid = ids.uid;
  info.gid = ids.gid;
  info.pid = static_cast<int32_t>(process.pid());
  info.parent = static_cast<int32_t>(process.parent_pid());
  info.group = static_cast<int32_t>(process.group);
  info.session = static_cast<int32_t>(process.session);
  leader.name.copy(info.name, sizeof(info.name) - 1);
  std::string arguments;
  for (const std::string& argument : process.command_line) {
    if (arguments.size() >= sizeof(info.arguments)) break;
    arguments += argument + ' ';
  }
  arguments.copy(info.arguments, sizeof(info.arguments) - 1);
  return NoteOf(NT_PRPSINFO, info);
}

Note AuxiliaryNote(const Process& process) {
  const std::vector<uint64_t>& words = process.auxiliary_vector;
  return NoteOfBytes(NT_AUXV, words.data(), words.size() * sizeof(words[0]));
}

// fill_files_note(): nothing where it would be longer than core_file_note_size_limit.
std::optional<Note> FilesNote(const std::vector<memory::Mapping>& mappings) {
  constexpr size_t kMostBytes = size_t{4} << 20;
  std::vector<uint64_t> words = {0, kPageBytes};
  std::string names;
  for (const memory::Mapping& mapping : mappings) {
    if (!mapping.has_file || mapping.name.empty()) continue;
    words.insert(words.end(), {mapping.start, mapping.end, mapping.file_offset / kPageBytes});
    names += mapping.name;
    names += '\0';
    ++words[0];
    if (words.size() * sizeof(words[0]) + names.size() >= kMostBytes) return std::nullopt;
  }
  Note note = NoteOfBytes(NT_FILE, words.data(), words.size() * sizeof(words[0]));
  note.contents.insert(note.contents.end(), names.begin(), names.end());
  return note;
}

// write_note_info(): those of the process stand behind the status of its first thread.
std::vector<Note> NotesOf(const Thread& dying, const os_emu::SignalInfo& info,
                          const std::vector<DumpedThread>& threads,
                          const std::vector<memory::Mapping>& mappings) {
  std::vector<Note> notes;
  for (const DumpedThread& dumped : threads) {
    notes.push_back(StatusNote(dumped, info.signal));
    if (notes.size() == 1) {
      notes.push_back(ProcessNote(dying.process()));
      notes.push_back(NoteOf(NT_SIGINFO, ToGuestSiginfo(info)));
      notes.push_back(AuxiliaryNote(dying.process()));
      if (std::optional<Note> files = FilesNote(mappings)) notes.push_back(*std::move(files));
    }
    notes.push_back(FpRegistersNote(*dumped.cpu));
  }
  return notes;
}

// ---- Memory

// Bits of /proc/PID/coredump_filter.
enum Filter : uint32_t {
  kAnonymousPrivate = 1 << 0,
  kAnonymousShared = 1 << 1,
  kFilePrivate = 1 << 2,
  kFileShared = 1 << 3,
  kElfHeaders = 1 << 4,
};

// vma_dump_size(): how much of the mapping's beginning goes into the file.
uint64_t DumpedBytes(const memory::AddressSpace& memory, const memory::Mapping& mapping,
                     uint32_t filter) {
  const uint64_t all = mapping.end - mapping.start;
  if (mapping.name == "[vdso]") return all;
  if (mapping.dont_dump) return 0;
  if (mapping.shared) {
    // A file without a name is no file to a debugger.
    constexpr std::string_view kDeleted = " (deleted)";
    const bool anonymous = mapping.inode == 0 || std::string_view(mapping.name).ends_with(kDeleted);
    return (filter & (anonymous ? kAnonymousShared : kFileShared)) != 0 ? all : 0;
  }
  if ((filter & kAnonymousPrivate) != 0 && memory.HasOwnPages(mapping.start, mapping.end))
    return all;
  if (!mapping.has_file) return 0;
  if ((filter & kFilePrivate) != 0) return all;
  // The first page tells which build of a program or library it was.
  if ((filter & kElfHeaders) == 0 || mapping.file_offset != 0 ||
      (mapping.prot & memory::kProtRead) == 0 ||
      memory.NextHeldPage(mapping.start, mapping.start + kPageBytes) != mapping.start) {
    return 0;
  }
  std::array<uint8_t, kPageBytes> page;
  memory.PeekPage(mapping.start, page);
  return std::memcmp(page.data(), ELFMAG, SELFMAG) == 0 ? kPageBytes : 0;
}

// dump_user_range()
bool EmitMemory(const memory::AddressSpace& memory, uint64_t start, uint64_t end, CoreFile& file) {
  std::array<uint8_t, kPageBytes> page;
  for (uint64_t at = start; at < end;) {
    const uint64_t held = memory.NextHeldPage(at, end);
    file.Skip(held - at);
    if (held == end) return true;
    memory.PeekPage(held, page);
    if (!file.Emit(page)) return false;
    at = held + kPageBytes;
  }
  return true;
}

// ---- The file

template <typename T>
bool EmitObject(const T& object, CoreFile& file) {
  return file.Emit({reinterpret_cast<const uint8_t*>(&object), sizeof(object)});
}

bool EmitNote(const Note& note, CoreFile& file) {
  const Elf64_Nhdr header = {.n_namesz = sizeof("CORE"),
                             .n_descsz = static_cast<uint32_t>(note.contents.size()),
                             .n_type = note.type};
  if (!EmitObject(header, file) || !EmitObject(Note::kName, file)) return false;
  if (!file.Emit(note.contents)) return false;
  file.Skip(-note.contents.size() & 3);
  return true;
}

// elf_core_dump(): what it returns false for is a file that ends there.
bool EmitAll(const memory::AddressSpace& memory, const std::vector<memory::Mapping>& mappings,
             const std::vector<Note>& notes, uint32_t filter, CoreFile& file) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_CORE;
  header.e_machine = EM_RISCV;
  header.e_version = EV_CURRENT;
  header.e_phoff = sizeof(Elf64_Ehdr);
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_phentsize = sizeof(Elf64_Phdr);
  // Of kMaxMappings mappings there are not more than fit (PN_XNUM).
  static_assert(memory::kMaxMappings + 1 < PN_XNUM);
  header.e_phnum = static_cast<Elf64_Half>(mappings.size() + 1);
  if (!EmitObject(header, file)) return false;

  uint64_t offset = sizeof(Elf64_Ehdr) + header.e_phnum * sizeof(Elf64_Phdr);
  Elf64_Phdr segment{};
  segment.p_type = PT_NOTE;
  segment.p_offset = offset;
  for (const Note& note : notes) segment.p_filesz += note.FileBytes();
  segment.p_align = 4;
  if (!EmitObject(segment, file)) return false;
  offset += segment.p_filesz;
  const uint64_t padding = -offset % kPageBytes;
  offset += padding;

  std::vector<uint64_t> dumped;
  for (const memory::Mapping& mapping : mappings) {
    dumped.push_back(DumpedBytes(memory, mapping, filter));
    segment = {};
    segment.p_type = PT_LOAD;
    segment.p_flags = ((mapping.prot & memory::kProtRead) != 0 ? PF_R : 0u) |
                      ((mapping.prot & memory::kProtWrite) != 0 ? PF_W : 0u) |
                      ((mapping.prot & memory::kProtExec) != 0 ? PF_X : 0u);
    segment.p_offset = offset;
    segment.p_vaddr = mapping.start;
    segment.p_filesz = dumped.back();
    segment.p_memsz = mapping.end - mapping.start;
    segment.p_align = kPageBytes;
    offset += segment.p_filesz;
    if (!EmitObject(segment, file)) return false;
  }
  for (const Note& note : notes) {
    if (!EmitNote(note, file)) return false;
  }
  file.Skip(padding);
  for (size_t i = 0; i < mappings.size(); ++i) {
    const uint64_t start = mappings[i].start;
    if (!EmitMemory(memory, start, start + dumped[i], file)) return false;
  }
  return true;
}

}  // namespace

bool DumpCore(Thread& dying, const os_emu::SignalInfo& info,
              const std::vector<DumpedThread>& threads) {
  std::optional<CoreFile> file = CoreFile::Create(dying);
  if (!file.has_value()) return false;
  const Process& process = dying.process();
  const std::vector<memory::Mapping> mappings = process.memory->Mappings();
  (void)EmitAll(*process.memory, mappings, NotesOf(dying, info, threads, mappings),
                process.core_dump_filter, *file);
  file->Finish();
  return true;
}

}  // namespace pollux::shims
