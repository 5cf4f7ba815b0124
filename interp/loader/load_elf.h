// LoadElf: puts a program into an address space where Linux would; BuildInitialStack: what it finds
// on its stack.
//
// The order of calls for a new process: ParseElf, ChooseLayout, ApplyLayout, ChooseBias, LoadElf
// (and again for the interpreter that the image names, whose bias comes from ChooseBias too),
// StartHeap, BuildInitialStack. The first instruction is at the entry of the interpreter if there
// is one, else of the program.
//
// Nothing here draws random numbers: they come in as LayoutRandom. All zeros gives the layout of
// `setarch -R`.
#ifndef POLLUX_INTERP_LOADER_LOAD_ELF_H_
#define POLLUX_INTERP_LOADER_LOAD_ELF_H_

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "abi/result.h"
#include "abi/types.h"
#include "absl/status/statusor.h"
#include "interp/loader/elf_image.h"
#include "memory/address_space.h"

namespace pollux::interp {

// Uniform random words, of which Linux's number of bits is used: 18 bits of pages for all but the
// heap's start.
struct LayoutRandom {
  uint64_t stack = 0;
  uint64_t map = 0;
  uint64_t program = 0;
  uint64_t heap = 0;
};

struct AddressLayout {
  uint64_t stack_top = 0;     // End of the stack's mapping (randomize_stack_top).
  uint64_t map_top = 0;       // mmap_base: below the stack's limit and a gap.
  uint64_t program_base = 0;  // ELF_ET_DYN_BASE + arch_mmap_rnd: a dynamic PIE.
  uint64_t heap_base = 0;     // ELF_ET_DYN_BASE: the heap of a static PIE, before heap_random.
  uint64_t heap_random = 0;   // Bytes, whole pages: arch_randomize_brk.
  bool randomized = false;
};

// `stack_limit_bytes`: RLIMIT_STACK.
AddressLayout ChooseLayout(const LayoutRandom& random, uint64_t stack_limit_bytes);
// Tells `space` where to map and how far the stack may grow.
void ApplyLayout(const AddressLayout& layout, uint64_t stack_limit_bytes,
                 memory::AddressSpace& space);

// What to add to the addresses in `image`. 0 for ET_EXEC; a program with an interpreter goes to
// program_base; a static PIE, and an interpreter, to the highest gap, as mmap would put it.
// kResourceExhausted: no room.
absl::StatusOr<uint64_t> ChooseBias(const ElfImage& image, const AddressLayout& layout,
                                    memory::AddressSpace& space);

struct LoadedImage {
  GuestAddr entry;
  uint64_t bias = 0;          // AT_BASE, if this is the interpreter.
  GuestAddr headers;          // AT_PHDR; 0 if the program headers are not in memory.
  uint64_t header_count = 0;  // AT_PHNUM
  uint64_t end = 0;           // Page aligned: behind the last segment.
  uint64_t data_bytes = 0;    // Of the program's own data: mm_struct's end_data - start_data.
  std::string interpreter;    // Path of the interpreter to load too; empty: static.
  bool position_independent = false;
  bool executable_stack = false;
};

// What /proc/self/maps says of the segments.
struct FileIdentity {
  std::string path;
  uint64_t inode = 0;
};

// Maps the segments of `image`, parsed from `file`, and copies their bytes. Pages that hold a
// segment's end carry the file's next bytes, as mmap leaves them, or zeros where bss follows.
// kResourceExhausted: the place is taken or memory is short; the address space is then half filled
// and good for nothing.
absl::StatusOr<LoadedImage> LoadElf(const ElfImage& image, std::span<const uint8_t> file,
                                    uint64_t bias, const FileIdentity& identity,
                                    memory::AddressSpace& space);

// Sets the start of the heap: behind the program, or at heap_base for a static PIE; both plus
// heap_random.
void StartHeap(const LoadedImage& program, const AddressLayout& layout,
               memory::AddressSpace& space);

// What execve(2) and the process itself contribute to the stack.
struct StackContents {
  std::vector<std::string> arguments;  // None: Linux passes one empty string.
  std::vector<std::string> environment;
  std::string executable;  // AT_EXECFN: the path as it was given.
  LoadedImage program;
  uint64_t interpreter_bias = 0;  // AT_BASE; 0 without one.
  uint32_t uid = 0;
  uint32_t euid = 0;
  uint32_t gid = 0;
  uint32_t egid = 0;
  bool secure = false;                  // AT_SECURE
  std::array<uint8_t, 16> random = {};  // AT_RANDOM
};

struct InitialStack {
  GuestAddr stack_pointer;  // 16-byte aligned; argc is there.
  // /proc/self/cmdline, environ and auxv are read from these.
  GuestAddr arguments_start;
  GuestAddr arguments_end;
  GuestAddr environment_end;                        // The environment starts at arguments_end.
  std::vector<std::pair<uint64_t, uint64_t>> auxv;  // In order, with the closing AT_NULL.
};

// Maps the stack below layout.stack_top and fills it as fs/exec.c and create_elf_tables do: from sp
// upwards argc, argv, envp, auxv, padding, 16 random bytes, the argument strings, the environment
// strings, the executable's path, 8 zeros. Errors: k2Big (an argument over 128 KiB, or all over
// max(128 KiB, min(6 MiB, a quarter of the stack limit))), kNoMem.
Result<InitialStack> BuildInitialStack(const StackContents& contents, const AddressLayout& layout,
                                       uint64_t stack_limit_bytes, memory::AddressSpace& space);

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_LOADER_LOAD_ELF_H_
