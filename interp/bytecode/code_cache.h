// CodeCache: the bytecode of one address space, translated lazily as the guest reaches it.
//
// Translate() turns straight-line code from a pc on into a run of Ops (up to an unconditional jump,
// or kRunOps). Branches inside what is translated are resolved to distances; a branch to code not
// yet translated leads to a kTranslate stub, which Link() replaces when it is first reached. Stores
// to translated pages, and changes of their mapping, turn the page's Ops into stubs again
// (OnCodeChanged), so that self-modifying code is right from the next instruction on. When the
// arena is full everything is dropped and translated anew.
#ifndef POLLUX_INTERP_BYTECODE_CODE_CACHE_H_
#define POLLUX_INTERP_BYTECODE_CODE_CACHE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/base/config.h"
#include "absl/container/flat_hash_map.h"
#include "interp/bytecode/op.h"
#include "interp/bytecode/variant.h"
#include "memory/address_space.h"
#include "memory/huge_pool.h"

namespace pollux::interp {

class CodeCache final : public memory::CodeListener {
 public:
  // Straight-line code meets a jump, a goto or the end of its run after at most this many Ops: how
  // far the engine can get without looking at its budget.
  static constexpr int kStraightOps = 64;
  static constexpr int kRunOps = 1024;
#ifdef ABSL_HAVE_ADDRESS_SANITIZER
  // Whose allocator writes shadow for all that is allocated and freed, touched or not.
  static constexpr size_t kDefaultCapacityOps = size_t{1} << 17;
#else
  static constexpr size_t kDefaultCapacityOps = size_t{4} << 20;
#endif

  // One entry of the table that indirect jumps look into. No instruction has an odd address.
  static constexpr uint64_t kNoPc = 1;
  struct JumpEntry {
    uint64_t pc = kNoPc;
    Op* op = nullptr;
  };
  static constexpr size_t kJumpEntries = 4096;
  static size_t JumpIndex(uint64_t pc) { return (pc >> 1) % kJumpEntries; }

  // What an Op was made of, which few need: its instruction's address, which may be a branch's
  // target below 0, and its code.
  struct Origin {
    int64_t pc : 48;
    uint64_t code : 16;
    uint64_t Pc() const { return static_cast<uint64_t>(int64_t{pc}); }
  };
  static_assert(memory::kAddressBits < 47 && kCodes <= UINT16_MAX);

  // Where the calls that were made last return to, a ring: what a return looks at first, since that
  // is known long before the register from which it returns.
  struct Returns {
    static constexpr uint32_t kEntries = 32;
    uint32_t top = 0;  // In bytes.
    std::array<JumpEntry, kEntries> entries;

    void Push(const JumpEntry& entry) {
      top = (top + sizeof(JumpEntry)) % sizeof(entries);
      *reinterpret_cast<JumpEntry*>(reinterpret_cast<char*>(entries.data()) + top) = entry;
    }
    const JumpEntry& Top() const {
      return *reinterpret_cast<const JumpEntry*>(reinterpret_cast<const char*>(entries.data()) +
                                                 top);
    }
    void Pop() { top = (top - sizeof(JumpEntry)) % sizeof(entries); }
  };

  // Where one indirect jump went, by WayOf the target. Which one it is now, the host's prediction
  // of branches knows long before the target is computed (engine/bytecode_context.h).
  static constexpr int kWays = 32;
  static unsigned WayOf(uint64_t pc) {
    return static_cast<unsigned>((static_cast<uint32_t>(pc) * 0x9e3779b1u) >> 27);
  }
  using Ways = std::array<JumpEntry, kWays>;

  // The address of the handler of any code.
  using HandlerOf = uint32_t (*)(Bytecode code);

  // Listens to `memory`, which must outlive it. With `handler_of`, Ops are variants
  // (bytecode/variant.h) and hold the addresses of their handlers; without (null) they hold codes
  // below Bytecode::kCount. At least 3 * kRunOps of capacity.
  CodeCache(memory::AddressSpace& memory, HandlerOf handler_of,
            size_t capacity_ops = kDefaultCapacityOps);
  ~CodeCache() override;

  // The Op of the instruction at `pc`, translating it if need be, and remembered for indirect
  // jumps. Null where nothing can be fetched at pc. May move everything: Ops that were got before
  // are invalid if generation() has changed.
  Op* FindOrTranslate(uint64_t pc);
  // Makes whoever led to the kTranslate Op `stub` lead to `target` from now on.
  void Link(Op* stub, Op* target);

  uint64_t PcOf(const Op* op) const { return origins_[op - ops_].Pc(); }
  Bytecode CodeOf(const Op* op) const { return CodeAt(static_cast<uint32_t>(op - ops_)); }
  const Op* ops() const { return ops_; }
  const Origin* origins() const { return origins_; }
  const JumpEntry* jumps() const { return jumps_; }
  Returns& returns() { return returns_; }
  const Ways* ways() const { return ways_; }
  // The jalr `op` went there: its Ways know, unless another has the place.
  void RememberWay(Op* op, const JumpEntry& there);
  // Counts how often everything was dropped.
  uint64_t generation() const { return generation_; }
  size_t used_ops() const { return used_; }

  void OnCodeChanged(uint64_t first_page, uint64_t pages) override;
  // Drops everything. Ops that were got before are invalid.
  void Flush();
  // Stops listening: `memory` may end. And listens again, when it is there again.
  void Detach();
  void Attach();

 private:
  // Where the instructions of one page are: the Op's index by halfword, or kNone.
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr size_t kHalfwords = memory::kPageBytes / 2;
  using PageMap = std::array<uint32_t, kHalfwords>;

  // A branch of the run under translation whose target's Op is to be found.
  struct OpenBranch {
    uint32_t index;
    uint64_t target_pc;
  };

  // What is made of the run under translation from one Op on.
  struct Plan {
    uint32_t cost = 0;  // Up to the run's end.
    Bytecode code = Bytecode::kIllegal;
    bool begins_loop = false;  // A branch leads back to it.
  };

  void ClearJumps();
  uint32_t Lookup(uint64_t pc) const;
  void Remember(uint64_t pc, uint32_t index);
  Bytecode CodeAt(uint32_t index) const {
    return Bytecode{static_cast<uint16_t>(origins_[index].code)};
  }
  void SetCode(uint32_t index, Bytecode code);
  uint32_t Append(uint64_t pc, const Op& op);
  bool TranslateRun(uint64_t pc);
  void Resolve(const std::vector<OpenBranch>& branches);
  void SpreadTargets(uint32_t begin, uint32_t end);
  void FuseRun(uint32_t begin, uint32_t end, const std::vector<OpenBranch>& branches);
  void Lead(Op* source, const Op* target);
  void MakeStub(uint32_t index);

  memory::AddressSpace& memory_;
  const HandlerOf handler_of_;
  bool attached_ = false;
  size_t capacity_;
  memory::HugePool pool_;
  Op* const ops_;
  Origin* const origins_;  // By Op index.
  JumpEntry* const jumps_;
  Returns returns_;
  Ways* const ways_;  // Op::target of a jalr counts in here. The first is nobody's.
  uint32_t used_ways_ = 1;
  uint32_t used_ = 0;
  uint64_t generation_ = 0;
  absl::flat_hash_map<uint64_t, PageMap*> pages_;  // By page number. Never iterated.
  std::vector<PageMap*> spare_maps_;
};

}  // namespace pollux::interp

#endif  // POLLUX_INTERP_BYTECODE_CODE_CACHE_H_
