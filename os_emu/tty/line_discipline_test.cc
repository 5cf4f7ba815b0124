#include "os_emu/tty/line_discipline.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "os_emu/task/signal.h"

namespace pollux::os_emu {
namespace {

class LineDisciplineTest : public ::testing::Test, protected LineDiscipline::Host {
 protected:
  void SendEcho(std::string_view bytes) override { echo_ += bytes; }
  void RaiseSignal(int signal) override { signals_.push_back(signal); }
  void WakeReaders() override { ++wakes_; }
  void StopOutput() override { stopped_ = true; }
  void StartOutput() override { stopped_ = false; }
  bool OutputStopped() const override { return stopped_; }
  void DropOutput() override { ++drops_; }

  std::string Echo() { return std::exchange(echo_, ""); }
  void Set(uint32_t Termios::* word, uint32_t off, uint32_t on = 0) {
    Termios termios = tty_.termios();
    termios.*word = (termios.*word & ~off) | on;
    tty_.SetTermios(termios);
  }

  std::string echo_;
  std::vector<int> signals_;
  int wakes_ = 0, drops_ = 0;
  bool stopped_ = false;
  LineDiscipline tty_{*this};
};

TEST_F(LineDisciplineTest, ALineIsReadWhenItEnds) {
  EXPECT_EQ(tty_.Receive("ab"), 2u);
  EXPECT_FALSE(tty_.HasInput());
  EXPECT_EQ(wakes_, 0);
  tty_.Receive("c\r");
  EXPECT_TRUE(tty_.HasInput());
  EXPECT_EQ(wakes_, 1);
  EXPECT_EQ(Echo(), "abc\r\n");
  EXPECT_EQ(tty_.Readable(), 4u);
  EXPECT_EQ(tty_.Take(2), "ab");
  EXPECT_EQ(tty_.Take(100), "c\n");
  EXPECT_FALSE(tty_.HasInput());
}

TEST_F(LineDisciplineTest, OneReadTakesOneLine) {
  tty_.Receive("one\ntwo\n");
  EXPECT_EQ(tty_.Take(100), "one\n");
  EXPECT_EQ(tty_.Take(100), "two\n");
}

TEST_F(LineDisciplineTest, EndOfFile) {
  tty_.Receive("\x04");
  EXPECT_TRUE(tty_.HasInput());
  EXPECT_EQ(tty_.Readable(), 0u);
  EXPECT_EQ(tty_.Take(100), "");
  EXPECT_FALSE(tty_.HasInput());
  tty_.Receive("abcd\x04");
  EXPECT_EQ(tty_.Take(4), "abcd");  // The end of file goes along.
  EXPECT_FALSE(tty_.HasInput());
}

TEST_F(LineDisciplineTest, Editing) {
  tty_.Receive(
      "abx\x7f"
      "c");
  EXPECT_EQ(Echo(), "abx\b \bc");
  tty_.Receive("\x15");
  EXPECT_EQ(Echo(), "\b \b\b \b\b \b");
  tty_.Receive("w1 w2  \x17\n");
  EXPECT_EQ(tty_.Take(100), "w1 \n");
  tty_.Receive("\x16\x03\n");
  EXPECT_EQ(tty_.Take(100), "\x03\n");
  EXPECT_TRUE(signals_.empty());
}

TEST_F(LineDisciplineTest, ATabIsErasedToWhereItBegan) {
  tty_.Receive("ab\t");
  Echo();
  tty_.Receive("\x7f");
  EXPECT_EQ(Echo(), "\b\b\b\b\b\b");
}

TEST_F(LineDisciplineTest, ControlCharactersEchoAsTwo) {
  tty_.Receive("\x01\x7f");
  EXPECT_EQ(Echo(), "^A\b \b\b \b");
  Set(&Termios::local, kEchoCtl);
  tty_.Receive("\x01");
  EXPECT_EQ(Echo(), "\x01");
}

TEST_F(LineDisciplineTest, CharactersOfSeveralBytesAreErasedWhole) {
  Set(&Termios::input, 0, kIUtf8);
  tty_.Receive("\xc3\xa4\x7f\n");
  EXPECT_EQ(tty_.Take(100), "\n");
  EXPECT_EQ(Echo(), "\xc3\xa4\b \b\r\n");
}

TEST_F(LineDisciplineTest, SignalsFlushInput) {
  tty_.Receive("held\n\x03");
  EXPECT_EQ(signals_, std::vector<int>{kSigInt});
  EXPECT_EQ(drops_, 1);
  EXPECT_FALSE(tty_.HasInput());
  EXPECT_EQ(Echo(), "^C");
  Set(&Termios::local, 0, kNoFlsh);
  tty_.Receive("kept\n\x1a");
  EXPECT_EQ(signals_.back(), kSigTstp);
  EXPECT_TRUE(tty_.HasInput());
  Set(&Termios::local, kISig);
  tty_.Receive("\x03");
  EXPECT_EQ(signals_.size(), 2u);
}

TEST_F(LineDisciplineTest, StopAndStart) {
  tty_.Receive("\x13");
  EXPECT_TRUE(stopped_);
  tty_.Receive("a");
  EXPECT_EQ(Echo(), "");
  tty_.Receive("\x11");
  EXPECT_FALSE(stopped_);
  tty_.FlushEcho();
  EXPECT_EQ(Echo(), "a");
}

TEST_F(LineDisciplineTest, WithoutLinesEverythingWakes) {
  Set(&Termios::local, kICanon | kEcho | kISig);
  tty_.Receive("a");
  tty_.Receive("b\x03");
  EXPECT_EQ(wakes_, 2);
  EXPECT_EQ(tty_.Take(100), "ab\x03");
  Termios termios = tty_.termios();
  termios.chars[kVMin] = 3;
  tty_.SetTermios(termios);
  tty_.Receive("xy");
  EXPECT_TRUE(tty_.HasInput());
  EXPECT_FALSE(tty_.HasInput(/*for_poll=*/true));
}

TEST_F(LineDisciplineTest, LeavingLinesGivesWhatWasTyped) {
  tty_.Receive("part");
  Set(&Termios::local, kICanon);
  EXPECT_EQ(tty_.Take(100), "part");
  tty_.Receive("more");
  Set(&Termios::local, 0, kICanon);
  EXPECT_EQ(tty_.Take(100), "more");
}

TEST_F(LineDisciplineTest, TheBufferIsLimited) {
  const std::string many(10000, 'x');
  EXPECT_EQ(tty_.Receive(many), 10000u);  // One endless line.
  tty_.Receive("\n");
  EXPECT_EQ(tty_.Take(100000).size(), LineDiscipline::kBufferBytes);
  Set(&Termios::local, kICanon | kEcho);
  EXPECT_EQ(tty_.Receive(many), LineDiscipline::kBufferBytes - 1);
  EXPECT_LE(echo_.size(), 2 * LineDiscipline::kBufferBytes);
}

TEST_F(LineDisciplineTest, OutputIsProcessed) {
  std::string out;
  for (const char c : std::string("a\nb\tc"))
    EXPECT_TRUE(tty_.ProcessOutput(static_cast<uint8_t>(c), 100, &out));
  EXPECT_EQ(out, "a\r\nb\tc");
  EXPECT_FALSE(tty_.ProcessOutput('\n', 1, &out));
  Set(&Termios::output, 0, kTabDly);
  out.clear();
  tty_.ProcessOutput('\r', 100, &out);
  tty_.ProcessOutput('x', 100, &out);
  tty_.ProcessOutput('\t', 100, &out);
  EXPECT_EQ(out, "\rx       ");
  Set(&Termios::output, kOPost);
  out.clear();
  tty_.ProcessOutput('\n', 100, &out);
  EXPECT_EQ(out, "\n");
}

TEST_F(LineDisciplineTest, CarriageReturns) {
  Set(&Termios::input, kICrNl, kIgnCr);
  tty_.Receive("a\rb\n");
  EXPECT_EQ(tty_.Take(100), "ab\n");
  Set(&Termios::input, kIgnCr, kINlCr);
  Set(&Termios::local, kICanon);
  tty_.Receive("a\n");
  EXPECT_EQ(tty_.Take(100), "a\r");
}

}  // namespace
}  // namespace pollux::os_emu
