// Finding: a way in which a guest fails, met by one schedule or by many: all whose run ended alike,
// in the same functions.
#ifndef POLLUX_EXPLORE_FINDING_H_
#define POLLUX_EXPLORE_FINDING_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "explore/explorer.h"
#include "machine/machine.h"

namespace pollux::explore {

struct Finding {
  std::string key;      // Alike for what is the same finding.
  std::string summary;  // In one line, for people: "deadlock", "exit status 1: what it said".
  uint64_t first_seed = 0;
  uint64_t schedules = 0;            // That met it.
  std::string explanation;           // Of the first one: Outcome::explanation.
  std::vector<std::string> reasons;  // Outcome::reasons, once it is explained (explained.h).
  std::string output;                // Of the first one.
  bool lint = false;                 // The run ends well (Expectation::lints).
  bool lost = false;                 // Pollux did not survive it: there is no run to be had again.
};

// Whether it is one: anything but the exit that is expected, with the output that is.
bool IsFinding(const Run& run, const Expectation& expectation);
// Of a run that is one.
Finding FindingOf(const Run& run, const Expectation& expectation, uint64_t seed);
// Something that pollux did not survive, or not in time.
Finding LostWorker(std::string_view what, uint64_t seed);

// Any bytes as ASCII, a question mark for what is none.
std::string Ascii(std::string text);

// All findings of an exploration, each once.
class Findings {
 public:
  void Add(Finding finding);
  // In the order of their first seeds.
  std::vector<Finding> All() const;
  bool empty() const { return by_key_.empty(); }
  size_t size() const { return by_key_.size(); }

 private:
  std::map<std::string, Finding> by_key_;
};

}  // namespace pollux::explore

#endif  // POLLUX_EXPLORE_FINDING_H_
