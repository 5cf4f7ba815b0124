#include "machine/contained.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "gtest/gtest.h"

namespace pollux::machine {
namespace {

using Say = std::function<void(std::string_view)>;

TEST(Contained, LinesComeBackAndNothingElseChanges) {
  int here = 1;
  EXPECT_EQ(RunContained([&] { here = 2; },
                         [&](const Say& say) {
                           say(here == 2 ? "prepared" : "not prepared");
                           here = 3;
                           say("");
                         }),
            "prepared\n\n");
  EXPECT_EQ(here, 1);
}

TEST(Contained, WhatWasSaidBeforeACrashIsKept) {
  EXPECT_EQ(RunContained([] {},
                         [](const Say& say) {
                           say("before");
                           std::abort();
                         }),
            "before\n");
  EXPECT_EQ(RunContained([] { std::abort(); }, [](const Say& say) { say("never"); }), "");
}

TEST(Contained, ItSpeaksOnlyThroughItsLines) {
  testing::internal::CaptureStderr();
  (void)RunContained([] { (void)std::fputs("noise", stderr); },
                     [](const Say&) { (void)!write(STDERR_FILENO, "more\n", 5); });
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Contained, FilesAreOpenedInThePreparationOnly) {
  EXPECT_EQ(RunContained(
                [] {
                  const int fd = open("/dev/null", O_RDONLY);
                  if (fd < 0) std::abort();
                  close(fd);
                },
                [](const Say& say) {
                  const int fd = open("/dev/null", O_RDONLY);
                  say(fd < 0 && errno == EMFILE ? "refused" : "opened");
                }),
            "refused\n");
}

TEST(Contained, MemoryIsBounded) {
  EXPECT_EQ(RunContained([] {},
                         [](const Say& say) {
                           void* at = mmap(nullptr, size_t{2} << 30, PROT_READ | PROT_WRITE,
                                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
                           say(at == MAP_FAILED ? "refused" : "given");
                         }),
            "refused\n");
}

TEST(Contained, WhoNeverEndsIsEnded) {
  EXPECT_EQ(RunContained([] {},
                         [](const Say& say) {
                           say("line");
                           for (volatile uint32_t i = 0;;) {
                             i = i + 1;
                           }
                         }),
            "line\n");
}

TEST(Contained, WhoNeverStopsTalkingIsStopped) {
  const std::string lines = RunContained([] {},
                                         [](const Say& say) {
                                           for (;;) say(std::string(999, 'x'));
                                         });
  EXPECT_LE(lines.size(), (size_t{16} << 20) + 4096);
  EXPECT_GE(lines.size(), size_t{15} << 20);
  EXPECT_EQ(lines.size() % 1000, 0u);
}

}  // namespace
}  // namespace pollux::machine
