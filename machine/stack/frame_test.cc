#include "machine/stack/frame.h"

#include <string>

#include "gtest/gtest.h"
#include "machine/stack/function_name.h"

namespace pollux::machine {
namespace {

Frame Full() {
  return {.kind = Frame::Kind::kInlined,
          .pc = 0x1054a,
          .function = "take",
          .file = "queue.cc",
          .line = 41,
          .inlined_into = "main",
          .module = "/bin/queue",
          .module_offset = 0x1054a};
}

TEST(Frame, TextSaysWhatIsKnown) {
  EXPECT_EQ(FrameText(Full()), "0x1054a in take at queue.cc:41 (inlined into main)");
  EXPECT_EQ(FrameText({.pc = 0x20, .function = "memcpy", .function_offset = 0x14}),
            "0x20 in memcpy+0x14");
  EXPECT_EQ(FrameText({.pc = 0x20, .function = "memcpy"}), "0x20 in memcpy");
  EXPECT_EQ(FrameText({.pc = 0x3fa0001234, .module = "/lib/libc.so.6", .module_offset = 0x1234}),
            "0x3fa0001234 in /lib/libc.so.6+0x1234");
  EXPECT_EQ(FrameText({}), "0x0 in ??");
  EXPECT_EQ(FrameText({.kind = Frame::Kind::kSignalHandler}), "<signal handler called>");
}

TEST(Frame, SurvivesTheWayThroughAPipe) {
  EXPECT_EQ(DecodeFrame(EncodeFrame(Full())), Full());
  EXPECT_EQ(DecodeFrame(EncodeFrame({})), Frame{});
}

TEST(Frame, NamesCannotBreakTheLineOrTheTerminal) {
  Frame frame = Full();
  frame.function = "a\tb\nc\x1b[31m\x7f";
  frame.file = std::string("x\0y", 3);
  const std::string line = EncodeFrame(frame);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const std::optional<Frame> decoded = DecodeFrame(line);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->function, "a?b?c?[31m?");
  EXPECT_EQ(decoded->file, "x?y");
  frame.function = std::string(5000, 'x');
  EXPECT_EQ(DecodeFrame(EncodeFrame(frame))->function, std::string(400, 'x') + "...");
}

TEST(Frame, ForeignLinesAreRefused) {
  for (const char* line : {"", "x", "0\t1\t2\t3\t4\ta\tb\tc", "0\t1\t2\t3\t4\ta\tb\tc\td\te",
                           "3\t1\t2\t3\t4\ta\tb\tc\td", "-1\t1\t2\t3\t4\ta\tb\tc\td",
                           "0\t-1\t2\t3\t4\ta\tb\tc\td", "0\t1\t2\t4294967296\t4\ta\tb\tc\td"}) {
    EXPECT_FALSE(DecodeFrame(line).has_value()) << line;
  }
}

TEST(FunctionName, LosesItsParameters) {
  EXPECT_EQ(ShortFunctionName("_ZN2ns5Queue4TakeEi"), "ns::Queue::Take");
  EXPECT_EQ(ShortFunctionName("_ZNK2ns5Queue4SizeEv"), "ns::Queue::Size");
  EXPECT_EQ(ShortFunctionName("_ZN12_GLOBAL__N_14WorkEPv"), "(anonymous namespace)::Work");
  EXPECT_EQ(ShortFunctionName("_ZN1AclEi"), "A::operator()");
  EXPECT_EQ(ShortFunctionName("_ZZ4mainENKUlvE_clEv"), "main::{lambda()#1}::operator()");
  EXPECT_EQ(ShortFunctionName("main"), "main");
  EXPECT_EQ(ShortFunctionName("_Znonsense"), "_Znonsense");
  EXPECT_EQ(ShortFunctionName("main.part.0"), "main.part.0");
  EXPECT_EQ(WithoutTypes("f(int (*)(char)) const"), "f");
  EXPECT_EQ(WithoutTypes("f(int) [clone .isra.0]"), "f");
  EXPECT_EQ(WithoutTypes("void ns::f<int, A<char> >(int)"), "ns::f<int, A<char> >");
  EXPECT_EQ(WithoutTypes("std::enable_if<(1 > 2), int>::type f<int>(A (*)(int))"), "f<int>");
  EXPECT_EQ(WithoutTypes("A::operator<<(int)"), "A::operator<<");
  EXPECT_EQ(WithoutTypes("A& operator<< <int>(A&, int)"), "operator<< <int>");
  EXPECT_EQ(WithoutTypes("A::operator()(int) const"), "A::operator()");
  EXPECT_EQ(WithoutTypes("A::operator unsigned long() const"), "A::operator unsigned long");
  EXPECT_EQ(WithoutTypes("operator new(unsigned long)"), "operator new");
  EXPECT_EQ(WithoutTypes("f(int)::{lambda(char)#1}::operator()(char) const"),
            "f(int)::{lambda(char)#1}::operator()");
  EXPECT_EQ(WithoutTypes("(anonymous namespace)::f(int)"), "(anonymous namespace)::f");
  for (const char* odd : {"(x)", "x)", "x(", "<", "", "operator", "operator<"})
    EXPECT_EQ(WithoutTypes(odd), odd);
}

TEST(FunctionName, LosesLongTemplateArguments) {
  const std::string longish = "std::vector<int, std::allocator<int> >, char, short";
  EXPECT_EQ(WithoutLongArguments("f<" + longish + ">::g<int>"), "f<...>::g<int>");
  EXPECT_EQ(WithoutLongArguments("A::operator<(" + longish + ")"), "A::operator<(" + longish + ")");
  EXPECT_EQ(WithoutLongArguments("f<" + longish), "f<" + longish);
}

}  // namespace
}  // namespace pollux::machine
