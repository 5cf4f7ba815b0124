// Run lists: what programs() of programs.bzl writes, a program and its arguments a line.
#ifndef POLLUX_TESTSUITE_RUN_LISTS_H_
#define POLLUX_TESTSUITE_RUN_LISTS_H_

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace pollux {

// Of a file that is there and not empty; ends the test otherwise.
inline std::string Contents(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  if (text.empty()) {
    std::fprintf(stderr, "FAILED: %s is not there\n", path.c_str());
    std::exit(1);
  }
  return text;
}

// The path of a program, then its arguments. What is quoted for a shell stays quoted: it does not
// matter here.
inline std::vector<std::vector<std::string>> RunsOf(const std::string& list) {
  std::vector<std::vector<std::string>> runs;
  for (const absl::string_view line : absl::StrSplit(Contents(list), '\n')) {
    std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (!words.empty()) runs.push_back(std::move(words));
  }
  return runs;
}

// As argv[0] has it.
inline std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace pollux

#endif  // POLLUX_TESTSUITE_RUN_LISTS_H_
