// The fuzzer's entry point on inputs of random bytes, so that it works when somebody needs it; the
// sanitized twin of this test is a short fuzzing without guidance.
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "testsuite/fuzz/walk.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t count);

namespace fuzz {
namespace {

TEST(FuzzerTest, RandomBytesCrashNothing) {
  for (uint64_t input = 0; input < 60; ++input) {
    RandomChoices random(7, input);
    std::vector<uint8_t> bytes(random.Below(12000));
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.Below(256));
    EXPECT_EQ(LLVMFuzzerTestOneInput(bytes.data(), bytes.size()), 0) << input;
  }
}

}  // namespace
}  // namespace fuzz
