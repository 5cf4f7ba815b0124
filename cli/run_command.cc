// pollux run: one schedule of one guest.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/command.h"
#include "machine/machine.h"
#include "nlohmann/json.hpp"
#include "re2/re2.h"

namespace pollux::cli {
namespace {

constexpr char kEveryName[] = ".*";

// Where trace lines go: stderr or a file. Whole lines at a time.
class LineWriter {
 public:
  ~LineWriter() {
    if (file_ != nullptr && file_ != stderr) std::fclose(file_);
  }
  bool Open(const std::string& path) {
    file_ = path.empty() ? stderr : std::fopen(path.c_str(), "we");
    return file_ != nullptr;
  }
  void Write(std::string_view line) {
    std::fwrite(line.data(), 1, line.size(), file_);
    std::fputc('\n', file_);
  }

 private:
  std::FILE* file_ = nullptr;
};

std::string KindName(machine::Outcome::Kind kind) {
  switch (kind) {
    case machine::Outcome::Kind::kExited:
      return "exited";
    case machine::Outcome::Kind::kKilled:
      return "killed";
    case machine::Outcome::Kind::kDeadlock:
      return "deadlock";
    case machine::Outcome::Kind::kStepLimit:
      return "step_limit";
  }
  return "unknown";
}

// What is not known of a frame is left out. Addresses are text: not every reader of JSON has 64
// bits.
nlohmann::json FrameJson(const machine::Frame& frame) {
  nlohmann::json object = {{"pc", absl::StrFormat("0x%x", frame.pc)}};
  if (frame.kind == machine::Frame::Kind::kSignalHandler) object["signal_handler"] = true;
  if (frame.kind == machine::Frame::Kind::kInlined) object["inlined_into"] = frame.inlined_into;
  if (!frame.function.empty()) object["function"] = frame.function;
  if (frame.function_offset != 0) object["function_offset"] = frame.function_offset;
  if (!frame.file.empty()) {
    object["file"] = frame.file;
    object["line"] = frame.line;
  }
  if (!frame.module.empty()) {
    object["module"] = frame.module;
    object["module_offset"] = absl::StrFormat("%#x", frame.module_offset);
  }
  return object;
}

nlohmann::json ThreadJson(const machine::ThreadReport& thread) {
  nlohmann::json stack = nlohmann::json::array();
  for (const machine::Frame& frame : thread.stack) stack.push_back(FrameJson(frame));
  return {{"pid", thread.pid},
          {"tid", thread.tid},
          {"pc", absl::StrFormat("0x%x", thread.pc)},
          {"state", thread.state},
          {"stack", stack}};
}

// A number of events in 1000 as one in a million: at most 1000, with three decimals at most.
std::optional<uint64_t> ParseRate(const std::string& text) {
  static const re2::RE2 kRate("([0-9]{1,4})(?:\\.([0-9]{1,3}))?");
  std::string whole, decimals;
  if (!re2::RE2::FullMatch(text, kRate, &whole, &decimals)) return std::nullopt;
  decimals.resize(3, '0');
  const uint64_t rate = std::stoul(whole) * 1000 + std::stoul(decimals);
  if (rate > 1'000'000) return std::nullopt;
  return rate;
}

class RunCommand final : public Command {
 public:
  CLI::App* Declare(CLI::App& app) override {
    run_ = app.add_subcommand(
        "run",
        "pollux run [FLAG...] GUEST [ARG...]: run GUEST, a RISC-V Linux program; "
        "all words after GUEST are its arguments.");
    run_->prefix_command();
    const auto number = CLI::Validator(
        [](std::string& text) {
          const bool digits =
              !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
          return digits && text.size() <= 19 ? std::string()
                                             : "must be a number from 0 to 9999999999999999999";
        },
        "NUMBER");
    run_->add_option("--seed", seed_,
                     "Decides all that is left to chance: addresses, random numbers. Default 1.")
        ->check(number);
    run_->add_flag(absl::StrCat("--trace{", kEveryName, "}"), trace_,
                   "Print each system call on stderr as strace does; --trace=RE2 only those whose "
                   "whole name matches.");
    run_->add_option("--trace_file", trace_file_, "Print the trace to this file.");
    run_->add_option("--clock", clock_,
                     "virtual (default): a sleep costs nothing and a run can be repeated; host: "
                     "time is the host's, for guests that talk to the outside, and no two runs are "
                     "the same.")
        ->check(CLI::IsMember({"virtual", "host"}));
    AddList("--publish", publish_,
            "[HOSTIP:]HOSTPORT:GUESTPORT: clients on this machine reach the guest's TCP server at "
            "HOSTPORT of 127.0.0.1, or of another loopback address; HOSTPORT 0: a free one, told "
            "on stderr. Needs --clock=host. Repeatable.");
    run_->add_option("--strategy", strategy_,
                     "Which thread runs next where several can: random (default), decided by the "
                     "seed, or round_robin.")
        ->check(CLI::IsMember({"random", "round_robin"}));
    run_->add_option("--preemption_rate", preemption_rate_,
                     "Expected preemptions in 1000 instructions while several threads can run; a "
                     "decimal number. Default 1; 0: only where a thread waits.");
    run_->add_option("--cpus", cpus_, "How many processors the guest sees, 1 to 64. Default 4.")
        ->check(number);
    AddList("--env", environment_,
            "NAME=VALUE in the guest's environment, which is empty otherwise. Repeatable.");
    run_->add_option("--root", root_,
                     "A directory of the host with the dynamic linker and libraries of a "
                     "dynamically linked guest, such as /usr/riscv64-linux-gnu: its files are "
                     "shown below /, read-only.");
    AddList("--dir", mounts_,
            "GUESTPATH=HOSTDIR[:ro]: show a directory of the host to the guest. Repeatable; "
            "nothing else of the host is seen.");
    run_->add_option("--cwd", cwd_, "The guest's working directory. Default /.");
    run_->add_option("--uid", uid_, "The guest's user and group id. Default 1000.")->check(number);
    run_->add_option("--max_memory", max_memory_,
                     "Bytes of memory that the guest may use; suffix K, M or G. Default 4G.");
    run_->add_option(
            "--max_steps", max_steps_,
            "Instructions after which the guest counts as hanging (exit 124). Default 0: no limit.")
        ->check(number);
    run_->add_option("--engine", engine_,
                     "fast (default), or reference: one instruction at a time, slow.")
        ->check(CLI::IsMember({"fast", "reference"}));
    run_->add_flag("--json", json_,
                   "At the end, print one JSON object on stderr: how the guest ended, and whose "
                   "status it is.");
    return run_;
  }

