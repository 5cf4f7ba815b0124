#include "cli/trace_flags.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "re2/re2.h"

namespace pollux::cli {
namespace {

constexpr char kEveryName[] = ".*";

}  // namespace

TraceFlags::~TraceFlags() {
  if (file_ != nullptr && file_ != stderr) std::fclose(file_);
}

void TraceFlags::Declare(CLI::App& command) {
  command_ = &command;
  command.add_flag(absl::StrCat("--trace{", kEveryName, "}"), trace_,
                   "Print each system call on stderr as strace does; --trace=RE2 only those whose "
                   "whole name matches.");
  command.add_option("--trace_file", trace_file_, "Print the trace to this file.");
}

bool TraceFlags::Apply(machine::Options* options) {
  if (trace_.empty() && trace_file_.empty()) return true;
  options->trace_filter = trace_.empty() ? kEveryName : trace_;
  const re2::RE2 pattern(options->trace_filter, re2::RE2::Quiet);
  const auto refuse = [this](absl::string_view message) {
    PrintError(absl::StrCat(command_->get_name(), ": ", message));
    return false;
  };
  if (!pattern.ok()) return refuse(absl::StrCat("--trace=", trace_, ": ", pattern.error()));
  file_ = trace_file_.empty() ? stderr : std::fopen(trace_file_.c_str(), "we");
  if (file_ == nullptr)
    return refuse(absl::StrCat("--trace_file=", trace_file_, ": ", std::strerror(errno)));
  options->trace = [this](std::string_view line) { Write(line); };
  return true;
}

void TraceFlags::Write(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), file_);
  std::fputc('\n', file_);
}

}  // namespace pollux::cli
