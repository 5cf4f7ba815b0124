#include "explore/schedule_file.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace pollux::explore {
namespace {

using machine::Switch;

ScheduleFile Example() {
  ScheduleFile file{.guest = "guest",
                    .guest_hash = HashOf("bytes"),
                    .flags = {"--seed=3", "--env=A=b \"c\""},
                    .arguments = {"one", ""},
                    .expectation = {.exit_status = 3, .out = "text\n"},
                    .finding = "deadlock\nread < main",
                    .summary = "deadlock"};
  file.schedule.switches = {
      {.from = Tid{1}, .retired = 123456789012, .after = 2, .preempts = true, .to = Tid{2}},
      {.from = Tid{2}, .retired = 5, .preempts = true, .expires = true},
      {.from = Tid{2}, .retired = Switch::kAtItsEnd, .to = Tid{1}}};
  file.schedule.woken = {{.waker = Tid{1}, .retired = 88, .after = 1, .woken = Tid{3}}};
  file.schedule.faults = {{.tid = Tid{2}, .retired = 77, .kind = shims::FaultKind::kVainWakeUp}};
  return file;
}

TEST(ScheduleFile, IsReadAsItWasWritten) {
  const ScheduleFile file = Example();
  const absl::StatusOr<ScheduleFile> read = ParseScheduleFile(*ToText(file));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->guest, file.guest);
  EXPECT_EQ(read->guest_hash, file.guest_hash);
  EXPECT_EQ(read->flags, file.flags);
  EXPECT_EQ(read->arguments, file.arguments);
  EXPECT_EQ(read->expectation.exit_status, 3);
  EXPECT_EQ(read->expectation.out, "text\n");
  EXPECT_EQ(read->finding, file.finding);
  EXPECT_EQ(read->summary, file.summary);
  EXPECT_EQ(read->schedule.switches, file.schedule.switches);
  EXPECT_EQ(read->schedule.faults, file.schedule.faults);
  EXPECT_EQ(read->schedule.woken, file.schedule.woken);
}

// Of before there was a choice whom to wake.
TEST(ScheduleFile, TheVersionBeforeIsRead) {
  const std::string text =
      R"({"pollux_schedule":2,"guest":"g","guest_hash":"00","flags":[],"arguments":["a"],)"
      R"("expected_exit":0,"finding":"deadlock","summary":"deadlock",)"
      R"("switches":[[1,5,0,1,2]],"faults":[]})";
  const absl::StatusOr<ScheduleFile> read = ParseScheduleFile(text);
  ASSERT_TRUE(read.ok()) << read.status();
  const std::vector<Switch> expected = {
      {.from = Tid{1}, .retired = 5, .preempts = true, .to = Tid{2}}};
  EXPECT_EQ(read->schedule.switches, expected);
  EXPECT_TRUE(read->schedule.woken.empty());
}

TEST(ScheduleFile, ADifferentGuestHasADifferentHash) {
  EXPECT_EQ(HashOf("guest").size(), 32u);
  EXPECT_NE(HashOf("guest"), HashOf("guesT"));
}

// The only thing wrong is what the name says.
void ExpectRefused(const std::string& text, const std::string& why) {
  const absl::StatusOr<ScheduleFile> read = ParseScheduleFile(text);
  ASSERT_FALSE(read.ok()) << text;
  const std::string message(read.status().message());
  EXPECT_NE(message.find(why), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
}

std::string ExampleWith(const std::string& from, const std::string& to) {
  std::string text = *ToText(Example());
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(ScheduleFile, RefusesWhatIsNone) {
  ExpectRefused("", "no schedule file");
  ExpectRefused("{}", "no schedule file");
  ExpectRefused(
      "\x7f"
      "ELF",
      "no schedule file");
  ExpectRefused(ExampleWith("\"pollux_schedule\":3", "\"pollux_schedule\":4"), "version 4");
  ExpectRefused(ExampleWith("\"pollux_schedule\":3", "\"pollux_schedule\":1"), "version 1");
  ExpectRefused(ExampleWith("\"woken\":", "\"woke\":"), "broken");
  ExpectRefused(ExampleWith("[1,88,1,3]", "[1,88,1]"), "broken");
  ExpectRefused(ExampleWith("[1,88,1,3]", "[1,-1,1,3]"), "broken");
  ExpectRefused(ExampleWith("\"guest\":", "\"gust\":"), "broken");
  ExpectRefused(ExampleWith("[1,123456789012,2,1,2]", "[1,\"x\",2,1,2]"), "broken");
  ExpectRefused(ExampleWith("[1,123456789012,2,1,2]", "[1]"), "broken");
  ExpectRefused(ExampleWith("[1,123456789012,2,1,2]", "[1,1e300,2,1,2]"), "broken");
  ExpectRefused(ExampleWith("[1,123456789012,2,1,2]", "[1,-2,2,1,2]"), "broken");
  ExpectRefused(ExampleWith("[1,123456789012,2,1,2]", "[1,5,2,1,1099511627777]"), "broken");
  ExpectRefused(ExampleWith("[1,123456789012,2,1,2]", "[1,5,2,4,2]"), "broken");
  ExpectRefused(ExampleWith("[2,77,2]", "[2,77,8]"), "broken");
  ExpectRefused(ExampleWith("[2,77,2]", "[2,-1,2]"), "broken");
  ExpectRefused(
      ExampleWith("\"pollux_schedule\":3",
                  "\"pollux_schedule\":" + std::string(100'000, '[') + std::string(100'000, ']')),
      "unknown version");
}

TEST(ScheduleFile, IsNotMadeOfWhatCannotBeKept) {
  ScheduleFile file = Example();
  file.arguments = {"\xff"};
  EXPECT_TRUE(absl::IsInvalidArgument(ToText(file).status()));
  file = Example();
  file.schedule.truncated = true;
  EXPECT_TRUE(absl::IsInvalidArgument(ToText(file).status()));
  file = Example();
  file.expectation.out = std::string("\0\xff\n", 3);
  EXPECT_EQ(ParseScheduleFile(*ToText(file))->expectation.out, file.expectation.out);
}

}  // namespace
}  // namespace pollux::explore
