// The guest of explore's tests.
#ifndef POLLUX_EXPLORE_TESTING_H_
#define POLLUX_EXPLORE_TESTING_H_

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "explore/explorer.h"
#include "gtest/gtest.h"

namespace pollux::explore::testing {

// victim_guest.cc, to do what `deed` names.
inline Guest Victim(const std::string& deed) {
  static const std::string* const kFile = [] {
    const char* path = std::getenv("VICTIM");
    EXPECT_NE(path, nullptr) << "VICTIM names the guest program";
    std::ifstream file(path, std::ios::binary);
    return new std::string(std::istreambuf_iterator<char>(file), {});
  }();
  return {.file = *kFile, .name = "victim", .arguments = {"victim", deed}};
}

// As of `pollux explore`.
inline machine::Options VictimOptions() {
  machine::Options options;
  options.max_steps = 5'000'000;
  options.max_memory_bytes = uint64_t{256} << 20;
  return options;
}

}  // namespace pollux::explore::testing

#endif  // POLLUX_EXPLORE_TESTING_H_