  int Run() override {
    std::optional<std::vector<std::string>> words = WordsAfterFlags(*run_, "GUEST");
    if (!words.has_value()) return kExitUsage;
    std::optional<machine::Options> options = MakeOptions();
    if (!options.has_value()) return kExitUsage;

    const std::string& guest = words->front();
    absl::StatusOr<std::string> file = ReadHostFile(guest);
    if (!file.ok()) {
      return Fail(file.status().message(),
                  absl::IsNotFound(file.status()) ? kExitNotFound : kExitCannotLoad);
    }
    absl::StatusOr<std::unique_ptr<machine::Machine>> machine =
        machine::Machine::Create(*std::move(options));
    if (!machine.ok()) return Fail(machine.status().message(), kExitUsage);
    if (absl::Status loaded = (*machine)->Load(*file, guest, *words); !loaded.ok()) {
      if (!absl::IsFailedPrecondition(loaded)) return Fail(loaded.message(), kExitUsage);
      return Fail(absl::StrCat(guest, ": ", loaded.message()), kExitCannotLoad);
    }
    file->clear();
    file->shrink_to_fit();
    return Report((*machine)->Run());
  }

 private:
  void AddList(const char* name, std::vector<std::string>& values, const char* text) {
    run_->add_option(name, values, text)
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }

