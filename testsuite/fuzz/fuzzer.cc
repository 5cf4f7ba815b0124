// The walk driven by a coverage-guided fuzzer (libFuzzer): its bytes are the choices. Finds
// crashes, failed checks and what the sanitizers see; answers are compared by compare_test.
#include <cstddef>
#include <cstdint>

#include "testsuite/fuzz/in_process_kernel.h"
#include "testsuite/fuzz/transcript.h"
#include "testsuite/fuzz/walk.h"

namespace {

// Two bytes a choice.
class ByteChoices final : public fuzz::Choices {
 public:
  ByteChoices(const uint8_t* bytes, size_t count) : next_(bytes), end_(bytes + count) {}
  uint64_t Below(uint64_t n) override {
    if (end_ - next_ < 2) {
      next_ = end_;
      return 0;
    }
    const uint64_t value = next_[0] | next_[1] << 8;
    next_ += 2;
    return value % n;
  }
  bool done() const override { return next_ == end_; }

 private:
  const uint8_t* next_;
  const uint8_t* end_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t count) {
  ByteChoices choices(bytes, count);
  fuzz::Transcript transcript(nullptr);
  fuzz::InProcessKernel kernel;
  fuzz::Walk(kernel, choices, transcript).Episode(UINT64_MAX);
  return 0;
}
