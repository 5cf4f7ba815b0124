// What fp_test, fp_conversion_test and fp_random_test share: one operation's outcome, on either
// policy.
#ifndef POLLUX_INTERP_FP_FP_TEST_SUPPORT_H_
#define POLLUX_INTERP_FP_FP_TEST_SUPPORT_H_

#include <cstdint>
#include <ostream>

#include "gtest/gtest.h"
#include "interp/fp/host_fp.h"
#include "interp/fp/soft_fp.h"

namespace pollux::interp::fp {

inline constexpr RoundingMode kModes[] = {kRne, kRtz, kRdn, kRup, kRmm};

inline constexpr uint32_t kNone = 0;
inline constexpr uint32_t kOverflow = kFlagOf | kFlagNx;
inline constexpr uint32_t kUnderflow = kFlagUf | kFlagNx;

// What one operation gave: bits (an integer is sign-extended) and the flags it raised.
struct Outcome {
  uint64_t value;
  uint32_t flags;
  bool operator==(const Outcome&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Outcome& o) {
  const std::ios_base::fmtflags saved = out.flags();
  out << std::hex << "{0x" << o.value << ", flags 0x" << o.flags << "}";
  out.flags(saved);
  return out;
}

inline Outcome Integer(int64_t value, uint32_t flags) {
  return {static_cast<uint64_t>(value), flags};
}

// One operation on a policy, with the flags gathered by both of HostFp's ways.
template <typename Operation>
Outcome Gather(Operation operation) {
  HostFpEnter();
  uint32_t flags = 0;
  const auto value = static_cast<uint64_t>(operation(&flags));
  return {value, flags | HostFpCollect()};
}

template <typename Operation>
Outcome OnPolicy(bool host, Operation operation) {
  if (host) return Gather([&](uint32_t* flags) { return operation(HostFp{}, flags); });
  return Gather([&](uint32_t* flags) { return operation(SoftFp{}, flags); });
}

// `expression` may use `rm`; the expected outcomes come in the order of the encodings.
#define EXPECT_PER_MODE(expression, rne, rtz, rdn, rup, rmm)     \
  do {                                                           \
    const Outcome expected[] = {rne, rtz, rdn, rup, rmm};        \
    for (RoundingMode rm : kModes) {                             \
      EXPECT_EQ((expression), expected[rm]) << "rm " << int{rm}; \
    }                                                            \
  } while (false)

}  // namespace pollux::interp::fp

#endif  // POLLUX_INTERP_FP_FP_TEST_SUPPORT_H_
