#include "interp/loader/load_elf.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include "abi/check.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "memory/pages.h"

namespace pollux::interp {
namespace {

using memory::AddressSpace;
using memory::kAddressSpaceBytes;
using memory::kPageBytes;
using memory::kPageShift;
using memory::PageDown;
using memory::PageUp;

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kGiB = uint64_t{1} << 30;

// arch/riscv/include/asm/elf.h and processor.h for Sv39; mm/util.c for the gap below the stack.
constexpr uint64_t kStackRandomMask = 0x3ffff;             // STACK_RND_MASK, in pages.
constexpr uint64_t kMapRandomMask = 0x3ffff;               // mmap_rnd_bits is 18.
constexpr uint64_t kElfBase = kAddressSpaceBytes / 3 * 2;  // ELF_ET_DYN_BASE
constexpr uint64_t kHeapRandomPages = kGiB >> kPageShift;
constexpr uint64_t kMinStackGap = 128 * kMiB;
constexpr uint64_t kMaxStackGap = kAddressSpaceBytes / 6 * 5;

// fs/exec.c
constexpr uint64_t kMaxArgumentBytes = 32 * kPageBytes;   // MAX_ARG_STRLEN, with the NUL.
constexpr uint64_t kMinArgumentsBytes = 32 * kPageBytes;  // ARG_MAX
constexpr uint64_t kMaxArgumentsBytes = 6 * kMiB;         // Three quarters of _STK_LIM.
constexpr uint64_t kStackExpandBytes = 128 << 10;

// 'I' - 'A' and so on: all that the engine executes (riscv_get_elf_hwcap).
constexpr uint64_t HardwareBit(char extension) { return uint64_t{1} << (extension - 'A'); }
constexpr uint64_t kHardwareCapabilities = HardwareBit('I') | HardwareBit('M') | HardwareBit('A') |
                                           HardwareBit('F') | HardwareBit('D') | HardwareBit('C');
// sizeof(struct rt_sigframe) of arch/riscv/kernel/signal.c without the vector extension: siginfo
// and ucontext.
constexpr uint64_t kMinSignalStackBytes = 1088;
constexpr uint64_t kClockTicks = 100;
// uapi/asm/auxvec.h of riscv; AT_L1I_CACHESIZE to AT_L3_CACHEGEOMETRY, all 0 where the hardware
// tells nothing.
constexpr uint64_t kFirstCacheEntry = 40;
constexpr uint64_t kLastCacheEntry = 47;
constexpr uint64_t kAtMinSigStkSz = 51;

absl::Status NoRoom(uint64_t start, uint64_t bytes, std::string_view why) {
  return absl::ResourceExhaustedError(
      absl::StrFormat("cannot be loaded: no room for 0x%x bytes at 0x%x (%s)", bytes, start, why));
}

}  // namespace

AddressLayout ChooseLayout(const LayoutRandom& random, uint64_t stack_limit_bytes) {
  AddressLayout layout;
  layout.randomized = (random.stack | random.map | random.program | random.heap) != 0;
  layout.stack_top = kAddressSpaceBytes - ((random.stack & kStackRandomMask) << kPageShift);
  uint64_t gap = stack_limit_bytes;
  uint64_t pad = memory::kStackGuardBytes;
  if (layout.randomized) pad += kStackRandomMask << kPageShift;
  if (gap + pad > gap) gap += pad;  // RLIM_INFINITY overflows.
  gap = std::clamp(gap, kMinStackGap, kMaxStackGap);
  layout.map_top = PageUp(kAddressSpaceBytes - gap - ((random.map & kMapRandomMask) << kPageShift));
  layout.program_base = kElfBase + ((random.program & kMapRandomMask) << kPageShift);
  layout.heap_base = PageUp(kElfBase);
  layout.heap_random = (random.heap % kHeapRandomPages) << kPageShift;
  return layout;
}

void ApplyLayout(const AddressLayout& layout, uint64_t stack_limit_bytes, AddressSpace& space) {
  space.SetMapTop(GuestAddr{layout.map_top});
  space.SetStackLimit(stack_limit_bytes);
}

absl::StatusOr<uint64_t> ChooseBias(const ElfImage& image, const AddressLayout& layout,
                                    AddressSpace& space) {
  if (!image.position_independent) return 0;
  const uint64_t bytes = image.high - image.low;
  uint64_t start = 0;
  if (!image.interpreter.empty()) {
    start = PageDown(layout.program_base & ~(image.alignment - 1));
    if (bytes > kAddressSpaceBytes - start)
      return NoRoom(start, bytes, "it ends beyond the address space");
  } else {
    AddressSpace::MapRequest request;
    request.length = bytes;
    const auto gap = space.Map(request);
    if (!gap.ok()) return NoRoom(0, bytes, ErrnoText(gap.error()));
    POLLUX_CHECK(space.Unmap(*gap, bytes).ok());
    // As Linux, downwards; LoadElf fails if that is taken.
    start = gap->value & ~(image.alignment - 1);
  }
  return start - image.low;
}

absl::StatusOr<LoadedImage> LoadElf(const ElfImage& image, std::span<const uint8_t> file,
                                    uint64_t bias, const FileIdentity& identity,
                                    AddressSpace& space) {
  // The whole range has to be free, its holes included, as for Linux's first mapping.
  const uint64_t bytes = image.high - image.low;
  AddressSpace::MapRequest range;
  range.hint = GuestAddr{image.low + bias};
  range.length = bytes;
  range.fixed_noreplace = true;
  const auto reserved = space.Map(range);
  if (!reserved.ok()) return NoRoom(range.hint.value, bytes, ErrnoText(reserved.error()));
  POLLUX_CHECK(space.Unmap(*reserved, bytes).ok());

  for (const ElfSegment& segment : image.segments) {
    const uint64_t start = segment.address + bias;
    const uint64_t file_end = start + segment.file_bytes;
    const uint64_t end = start + segment.memory_bytes;
    AddressSpace::MapRequest request;
    request.fixed = true;
    if (segment.file_bytes > 0) {
      request.hint = GuestAddr{PageDown(start)};
      request.length = PageUp(file_end) - PageDown(start);
      request.prot = segment.prot;
      request.file_offset = PageDown(segment.file_offset);
      request.inode = identity.inode;
      request.name = identity.path;
      request.from_file = true;
      // With bss behind it the last page ends in zeros, otherwise in what the file holds next.
      uint64_t contents_end = segment.file_offset + segment.file_bytes;
      if (end == file_end) contents_end = std::min<uint64_t>(PageUp(contents_end), file.size());
      request.contents = file.subspan(request.file_offset, contents_end - request.file_offset);
      const auto mapped = space.Map(request);
      if (!mapped.ok())
        return NoRoom(request.hint.value, request.length, ErrnoText(mapped.error()));
    }
    const uint64_t bss_start = segment.file_bytes > 0 ? PageUp(file_end) : PageDown(start);
    if (PageUp(end) > bss_start) {
      // Always writable, as vm_brk_flags makes it.
      AddressSpace::MapRequest bss;
      bss.fixed = true;
      bss.hint = GuestAddr{bss_start};
      bss.length = PageUp(end) - bss_start;
      bss.prot = memory::kProtRead | memory::kProtWrite | (segment.prot & memory::kProtExec);
      const auto mapped = space.Map(bss);
      if (!mapped.ok()) return NoRoom(bss_start, bss.length, ErrnoText(mapped.error()));
    }
  }

  LoadedImage loaded;
  loaded.entry = GuestAddr{image.entry + bias};
  loaded.bias = bias;
  if (image.headers_address != 0) loaded.headers = GuestAddr{image.headers_address + bias};
  loaded.header_count = image.header_count;
  loaded.end = image.high + bias;
  // start_data and end_data of load_elf_binary(): the segment that begins last, and up to where any
  // is filled from the file.
  uint64_t data_start = 0, data_end = 0;
  for (const ElfSegment& segment : image.segments) {
    data_start = std::max(data_start, segment.address);
    data_end = std::max(data_end, segment.address + segment.file_bytes);
  }
  loaded.data_bytes = data_end - data_start;
  loaded.interpreter = image.interpreter;
  loaded.position_independent = image.position_independent;
  loaded.executable_stack = image.executable_stack;
  return loaded;
}

void StartHeap(const LoadedImage& program, const AddressLayout& layout, AddressSpace& space) {
  uint64_t start = program.end;
  if (program.position_independent && program.interpreter.empty()) {
    start = layout.heap_base;
  } else if (layout.randomized) {
    start += kPageBytes;  // Linux leaves a gap behind bss.
  }
  space.SetHeapStart(GuestAddr{std::min(start + layout.heap_random, kAddressSpaceBytes)},
                     program.data_bytes);
}

namespace {

// Collects the stack from its top down, as the kernel's bprm->p moves.
class StackWriter {
 public:
  explicit StackWriter(uint64_t top) : top_(top), at_(top) {}
  uint64_t position() const { return at_; }
  void PushBytes(const void* bytes, uint64_t count) {
    at_ -= count;
    Grow();
    if (count > 0) std::memcpy(Host(at_), bytes, count);
  }
  void PushString(const std::string& text) { PushBytes(text.c_str(), text.size() + 1); }
  void MoveTo(uint64_t address) {
    at_ = address;
    Grow();
  }
  void Put(uint64_t address, uint64_t word) { std::memcpy(Host(address), &word, sizeof(word)); }
  std::span<const uint8_t> Bytes() const { return std::span(bytes_).last(top_ - at_); }

