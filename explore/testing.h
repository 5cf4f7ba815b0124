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

// The guest program that a variable of the environment names.
inline std::string FileOf(const char* variable) {
  const char* path = std::getenv(variable);
  EXPECT_NE(path, nullptr) << variable << " names the guest program";
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// victim_guest.cc, to do what `deed` names.
inline Guest Victim(const std::string& deed) {
  static const std::string* const kFile = new std::string(FileOf("VICTIM"));
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
