#include "interp/bytecode/code_cache.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "abi/check.h"
#include "interp/bytecode/fusion.h"
#include "interp/bytecode/variant.h"
#include "interp/engine/cpu.h"
#include "interp/isa/decoder.h"
#include "interp/isa/opcode_info.h"
#include "memory/arena.h"

namespace pollux::interp {
namespace {

bool IsConditionalBranch(Opcode opcode) { return InfoOf(opcode).format == Format::kB; }

// Jumps whose continuation is not the next instruction: straight-line code ends here. A call's next
// instruction is where it returns to, which is worth translating at once.
bool EndsRun(const Instruction& instruction) {
  const bool jump = instruction.opcode == Opcode::kJal || instruction.opcode == Opcode::kJalr;
  return (jump && instruction.rd == 0) || instruction.opcode == Opcode::kIllegal;
}

// How many indirect jumps remember where they went: as many as need no huge pages of their own.
constexpr uint32_t kJumpsWithWays = memory::HugePool::kChunkBytes / 2 / sizeof(CodeCache::Ways);

// Bytes of an instruction, at most.
constexpr uint64_t kLongest = 4;

// Whether the Ops before it lead to no target behind it: it has one of its own, or needs none.
bool EndsStraightLine(Bytecode code) {
  const Bytecode single = SingleOf(code);
  switch (single) {
    case Bytecode::kIllegal:
    case Bytecode::kGoto:
    case Bytecode::kTranslate:
    case Bytecode::kJal:
    case Bytecode::kJalr:
    case Bytecode::kJump:
    case Bytecode::kCall:
    case Bytecode::kCallRegister:
    case Bytecode::kReturn:
      return true;
    default:
      return static_cast<unsigned>(single) < kBaseOpcodes &&
             IsConditionalBranch(static_cast<Opcode>(single));
  }
}

bool IsMemoryAccess(Opcode opcode) {
  switch (InfoOf(opcode).format) {
    case Format::kLoad:
    case Format::kStore:
    case Format::kFLoad:
    case Format::kFStore:
    case Format::kLoadReserved:
    case Format::kAmo:
      return true;
    default:
      return false;
  }
}

// A simpler operation that does the same as `op`, the translation of an instruction at `pc`.
Op Simplified(Op op, uint64_t pc, unsigned length) {
  switch (op.code) {
    case Bytecode::kLui:
      op.code = Bytecode::kConstant;
      break;
    case Bytecode::kAuipc: {
      const auto value = static_cast<int64_t>(pc + static_cast<uint64_t>(int64_t{op.imm}));
      if (value == static_cast<int32_t>(value)) {
        op.code = Bytecode::kConstant;
        op.imm = static_cast<int32_t>(value);
      }
      break;
    }
    case Bytecode::kAdd:
      // c.mv is an add to x0.
      if (op.rs1 == 0) std::swap(op.rs1, op.rs2);
      if (op.rs2 == 0) op.code = Bytecode::kMove;
      break;
    case Bytecode::kAddi:
      if (op.rs1 == 0) {
        op.code = Bytecode::kConstant;
      } else if (op.imm == 0) {
        op.code = Bytecode::kMove;
      }
      break;
    case Bytecode::kJal:
      if (op.rd == kSink) op.code = Bytecode::kJump;
      if (op.rd == kRa) {
        op.code = Bytecode::kCall;
        SetLink(op, pc + length);
      }
      break;
    case Bytecode::kJalr:
      if (op.rd == kSink && op.rs1 == kRa && op.imm == 0) op.code = Bytecode::kReturn;
      if (op.rd == kRa) op.code = Bytecode::kCallRegister;
      break;
    default:
      break;
  }
  return op;
}

// The Op of one instruction at `pc`, without its branch target.
Op Translated(const Instruction& instruction, uint64_t pc) {
  Op op{.code = static_cast<Bytecode>(instruction.opcode),
        .rd = instruction.rd,
        .rs1 = instruction.rs1,
        .rs2 = instruction.rs2,
        .rs3 = instruction.rs3,
        .rm = instruction.rm,
        .imm = instruction.imm};
  switch (instruction.opcode) {
    case Opcode::kIllegal:
    case Opcode::kEbreak:
      op.code = Bytecode::kSlow;
      return op;
    case Opcode::kCsrrw:
    case Opcode::kCsrrs:
    case Opcode::kCsrrc:
    case Opcode::kCsrrwi:
    case Opcode::kCsrrsi:
    case Opcode::kCsrrci:
      if (instruction.imm != kCsrFflags) op.code = Bytecode::kSlow;
      if (instruction.rd == 0) op.rd = kSink;
      return op;
    case Opcode::kFence:
    case Opcode::kFenceTso:
    case Opcode::kFenceI:
      op.code = Bytecode::kNop;
      return op;
    default:
      break;
  }
  if (RegistersOf(instruction.opcode, Member::kRd) == RegisterClass::kX && instruction.rd == 0) {
    const bool jump = instruction.opcode == Opcode::kJal || instruction.opcode == Opcode::kJalr;
    const bool flags = RegistersOf(instruction.opcode, Member::kRs1) == RegisterClass::kF;
    op.rd = kSink;
    if (!jump && !flags && !IsMemoryAccess(instruction.opcode)) op.code = Bytecode::kNop;
  }
  return Simplified(op, pc, instruction.length);
}

}  // namespace

CodeCache::CodeCache(memory::AddressSpace& memory, HandlerOf handler_of, size_t capacity_ops)
    : memory_(memory),
      handler_of_(handler_of),
      capacity_(capacity_ops),
      ops_(pool_.New<Op>(capacity_ops)),
      origins_(pool_.New<Origin>(capacity_ops)),
      jumps_(pool_.New<JumpEntry>(kJumpEntries)),
      ways_(pool_.New<Ways>(handler_of == nullptr ? 1 : kJumpsWithWays)) {
  POLLUX_CHECK(capacity_ops >= 3 * kRunOps && capacity_ops < INT32_MAX / sizeof(Op))
      << capacity_ops;
  ClearJumps();
  Attach();
}

CodeCache::~CodeCache() { Detach(); }

void CodeCache::ClearJumps() {
  std::fill_n(jumps_, kJumpEntries, JumpEntry{});
  returns_ = {};
  used_ways_ = 1;
  ways_[0].fill({});
}

void CodeCache::Attach() {
  memory_.SetCodeListener(this);
  attached_ = true;
}

void CodeCache::Detach() {
  if (attached_) memory_.SetCodeListener(nullptr);
  attached_ = false;
}

uint32_t CodeCache::Lookup(uint64_t pc) const {
  const auto page = pages_.find(pc >> memory::kPageShift);
  if (page == pages_.end()) return kNone;
  return (*page->second)[(pc % memory::kPageBytes) / 2];
}

void CodeCache::Remember(uint64_t pc, uint32_t index) {
  const memory::OutsideArena outside;
  PageMap*& page = pages_[pc >> memory::kPageShift];
  if (page == nullptr) {
    if (spare_maps_.empty()) {
      page = pool_.New<PageMap>(1);
    } else {
      page = spare_maps_.back();
      spare_maps_.pop_back();
    }
    page->fill(kNone);
  }
  (*page)[(pc % memory::kPageBytes) / 2] = index;
}

uint32_t CodeCache::Append(uint64_t pc, const Op& op) {
  ops_[used_] = op;
  origins_[used_].pc = static_cast<int64_t>(pc);
  SetCode(used_, op.code);
  return used_++;
}

void CodeCache::SetCode(uint32_t index, Bytecode code) {
  origins_[index].code = static_cast<uint16_t>(code);
  ops_[index].code = handler_of_ == nullptr ? code : Bytecode{handler_of_(code)};
}

Op* CodeCache::FindOrTranslate(uint64_t pc) {
  const JumpEntry& known = jumps_[JumpIndex(pc)];
  if (known.pc == pc && CodeOf(known.op) != Bytecode::kTranslate) return known.op;
  uint32_t index = Lookup(pc);
  if (index == kNone) {
    // A run, a goto each kStraightOps, its end, and a stub for each branch.
    if (used_ + 3 * kRunOps > capacity_) Flush();
    if (!TranslateRun(pc)) return nullptr;
    index = Lookup(pc);
  }
  jumps_[JumpIndex(pc)] = {pc, &ops_[index]};
  return &ops_[index];
}

bool CodeCache::TranslateRun(uint64_t pc) {
  const uint32_t begin = used_;
  std::vector<OpenBranch> branches;
  int straight = 0;
  for (int count = 0;; ++count) {
    uint16_t halfwords[2] = {0, 0};
    memory::Fault fault;
    const unsigned bytes = memory_.Fetch(GuestAddr{pc}, halfwords, &fault);
    const bool fetched = bytes == 4 || (bytes == 2 && IsCompressed(halfwords[0]));
    if (!fetched && count == 0) return false;
    // The run goes on in code that has been translated, that cannot be fetched, or that another run
    // shall have.
    if (!fetched || count == kRunOps || (count > 0 && Lookup(pc) != kNone)) {
      branches.push_back({Append(pc, Op{.code = Bytecode::kGoto}), pc});
      break;
    }
    if (++straight == kStraightOps) {
      Append(pc, Op{.code = Bytecode::kGoto, .target = sizeof(Op)});
      straight = 1;
    }
    const Instruction instruction = Decode(uint32_t{halfwords[1]} << 16 | halfwords[0]);
    const uint32_t index = Append(pc, Translated(instruction, pc));
    Remember(pc, index);
    memory_.MarkHoldsCode(pc >> memory::kPageShift);
    memory_.MarkHoldsCode((pc + instruction.length - 1) >> memory::kPageShift);
    if (IsConditionalBranch(instruction.opcode) || instruction.opcode == Opcode::kJal) {
      branches.push_back({index, pc + static_cast<int64_t>(instruction.imm)});
    }
    if (EndsRun(instruction)) break;
    pc += instruction.length;
  }
  const uint32_t end = used_;
  Resolve(branches);
  SpreadTargets(begin, end);
  FuseRun(begin, end, branches);
  return true;
}

void CodeCache::Resolve(const std::vector<OpenBranch>& branches) {
  for (const OpenBranch& branch : branches) {
    uint32_t target = Lookup(branch.target_pc);
    if (target == kNone) {
      const int32_t back = Distance(&ops_[used_], &ops_[branch.index]);
      target = Append(branch.target_pc, Op{.code = Bytecode::kTranslate, .target = back});
    }
    ops_[branch.index].target = Distance(&ops_[branch.index], &ops_[target]);
  }
}

// Tells the Ops from `begin` on, up to `end`, where the next of them that has a target of its own
// leads.
void CodeCache::SpreadTargets(uint32_t begin, uint32_t end) {
  const Op* target = nullptr;
  for (uint32_t i = end; i-- > begin;) {
    const Bytecode code = CodeAt(i);
    if (EndsStraightLine(code)) {
      const bool has_ways = code == Bytecode::kJalr || code == Bytecode::kCallRegister;
      target = has_ways ? nullptr : TargetOf(&ops_[i]);
    } else if (target != nullptr) {
      ops_[i].target = Distance(&ops_[i], target);
    }
  }
}

// Makes of the run what costs least: of operations by themselves, fusions and series. Neighbours
// that a page boundary parts are not joined, since those of a page are made stubs together; nor is
// the head of a loop with what is before it, since each round begins there.
void CodeCache::FuseRun(uint32_t begin, uint32_t end, const std::vector<OpenBranch>& branches) {
  std::vector<Plan> plans(end - begin + 1);
  for (const OpenBranch& branch : branches) {
    const auto target = static_cast<uint32_t>(TargetOf(&ops_[branch.index]) - ops_);
    if (target >= begin && target <= branch.index) plans[target - begin].begins_loop = true;
  }
  for (uint32_t i = end; i-- > begin;) {
    Op* const op = &ops_[i];
    op->code = CodeAt(i);
    Plan* const plan = &plans[i - begin];
    const uint64_t page = origins_[i].Pc() >> memory::kPageShift;
    const auto joins = [&](uint32_t other) {
      return other < end && !plans[other - begin].begins_loop &&
             (origins_[other].Pc() + kLongest - 1) >> memory::kPageShift == page;
    };
    const auto consider = [&](Bytecode code) {
      const int length = LengthOf(code);
      const uint32_t cost = static_cast<uint32_t>(CostOf(code)) + plan[length].cost;
      if (cost >= plan->cost) return;
      plan->cost = cost;
      plan->code = code;
    };
    plan->cost = UINT32_MAX;
    consider(op->code);
    if (!joins(i + 1)) continue;
    const Bytecode fusion = FusionOf(op[0], op[1]);
    if (fusion != Bytecode::kIllegal) consider(fusion);
    if (handler_of_ == nullptr) continue;
    int most = 2;
    while (most < kLongestSeries && joins(i + static_cast<uint32_t>(most))) ++most;
    for (int length = LengthOfSeries(op, most); length > 1; --length)
      consider(CodeOfSeries({op->code, length}));
  }
  for (uint32_t i = begin; i < end;) {
    const Bytecode code = plans[i - begin].code;
    if (IsFusion(code)) Fuse(&ops_[i]);
    if (IsSeries(code)) ops_[i].code = code;
    i += static_cast<uint32_t>(LengthOf(code));
  }
  for (uint32_t i = begin; i < end; ++i) {
    const Op* const op = &ops_[i];
    SetCode(i, handler_of_ == nullptr ? op->code : VariantFor(op));
  }
}

void CodeCache::Link(Op* stub, Op* target) {
  Op* const source = TargetOf(stub);
  // The branch that led here may itself have become a stub meanwhile: then nothing of its own is
  // left to lead anywhere.
  const bool led_here =
      stub->target != 0 && CodeOf(source) != Bytecode::kTranslate && TargetOf(source) == stub;
  if (led_here) Lead(source, target);
  SetCode(static_cast<uint32_t>(stub - ops_), Bytecode::kGoto);
  Lead(stub, target);
}

void CodeCache::RememberWay(Op* op, const JumpEntry& there) {
  if (handler_of_ == nullptr) return;
  if (op->target == 0) {
    if (used_ways_ == kJumpsWithWays) {
      // Those without may not ask again.
      ways_[0].fill({.pc = kNoPc + 2});
      return;
    }
    ways_[used_ways_].fill({});
    op->target = static_cast<int32_t>(used_ways_++);
  }
  JumpEntry& way = ways_[op->target][WayOf(there.pc)];
  if (way.pc == kNoPc) way = there;
}

// Makes `source` lead to `target`, and tells those that lead to it.
void CodeCache::Lead(Op* source, const Op* target) {
  Op* op = source;
  do {
    op->target = Distance(op, target);
    --op;
  } while (op >= ops_ && !EndsStraightLine(CodeOf(op)));
}

void CodeCache::MakeStub(uint32_t index) {
  ops_[index] = Op{};
  SetCode(index, Bytecode::kTranslate);
}

void CodeCache::OnCodeChanged(uint64_t first_page, uint64_t pages) {
  // Indirect jumps may go on leading to what are stubs now.
  // munmap of a large range: walk what is translated rather than what is unmapped.
  const auto drop = [&](uint64_t page_number) {
    const auto page = pages_.find(page_number);
    // The last instruction of the page before may reach into this one. (If it does not, it is
    // translated once more.)
    const auto before = pages_.find(page_number - 1);
    if (before != pages_.end()) {
      uint32_t& last = (*before->second)[kHalfwords - 1];
      if (last != kNone) {
        MakeStub(last);
        last = kNone;
      }
    }
    if (page == pages_.end()) return;
    for (uint32_t index : *page->second) {
      if (index != kNone) MakeStub(index);
    }
    const memory::OutsideArena outside;
    spare_maps_.push_back(page->second);
    pages_.erase(page);
  };
  if (pages <= pages_.size() + 1) {
    for (uint64_t i = 0; i < pages; ++i) drop(first_page + i);
  } else {
    std::vector<uint64_t> translated;
    for (const auto& [page_number, map] :
         pages_) {  // Order does not matter: each page is dropped by itself.
      if (page_number - first_page < pages || page_number + 1 - first_page < pages)
        translated.push_back(page_number);
    }
    for (uint64_t page_number : translated) {
      if (page_number - first_page < pages) drop(page_number);
    }
    drop(first_page);
  }
}

void CodeCache::Flush() {
  used_ = 0;
  ++generation_;
  const memory::OutsideArena outside;
  for (const auto& [page_number, map] : pages_) spare_maps_.push_back(map);  // In any order.
  pages_.clear();
  ClearJumps();
}

}  // namespace pollux::interp