 private:
  uint8_t* Host(uint64_t address) { return bytes_.data() + bytes_.size() - (top_ - address); }
  void Grow() {
    if (top_ - at_ <= bytes_.size()) return;
    std::vector<uint8_t> larger(std::max<size_t>(2 * bytes_.size(), PageUp(top_ - at_)));
    std::copy_backward(bytes_.begin(), bytes_.end(), larger.end());
    bytes_ = std::move(larger);
  }

  uint64_t top_;
  uint64_t at_;
  std::vector<uint8_t> bytes_;  // Its end is the stack's top.
};

// bprm_stack_limits and the checks of copy_strings.
Result<void> CheckSizes(const StackContents& contents, uint64_t argument_count,
                        uint64_t stack_limit_bytes) {
  uint64_t limit =
      std::max(std::min(kMaxArgumentsBytes, stack_limit_bytes / 4), kMinArgumentsBytes);
  const uint64_t pointers = (argument_count + contents.environment.size()) * 8;
  if (limit <= pointers) return Errno::k2Big;
  limit -= pointers;
  uint64_t bytes = contents.executable.size() + 1;
  if (bytes > kMaxArgumentBytes) return Errno::k2Big;
  for (const auto* strings : {&contents.arguments, &contents.environment}) {
    for (const std::string& text : *strings) {
      if (text.size() + 1 > kMaxArgumentBytes) return Errno::k2Big;
      bytes += text.size() + 1;
      if (bytes > limit) return Errno::k2Big;
    }
  }
  return {};
}

// create_elf_tables. Linux's AT_SYSINFO_EHDR is left out (there is no vDSO), and AT_RSEQ_* (there
// is no rseq).
std::vector<std::pair<uint64_t, uint64_t>> MakeAuxv(const StackContents& contents,
                                                    uint64_t random_address,
                                                    uint64_t executable_address) {
  std::vector<std::pair<uint64_t, uint64_t>> auxv;
  for (uint64_t entry = kFirstCacheEntry; entry <= kLastCacheEntry; ++entry)
    auxv.push_back({entry, 0});
  auxv.push_back({kAtMinSigStkSz, kMinSignalStackBytes});
  auxv.push_back({AT_HWCAP, kHardwareCapabilities});
  auxv.push_back({AT_PAGESZ, kPageBytes});
  auxv.push_back({AT_CLKTCK, kClockTicks});
  auxv.push_back({AT_PHDR, contents.program.headers.value});
  auxv.push_back({AT_PHENT, sizeof(Elf64_Phdr)});
  auxv.push_back({AT_PHNUM, contents.program.header_count});
  auxv.push_back({AT_BASE, contents.interpreter_bias});
  auxv.push_back({AT_FLAGS, 0});
  auxv.push_back({AT_ENTRY, contents.program.entry.value});
  auxv.push_back({AT_UID, contents.uid});
  auxv.push_back({AT_EUID, contents.euid});
  auxv.push_back({AT_GID, contents.gid});
  auxv.push_back({AT_EGID, contents.egid});
  auxv.push_back({AT_SECURE, contents.secure});
  auxv.push_back({AT_RANDOM, random_address});
  auxv.push_back({AT_EXECFN, executable_address});
  auxv.push_back({AT_NULL, 0});
  return auxv;
}

}  // namespace

Result<InitialStack> BuildInitialStack(const StackContents& contents, const AddressLayout& layout,
                                       uint64_t stack_limit_bytes, AddressSpace& space) {
  const std::vector<std::string> one_empty(1);
  const auto& arguments = contents.arguments.empty() ? one_empty : contents.arguments;
  POLLUX_RETURN_IF_ERROR(CheckSizes(contents, arguments.size(), stack_limit_bytes));

  InitialStack stack;
  StackWriter writer(layout.stack_top);
  writer.MoveTo(layout.stack_top - sizeof(uint64_t));
  writer.PushString(contents.executable);
  const uint64_t executable_address = writer.position();
  // Pushed backwards, so that they lie in order.
  std::vector<uint64_t> environment_addresses(contents.environment.size());
  stack.environment_end = GuestAddr{writer.position()};
  for (size_t i = contents.environment.size(); i-- > 0;) {
    writer.PushString(contents.environment[i]);
    environment_addresses[i] = writer.position();
  }
  std::vector<uint64_t> argument_addresses(arguments.size());
  stack.arguments_end = GuestAddr{writer.position()};
  for (size_t i = arguments.size(); i-- > 0;) {
    writer.PushString(arguments[i]);
    argument_addresses[i] = writer.position();
  }
  stack.arguments_start = GuestAddr{writer.position()};
  const uint64_t strings_start = writer.position();
  writer.PushBytes(contents.random.data(), contents.random.size());
  stack.auxv = MakeAuxv(contents, writer.position(), executable_address);

  const uint64_t words =
      1 + arguments.size() + 1 + contents.environment.size() + 1 + 2 * stack.auxv.size();
  stack.stack_pointer = GuestAddr{(writer.position() - words * 8) & ~uint64_t{15}};
  writer.MoveTo(stack.stack_pointer.value);
  uint64_t at = stack.stack_pointer.value;
  const auto put = [&](uint64_t word) {
    writer.Put(at, word);
    at += 8;
  };
  put(arguments.size());
  for (const uint64_t address : argument_addresses) put(address);
  put(0);
  for (const uint64_t address : environment_addresses) put(address);
  put(0);
  for (const auto& [type, value] : stack.auxv) {
    put(type);
    put(value);
  }

  // setup_arg_pages: room below the strings at once, the rest by growing.
  const uint64_t wanted = layout.stack_top - PageDown(strings_start) + kStackExpandBytes;
  uint64_t bytes = std::min(wanted, PageDown(stack_limit_bytes));
  bytes = std::max(bytes, layout.stack_top - PageDown(stack.stack_pointer.value));
  AddressSpace::MapRequest request;
  request.hint = GuestAddr{layout.stack_top - bytes};
  request.length = bytes;
  request.prot = memory::kProtRead | memory::kProtWrite;
  if (contents.program.executable_stack) request.prot |= memory::kProtExec;
  request.fixed_noreplace = true;
  request.grows_down = true;
  request.name = "[stack]";
  if (!space.Map(request).ok()) return Errno::kNoMem;
  const auto image = writer.Bytes();
  if (space.Write(stack.stack_pointer, image) != image.size()) return Errno::kNoMem;
  return stack;
}

}  // namespace pollux::interp
