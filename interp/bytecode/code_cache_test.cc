#include "interp/bytecode/code_cache.h"

#include <vector>

#include "gtest/gtest.h"

namespace pollux::interp {
namespace {

using memory::AddressSpace;
using memory::kPageBytes;

constexpr uint64_t kCode = 0x100000;
constexpr uint32_t kNopWord = 0x00000013, kEcallWord = 0x00000073, kRet = 0x00008067;
constexpr uint32_t kBeqForward8 = 0x00000463;  // beq x0,x0,+8
constexpr uint32_t kSelfJump = 0x0000006f;     // jal x0,0
constexpr uint32_t kLdA0 = 0x00053503;         // ld x10,0(x10)
constexpr uint32_t kLdS0 = 0x00013403;         // ld x8,0(x2)

class CodeCacheTest : public testing::Test {
 protected:
  CodeCacheTest() {
    auto created = AddressSpace::Create(&budget_);
    EXPECT_TRUE(created.ok());
    space_ = std::move(*created);
    AddressSpace::MapRequest request;
    request.hint = {kCode};
    request.length = 4 * kPageBytes;
    request.prot = memory::kProtRead | memory::kProtWrite | memory::kProtExec;
    request.fixed = true;
    EXPECT_TRUE(space_->Map(request).ok());
  }
  void Put(uint64_t at, const std::vector<uint32_t>& words) {
    ASSERT_EQ(
        space_->Write({at}, {reinterpret_cast<const uint8_t*>(words.data()), words.size() * 4}),
        words.size() * 4);
  }