  std::optional<machine::Options> MakeOptions() {
    machine::Options options;
    options.seed = seed_;
    options.engine = engine_ == "fast" ? interp::EngineKind::kFast : interp::EngineKind::kReference;
    options.clock = clock_ == "host" ? machine::ClockSource::kHost : machine::ClockSource::kVirtual;
    options.publish = publish_;
    options.strategy =
        strategy_ == "random" ? machine::StrategyKind::kRandom : machine::StrategyKind::kRoundRobin;
    const std::optional<uint64_t> rate = ParseRate(preemption_rate_);
    if (!rate.has_value()) {
      return Refuse(absl::StrCat("--preemption_rate=", preemption_rate_,
                                 ": must be a decimal number from 0 to 1000"));
    }
    options.preemption_rate.per_million = *rate;
    if (cpus_ < 1 || cpus_ > 64) return Refuse(absl::StrCat("--cpus=", cpus_, ": must be 1 to 64"));
    options.cpus = static_cast<int>(cpus_);
    options.root = root_;
    options.mounts = mounts_;
    options.environment = environment_;
    options.cwd = cwd_;
    options.max_steps = max_steps_;
    for (const std::string& variable : environment_) {
      if (variable.find('=') == std::string::npos || variable[0] == '=') {
        return Refuse(absl::StrCat("--env=", variable, ": must be NAME=VALUE"));
      }
    }
    if (uid_ > UINT32_MAX - 1)
      return Refuse(absl::StrCat("--uid=", uid_, ": must be below 4294967295"));
    options.uid = options.gid = static_cast<uint32_t>(uid_);
    const std::optional<uint64_t> max_memory = ParseBytes(max_memory_);
    if (!max_memory.has_value()) {
      return Refuse(
          absl::StrCat("--max_memory=", max_memory_, ": must be a number of bytes such as 512M"));
    }
    options.max_memory_bytes = *max_memory;
    if (!trace_.empty() || !trace_file_.empty()) {
      options.trace_filter = trace_.empty() ? kEveryName : trace_;
      const re2::RE2 pattern(options.trace_filter, re2::RE2::Quiet);
      if (!pattern.ok()) return Refuse(absl::StrCat("--trace=", trace_, ": ", pattern.error()));
      if (!trace_lines_.Open(trace_file_)) {
        return Refuse(absl::StrCat("--trace_file=", trace_file_, ": ", std::strerror(errno)));
      }
      options.trace = [this](std::string_view line) { trace_lines_.Write(line); };
    }
    options.warn = [](std::string_view line) { PrintError(std::string(line)); };
    return options;
  }
  std::nullopt_t Refuse(absl::string_view message) {
    PrintError(absl::StrCat("run: ", message));
    return std::nullopt;
  }

  // An error of ours, before the guest began.
  int Fail(absl::string_view message, int status) {
    PrintError(message);
    if (json_)
      PrintJson({{"whose", "pollux"}, {"exit_status", status}, {"error", std::string(message)}});
    return status;
  }

  int Report(const machine::Outcome& outcome) {
    if (!outcome.explanation.empty()) PrintError(outcome.explanation);
    const bool guests = outcome.kind == machine::Outcome::Kind::kExited ||
                        outcome.kind == machine::Outcome::Kind::kKilled;
    if (json_) {
      nlohmann::json object = {{"whose", guests ? "guest" : "pollux"},
                               {"exit_status", outcome.ExitCode()},
                               {"outcome", KindName(outcome.kind)},
                               {"status", outcome.status},
                               {"signal", outcome.signal},
                               {"instructions", outcome.instructions},
                               {"virtual_time_ns", outcome.virtual_time.value},
                               {"seed", seed_}};
      for (const machine::ThreadReport& thread : outcome.threads)
        object["threads"].push_back(ThreadJson(thread));
      PrintJson(object);
    }
    return outcome.ExitCode();
  }

  static void PrintJson(const nlohmann::json& object) {
    const std::string text = object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    std::fprintf(stderr, "%s\n", text.c_str());
  }

  CLI::App* run_ = nullptr;
  uint64_t seed_ = 1, uid_ = 1000, max_steps_ = 0, cpus_ = 4;
  std::string strategy_ = "random", preemption_rate_ = "1", root_, clock_ = "virtual";
  std::string trace_, trace_file_, cwd_ = "/", max_memory_ = "4G", engine_ = "fast";
  std::vector<std::string> environment_, mounts_, publish_;
  bool json_ = false;
  LineWriter trace_lines_;
};

}  // namespace

std::unique_ptr<Command> MakeRunCommand() { return std::make_unique<RunCommand>(); }

}  // namespace pollux::cli
