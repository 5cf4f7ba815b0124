// Progress: how long work goes, for people: one line that is written over on a terminal, and a line
// now and then elsewhere; both on stderr. While one lives, Ctrl-C is remembered instead of ending
// pollux; the second one ends it.
#ifndef POLLUX_CLI_PROGRESS_H_
#define POLLUX_CLI_PROGRESS_H_

#include <chrono>
#include <string>

#include "absl/strings/string_view.h"

namespace pollux::cli {

class Progress {
 public:
  // `what`: the line begins with it. One at a time.
  explicit Progress(std::string what);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Called as often as one likes.
  void Show(std::chrono::milliseconds elapsed, absl::string_view line);
  // Before anything else is printed.
  void Clear();
  bool interrupted() const;

 private:
  const std::string what_;
  const bool terminal_;
  std::chrono::milliseconds next_{0};
  bool shown_ = false;
  void (*previous_)(int);
};

}  // namespace pollux::cli

#endif  // POLLUX_CLI_PROGRESS_H_