  memory::MemoryBudget budget_;
  std::unique_ptr<AddressSpace> space_;
};

TEST_F(CodeCacheTest, ARunIsOneOpAnInstructionInProgramOrder) {
  CodeCache cache(*space_, nullptr);
  Put(kCode, {kNopWord, kLdA0, kRet, kNopWord});
  const Op* op = cache.FindOrTranslate(kCode);
  ASSERT_NE(op, nullptr);
  EXPECT_EQ(cache.used_ops(), 3u);
  EXPECT_EQ(cache.PcOf(op + 2), kCode + 8);
  EXPECT_EQ(cache.FindOrTranslate(kCode + 4), op + 1);
}

TEST_F(CodeCacheTest, NeighboursFuseAndTheSecondKeepsItsOwnOp) {
  CodeCache cache(*space_, nullptr);
  Put(kCode, {kLdS0, kLdS0, kRet});
  const Op* op = cache.FindOrTranslate(kCode);
  EXPECT_EQ(op[0].code, Bytecode::kLdThenLdLoads);
  EXPECT_EQ(op[1].code, Bytecode::kLd);
}

TEST_F(CodeCacheTest, OfTwoWaysToPairTheCheaperIsTaken) {
  // lbu x15,0(x14); addi x14,x14,1; bne x14,x13,+8: a load by itself takes longer than a jump to
  // the next operation, which a branch by itself waits for.
  CodeCache cache(*space_, nullptr);
  Put(kCode, {0x00074783, 0x00170713, 0x00d71463, kRet});
  const Op* op = cache.FindOrTranslate(kCode);
  EXPECT_EQ(op[0].code, Bytecode::kLbu);
  EXPECT_EQ(op[1].code, Bytecode::kAddiThenBneCount);
}

TEST_F(CodeCacheTest, TheHeadOfALoopIsNotASecond) {
  // ld x8,0(x2) twice, where nothing, or a branch behind them, leads to the second.
  constexpr uint32_t kBneBack4 = 0xfe041ee3;  // bne x8,x0,-4
  CodeCache cache(*space_, nullptr);
  Put(kCode, {kLdS0, kLdS0, kBneBack4, kRet});
  const Op* op = cache.FindOrTranslate(kCode);
  EXPECT_EQ(op[0].code, Bytecode::kLd);
  EXPECT_EQ(op[1].code, Bytecode::kLdThenBneTestOfZero);
}

TEST_F(CodeCacheTest, ASeriesIsOneOperationWhereHandlersAre) {
  // ld x8,16(x2); ld x9,8(x2); ld x18,0(x2), across the end of a page and within one.
  const std::vector<uint32_t> restore = {0x01013403, 0x00813483, 0x00013903, kRet};
  const auto handler = [](Bytecode) { return uint32_t{1}; };
  for (const uint64_t at : {kCode, kCode + kPageBytes - 8}) Put(at, restore);
  CodeCache cache(*space_, handler);
  const Op* op = cache.FindOrTranslate(kCode);
  EXPECT_EQ(cache.CodeOf(op), CodeOfSeries({Bytecode::kLd, 3}));
  EXPECT_EQ(SingleOf(cache.CodeOf(op)), Bytecode::kLd);
  EXPECT_EQ(SingleOf(cache.CodeOf(op + 1)), Bytecode::kLd);
  EXPECT_FALSE(IsSeries(cache.CodeOf(op + 1)));
  op = cache.FindOrTranslate(kCode + kPageBytes - 8);
  EXPECT_EQ(cache.CodeOf(op), CodeOfSeries({Bytecode::kLd, 2}));
}

TEST_F(CodeCacheTest, ACallKnowsItsLink) {
  CodeCache cache(*space_, nullptr);
  Put(kCode, {0x008000ef, kNopWord, kRet});  // jal x1,+8
  const Op* op = cache.FindOrTranslate(kCode);
  EXPECT_EQ(op->code, Bytecode::kCall);
  EXPECT_EQ(LinkOf(*op), kCode + 4);
  Op call{.rd = 1, .rs1 = 2, .rs2 = 3};
  SetLink(call, memory::kAddressSpaceBytes - 2);
  EXPECT_EQ(LinkOf(call), memory::kAddressSpaceBytes - 2);
  EXPECT_EQ(call.rd, 1);
  EXPECT_EQ(call.rs1, 2);
  EXPECT_EQ(call.rs2, 3);
}

TEST_F(CodeCacheTest, BranchesIntoTheRunAreDistances) {
  CodeCache cache(*space_, nullptr);
  Put(kCode, {kBeqForward8, kNopWord, kSelfJump});
  const Op* op = cache.FindOrTranslate(kCode);
  EXPECT_EQ(TargetOf(&op[0]), &op[2]);
  EXPECT_EQ(TargetOf(&op[2]), &op[2]);
}

TEST_F(CodeCacheTest, ABranchElsewhereLeadsToAStubUntilItIsLinked) {
  CodeCache cache(*space_, nullptr);
  Put(kCode, {0x0400006f});  // jal x0,+64
  Put(kCode + 64, {kEcallWord, kRet});
  Op* op = cache.FindOrTranslate(kCode);
  Op* stub = TargetOf(op);
  ASSERT_EQ(stub->code, Bytecode::kTranslate);
  EXPECT_EQ(cache.PcOf(stub), kCode + 64);
  Op* target = cache.FindOrTranslate(kCode + 64);
  cache.Link(stub, target);
  EXPECT_EQ(TargetOf(op), target);
}

TEST_F(CodeCacheTest, OpsKnowWhereTheNextBranchLeads) {
  CodeCache cache(*space_, nullptr);
  Put(kCode, {kNopWord, kNopWord, 0x04000063, kNopWord, kRet});  // The third: beq x0,x0,+64.
  Put(kCode + 72, {kEcallWord, kRet});
  Op* op = cache.FindOrTranslate(kCode);
  Op* stub = TargetOf(&op[2]);
  EXPECT_EQ(cache.PcOf(stub), kCode + 72);
  EXPECT_EQ(TargetOf(&op[0]), stub);
  EXPECT_EQ(TargetOf(&op[1]), stub);
  Op* target = cache.FindOrTranslate(kCode + 72);
  cache.Link(stub, target);
  for (int i = 0; i <= 2; ++i) EXPECT_EQ(TargetOf(&op[i]), target) << i;
  EXPECT_NE(TargetOf(&op[3]), target);
}

TEST_F(CodeCacheTest, OpsBeforeAStubKnowWhereItLeadsOnceItIsLinked) {
  CodeCache cache(*space_, nullptr);
  // Two instructions on one page, a branch back to them on the next, which is written to.
  const uint64_t end = kCode + kPageBytes;
  Put(end - 8, {kNopWord, kNopWord, kNopWord, 0xfe000ce3});
  Op* op = cache.FindOrTranslate(end - 8);
  EXPECT_EQ(TargetOf(&op[0]), &op[1]) << "beq x0,x0,-8";
  Put(end, {kNopWord});
  ASSERT_EQ(op[2].code, Bytecode::kTranslate);
  Op* target = cache.FindOrTranslate(end);
  cache.Link(&op[2], target);
  for (int i = 0; i <= 2; ++i) EXPECT_EQ(TargetOf(&op[i]), target) << i;
}

TEST_F(CodeCacheTest, LinkingAStubWhoseBranchIsGoneLeavesTheBranchAlone) {
  CodeCache cache(*space_, nullptr);
  Put(kCode, {0x7fc0106f});  // jal x0,+0x17fc: to the next page.
  Op* op = cache.FindOrTranslate(kCode);
  Op* stub = TargetOf(op);
  ASSERT_EQ(stub->code, Bytecode::kTranslate);
  Put(kCode, {kNopWord});
  ASSERT_EQ(op->code, Bytecode::kTranslate);
  Put(kCode + 0x17fc, {kRet});
  cache.Link(stub, cache.FindOrTranslate(kCode + 0x17fc));
  EXPECT_EQ(op->target, 0);
}

TEST_F(CodeCacheTest, AStoreTurnsThePagesOpsIntoStubsAndOthersStay) {
  CodeCache cache(*space_, nullptr);
  Put(kCode, {kNopWord, kRet});
  Put(kCode + kPageBytes, {kNopWord, kRet});
  Op* first = cache.FindOrTranslate(kCode);
  Op* second = cache.FindOrTranslate(kCode + kPageBytes);
  Put(kCode + 8, {kNopWord});
  EXPECT_EQ(first->code, Bytecode::kTranslate);
  EXPECT_NE(second->code, Bytecode::kTranslate);
  EXPECT_NE(cache.FindOrTranslate(kCode), first);
  EXPECT_EQ(cache.FindOrTranslate(kCode + kPageBytes), second);
}

TEST_F(CodeCacheTest, AnInstructionAcrossAPageDependsOnBothPages) {
  CodeCache cache(*space_, nullptr);
  Put(kCode + kPageBytes - 2, {kNopWord, kRet});
  Op* op = cache.FindOrTranslate(kCode + kPageBytes - 2);
  ASSERT_NE(op, nullptr);
  Put(kCode + kPageBytes + 64, {kNopWord});
  EXPECT_EQ(op->code, Bytecode::kTranslate);
}

TEST_F(CodeCacheTest, UnmappingEverythingDropsEverything) {
  CodeCache cache(*space_, nullptr);
  Put(kCode, {kNopWord, kRet});
  Op* op = cache.FindOrTranslate(kCode);
  ASSERT_TRUE(space_->Unmap({0x10000}, uint64_t{1} << 37).ok());
  EXPECT_EQ(op->code, Bytecode::kTranslate);
  EXPECT_EQ(cache.FindOrTranslate(kCode), nullptr);
}

TEST_F(CodeCacheTest, StraightCodeMeetsAGotoInTime) {
  CodeCache cache(*space_, nullptr);
  Put(kCode, std::vector<uint32_t>(600, kNopWord));
  const Op* op = cache.FindOrTranslate(kCode);
  int straight = 0;
  for (size_t i = 0; i < 600; ++i) {
    straight = op[i].code == Bytecode::kGoto ? 0 : straight + 1;
    ASSERT_LE(straight, CodeCache::kStraightOps);
  }
}

TEST_F(CodeCacheTest, AFullArenaIsDroppedAndFilledAnew) {
  CodeCache cache(*space_, nullptr, 3 * CodeCache::kRunOps);
  Put(kCode, {kNopWord, kRet});
  Put(kCode + kPageBytes, {kNopWord, kRet});
  ASSERT_NE(cache.FindOrTranslate(kCode), nullptr);
  const uint64_t generation = cache.generation();
  ASSERT_NE(cache.FindOrTranslate(kCode + kPageBytes), nullptr);
  EXPECT_NE(cache.generation(), generation);
  EXPECT_EQ(cache.PcOf(cache.FindOrTranslate(kCode)), kCode);
}

}  // namespace
}  // namespace pollux::interp
