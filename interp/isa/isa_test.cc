// Decoder, encoder, disassembler and integer arithmetic in small cases. What they say about all of
// RV64GC is compared with GNU objdump in objdump_sweep_test.cc; what instructions do, with an
// emulator in //testsuite/isa.
#include <cstdint>
#include <limits>
#include <random>

#include "gtest/gtest.h"
#include "interp/isa/arithmetic.h"
#include "interp/isa/decoder.h"
#include "interp/isa/disassembler.h"
#include "interp/isa/encoder.h"
#include "interp/isa/opcode_info.h"

namespace pollux::interp {
namespace {

constexpr uint64_t kMin64 = uint64_t{1} << 63;

TEST(Decoder, FillsTheOperandsOfABaseInstruction) {
  const Instruction addi = Decode(0xfff58513);  // addi x10,x11,-1
  EXPECT_EQ(addi.opcode, Opcode::kAddi);
  EXPECT_EQ(addi.spelling, Opcode::kAddi);
  EXPECT_EQ(addi.length, 4);
  EXPECT_EQ(addi.rd, 10);
  EXPECT_EQ(addi.rs1, 11);
  EXPECT_EQ(addi.rs2, 0);
  EXPECT_EQ(addi.imm, -1);
  EXPECT_EQ(addi.bits, 0xfff58513u);
}

TEST(Decoder, ACompressedInstructionIsItsBaseWithTheImpliedOperands) {
  const Instruction addi = Decode(0x7139);  // c.addi16sp x2,-64
  EXPECT_EQ(addi.opcode, Opcode::kAddi);
  EXPECT_EQ(addi.spelling, Opcode::kCAddi16sp);
  EXPECT_EQ(addi.length, 2);
  EXPECT_EQ(addi.rd, 2);
  EXPECT_EQ(addi.rs1, 2);
  EXPECT_EQ(addi.imm, -64);
}

TEST(Decoder, TheBytesAfterACompressedInstructionDoNotMatter) {
  const Instruction instruction = Decode(0xffff8082);  // c.jr x1
  EXPECT_EQ(instruction.opcode, Opcode::kJalr);
  EXPECT_EQ(instruction.bits, 0x8082u);
}

TEST(Decoder, LuiGivesTheShiftedValueSignExtended) {
  EXPECT_EQ(Decode(0x800000b7).imm, std::numeric_limits<int32_t>::min());
  EXPECT_EQ(Decode(0x70fd).imm, -4096);  // c.lui x1,0xfffff
}

TEST(Decoder, ACsrNumberIsNotSignExtended) { EXPECT_EQ(Decode(0xc0002573).imm, 0xc00); }

TEST(Decoder, AImmediateOfCsrrwiIsInTheRs1Field) {
  const Instruction instruction = Decode(0x002fd073);  // csrrwi x0,frm,31
  EXPECT_EQ(instruction.opcode, Opcode::kCsrrwi);
  EXPECT_EQ(instruction.rs1, 31);
  EXPECT_EQ(instruction.imm, 2);
}

TEST(Decoder, KeepsOrderingBitsAndRoundingMode) {
  EXPECT_EQ(Decode(0x0c05252f).aqrl, 2);  // amoswap.w.aq
  EXPECT_EQ(Decode(0x0a05252f).aqrl, 1);  // amoswap.w.rl
  EXPECT_EQ(Decode(0x02007053).rm, kRmDynamic);
  EXPECT_EQ(Decode(0x02004053).rm, 4);
}

TEST(Decoder, ReservedEncodingsAreIllegal) {
  for (uint32_t bits : {
           0x0000u,      // All zeros.
           0x0004u,      // c.addi4spn x9 by 0.
           0x4002u,      // c.lwsp x0
           0x6002u,      // c.ldsp x0
           0x8002u,      // c.jr x0
           0x6081u,      // c.lui x1 by 0
           0x6101u,      // c.addi16sp by 0
           0x2001u,      // c.addiw x0
           0x9c41u,      // Between c.addw and nothing.
           0x8000u,      // Quadrant 0, funct3 100.
           0x02005053u,  // fadd.d with rm 5
           0x02006053u,  // fadd.d with rm 6
           0x0200101bu,  // slliw by 32
           0x04001013u,  // slli by 64
           0x20b52533u,  // sh1add of Zba
           0x0000000bu,  // custom-0
           0x10500073u,  // wfi
           0x0000001fu,  // 48 bits
           0xffffffffu,
       }) {
    const Instruction instruction = Decode(bits);
    EXPECT_EQ(instruction.opcode, Opcode::kIllegal) << std::hex << bits;
    EXPECT_EQ(instruction.spelling, Opcode::kIllegal) << std::hex << bits;
    EXPECT_EQ(instruction.length, (bits & 3) == 3 ? 4 : 2) << std::hex << bits;
    EXPECT_EQ(instruction.bits, bits);
    for (Member member : kAllMembers) EXPECT_EQ(Get(instruction, member), 0) << std::hex << bits;
  }
}

TEST(Decoder, HintsAreWhatTheyLookLike) {
  EXPECT_EQ(Decode(0x4015).opcode, Opcode::kAddi);       // c.li x0,5
  EXPECT_EQ(Decode(0x0005).opcode, Opcode::kAddi);       // c.addi x0,1
  EXPECT_EQ(Decode(0x0082).opcode, Opcode::kSlli);       // c.slli x1,0
  EXPECT_EQ(Decode(0x6005).opcode, Opcode::kLui);        // c.lui x0,1
  EXPECT_EQ(Decode(0x8006).opcode, Opcode::kAdd);        // c.mv x0,x1
  EXPECT_EQ(Decode(0x0100000f).opcode, Opcode::kFence);  // pause
}

TEST(Decoder, FencesIgnoreWhatThePlainOnesDoNotUse) {
  EXPECT_EQ(Decode(0x8330000f).opcode, Opcode::kFenceTso);
  EXPECT_EQ(Decode(0x8330000f).imm, 0x833);
  EXPECT_EQ(Decode(0x1230000f).opcode, Opcode::kFence);
  EXPECT_EQ(Decode(0xabc1918f).opcode, Opcode::kFenceI);
}

TEST(Encoder, GivesBackWhatTheDecoderTookApart) {
  std::mt19937 random(4711);
  for (unsigned row = 1; row < kOpcodes; ++row) {
    const OpcodeInfo& info = kOpcodeInfo[row];
    int legal = 0;
    for (int i = 0; i < 1000; ++i) {
      const uint32_t bits =
          ((random() & ~info.mask) | info.match) & (info.length == 2 ? 0xffff : 0xffffffff);
      const Instruction instruction = Decode(bits);
      if (instruction.spelling != info.opcode) continue;  // Reserved, or an earlier row.
      ++legal;
      const auto encoded = Encode(info.opcode, instruction);
      ASSERT_TRUE(encoded.has_value()) << info.mnemonic;
      uint32_t significant = info.mask;
      for (const Field& field : info.Fields().Fields()) significant |= field.Mask();
      EXPECT_EQ(*encoded, bits & significant) << info.mnemonic;
    }
    EXPECT_GT(legal, 100) << info.mnemonic;
  }
}

TEST(Encoder, RefusesWhatTheRowCannotSay) {
  EXPECT_EQ(Encode(Opcode::kAddi, {.rd = 1, .rs1 = 2, .imm = 2047}), 0x7ff10093u);
  EXPECT_FALSE(Encode(Opcode::kAddi, {.rd = 1, .rs1 = 2, .imm = 2048}));
  EXPECT_FALSE(Encode(Opcode::kAddi, {.rd = 32}));
  EXPECT_FALSE(Encode(Opcode::kAddi, {.rs2 = 1}));
  EXPECT_FALSE(Encode(Opcode::kBeq, {.imm = 3}));
  EXPECT_FALSE(Encode(Opcode::kCLw, {.rd = 7, .rs1 = 8}));
  EXPECT_FALSE(Encode(Opcode::kCAdd, {.rd = 8, .rs1 = 9, .rs2 = 10}));
  EXPECT_FALSE(Encode(Opcode::kCAdd, {.rd = 8, .rs1 = 8}));  // That is c.jalr.
  EXPECT_FALSE(Encode(Opcode::kFaddD, {.rm = 5}));
  EXPECT_FALSE(Encode(Opcode::kIllegal, {}));
}

std::string Text(uint32_t bits) { return Disassemble(Decode(bits), 0x10000); }

TEST(Disassembler, WritesOperandsAsObjdumpDoes) {
  EXPECT_EQ(Text(0xfff58513), "addi x10,x11,-1");
  EXPECT_EQ(Text(0x00813083), "ld x1,8(x2)");
  EXPECT_EQ(Text(0x00b50463), "beq x10,x11,0x10008");
  EXPECT_EQ(Text(0xffdff0ef), "jal x1,0xfffc");
  EXPECT_EQ(Text(0xfffff0b7), "lui x1,0xfffff");
  EXPECT_EQ(Text(0x0c05252f), "amoswap.w.aq x10,x0,(x10)");
  EXPECT_EQ(Text(0x02007053), "fadd.d f0,f0,f0");
  EXPECT_EQ(Text(0x02001053), "fadd.d f0,f0,f0,rtz");
  EXPECT_EQ(Text(0xd2000053), "fcvt.d.w f0,x0");
  EXPECT_EQ(Text(0x0ff0000f), "fence iorw,iorw");
  EXPECT_EQ(Text(0x8330000f), "fence.tso");
  EXPECT_EQ(Text(0x00302573), "csrrs x10,fcsr,x0");
  EXPECT_EQ(Text(0x12345573), "csrrwi x10,0x123,8");
  EXPECT_EQ(Text(0x7139), "c.addi16sp x2,-64");
  EXPECT_EQ(Text(0x9002), "c.ebreak");
}

TEST(Disassembler, WritesIllegalInstructionsAsData) {
  EXPECT_EQ(Text(0x0000), ".2byte 0x0");
  EXPECT_EQ(Text(0x0000000b), ".4byte 0xb");
}

TEST(OpcodeInfo, KnowsRegisterClasses) {
  EXPECT_EQ(RegistersOf(Opcode::kFld, Member::kRd), RegisterClass::kF);
  EXPECT_EQ(RegistersOf(Opcode::kFld, Member::kRs1), RegisterClass::kX);
  EXPECT_EQ(RegistersOf(Opcode::kFsd, Member::kRd), RegisterClass::kNone);
  EXPECT_EQ(RegistersOf(Opcode::kFeqS, Member::kRd), RegisterClass::kX);
  EXPECT_EQ(RegistersOf(Opcode::kCsrrwi, Member::kRs1), RegisterClass::kNone);
}

TEST(Arithmetic, DivisionByZeroAndOverflowGiveWhatTheManualSays) {
  EXPECT_EQ(DivSigned<int64_t>(7, 0), ~uint64_t{0});
  EXPECT_EQ(RemSigned<int64_t>(7, 0), 7u);
  EXPECT_EQ(DivSigned<int64_t>(kMin64, ~uint64_t{0}), kMin64);
  EXPECT_EQ(RemSigned<int64_t>(kMin64, ~uint64_t{0}), 0u);
  EXPECT_EQ(DivUnsigned<uint64_t>(7, 0), ~uint64_t{0});
  EXPECT_EQ(RemUnsigned<uint64_t>(7, 0), 7u);
  EXPECT_EQ(DivSigned<int32_t>(0x80000000, 0xffffffff), 0xffffffff80000000u);
  EXPECT_EQ(RemSigned<int32_t>(0x80000000, 0xffffffff), 0u);
  EXPECT_EQ(RemSigned<int32_t>(0x1'80000000, 0xf'00000000), 0xffffffff80000000u);
  EXPECT_EQ(Sext32(DivUnsigned<uint32_t>(7, 0)), ~uint64_t{0});
}

TEST(Arithmetic, DivisionRoundsTowardsZero) {
  EXPECT_EQ(DivSigned<int64_t>(Unsigned(-7), 2), Unsigned(-3));
  EXPECT_EQ(RemSigned<int64_t>(Unsigned(-7), 2), Unsigned(-1));
  EXPECT_EQ(RemSigned<int64_t>(7, Unsigned(-2)), 1u);
  EXPECT_EQ(RemSigned<int64_t>(7, Unsigned(-1)), 0u);
}

TEST(Arithmetic, UpperHalvesOfProducts) {
  const uint64_t minus_one = ~uint64_t{0};
  EXPECT_EQ(MulHighSigned(minus_one, minus_one), 0u);
  EXPECT_EQ(MulHighUnsigned(minus_one, minus_one), minus_one - 1);
  EXPECT_EQ(MulHighSignedUnsigned(minus_one, minus_one), minus_one);
  EXPECT_EQ(MulHighSignedUnsigned(1, minus_one), 0u);
  EXPECT_EQ(MulHighSigned(kMin64, kMin64), uint64_t{1} << 62);
}

TEST(Arithmetic, SignsAreTakenFromTheTopBit) {
  EXPECT_EQ(CopySign(0x3f800000u, 0x80000000u), 0xbf800000u);
  EXPECT_EQ(CopySign(0xbf800000u, 0x7fffffffu), 0x3f800000u);
  EXPECT_EQ(XorSign(0xbf800000u, 0x80000001u), 0x3f800000u);
  EXPECT_EQ(XorSign(uint64_t{1}, kMin64), kMin64 | 1);
}

}  // namespace
}  // namespace pollux::interp
