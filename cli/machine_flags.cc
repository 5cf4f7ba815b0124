#include "cli/machine_flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/validators.h"
#include "machine/strategy/strategies.h"
#include "re2/re2.h"

namespace pollux::cli {
namespace {

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

std::vector<std::string> StrategyNames() {
  std::vector<std::string> names;
  for (const machine::StrategyRow& row : machine::StrategyRows()) names.emplace_back(row.name);
  return names;
}

std::string StrategyText() {
  std::vector<std::string> rows;
  for (const machine::StrategyRow& row : machine::StrategyRows())
    rows.push_back(absl::StrCat(std::string(row.name), ": ", std::string(row.text)));
  return absl::StrCat("Which thread runs next where several can. ", absl::StrJoin(rows, "; "),
                      ". Default random.");
}

}  // namespace

void AddList(CLI::App& command, const char* name, std::vector<std::string>& values,
             const char* text) {
  command.add_option(name, values, text)
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void MachineFlags::Declare(CLI::App& command, uint64_t max_steps) {
  command_ = &command;
  max_steps_ = max_steps;
  const CLI::Validator number = NumberValidator();
  command
      .add_option("--seed", seed_,
                  "Decides all that is left to chance: addresses, random numbers. Default 1.")
      ->check(number);
  command.add_option("--strategy", strategy_, StrategyText())
      ->check(CLI::IsMember(StrategyNames()));
  command.add_option("--preemption_rate", preemption_rate_,
                     "Expected preemptions in 1000 instructions while several threads can run; a "
                     "decimal number. Default 1; 0: only where a thread waits. Of the strategies "
                     "random and round_robin.");
  command.add_option("--early_deadlines", early_deadlines_,
                     "Expected deadlines (of sleeps, timeouts and timers) that are reached though "
                     "somebody could run, in 1000 choices of who runs next: who could is held up "
                     "meanwhile. A decimal number. Default 0.");
  command.add_option(
      "--faults", faults_,
      "RE2[:RATE]: let happen what Linux may do and seldom does, to system calls whose whole name "
      "RE2 matches: no memory for what a call would make (ENOMEM, ENFILE, ENOBUFS), a wait that "
      "ends with EINTR because the process was stopped and continued, a futex's wake-up that "
      "nobody meant. And what has a name of its own: sc (a lost reservation); tcp_delay, tcp_split "
      "and tcp_window (what networks do to TCP); tcp_reset (connections are lost; only where that "
      "is written out). docs/syscalls.md says what each call may meet. RATE: to so many of 1000 "
      "calls that may; a decimal number below 1000, default 50.");
  command
      .add_option(
          "--wake_order", wake_order_,
          "Whom a futex wakes, or moves, where more threads wait than the call is for. fifo "
          "(default): who came first, as Linux does where all have one priority; any: "
          "whoever the strategy says, since futex(2) promises no order. Locks with priority "
          "inheritance keep Linux's.")
      ->check(CLI::IsMember({"fifo", "any"}));
  command
      .add_option("--depth", depth_,
                  "Of the strategy pct: how many ordering constraints the bugs that are looked for "
                  "have. Default 3.")
      ->check(number);
  command
      .add_option(
          "--length", length_,
          "Of the strategy pct: of how many choices a schedule consists. Default 0: as many "
          "as first runs show.")
      ->check(number);
  command
      .add_option(
          "--preemption_bound", preemption_bound_,
          "Of the strategy exhaustive: schedules with more preemptions are not tried, those "
          "with fewer come first. All orders of events count then, also those that cannot "
          "matter.")
      ->check(number);
  command.add_option("--cpus", cpus_, "How many processors the guest sees, 1 to 64. Default 4.")
      ->check(number);
  AddList(command, "--env", environment_,
          "NAME=VALUE in the guest's environment, which is empty otherwise. Repeatable.");
  command.add_option("--root", root_,
                     "A directory of the host with the dynamic linker and libraries of a "
                     "dynamically linked guest, such as /usr/riscv64-linux-gnu: its files are "
                     "shown below /, read-only.");
  AddList(command, "--dir", mounts_,
          "GUESTPATH=HOSTDIR[:ro]: show a directory of the host to the guest. Repeatable; "
          "nothing else of the host is seen.");
  command.add_option("--cwd", cwd_, "The guest's working directory. Default /.");
  command.add_option("--uid", uid_, "The guest's user and group id. Default 1000.")->check(number);
  command.add_option("--max_memory", max_memory_,
                     "Bytes of memory that the guest may use; suffix K, M or G. Default 4G.");
  command
      .add_option(
          "--max_steps", max_steps_,
          absl::StrCat("Instructions after which the guest counts as hanging (exit 124). Default ",
                       max_steps, max_steps == 0 ? ": no limit." : "; 0: no limit."))
      ->check(number);
  command
      .add_option("--engine", engine_,
                  "fast (default); reference: one instruction at a time, slow; counting: what fast "
                  "does, one operation of the bytecode at a time, with their number in --json.")
      ->check(CLI::IsMember({"fast", "reference", "counting"}));
}

std::nullopt_t MachineFlags::Refuse(absl::string_view message) const {
  PrintError(absl::StrCat(command_->get_name(), ": ", message));
  return std::nullopt;
}

std::optional<machine::Options> MachineFlags::Options() const {
  machine::Options options;
  options.seed = seed_;
  options.engine = engine_ == "fast"        ? interp::EngineKind::kFast
                   : engine_ == "reference" ? interp::EngineKind::kReference
                                            : interp::EngineKind::kCounting;
  options.strategy.kind = *machine::StrategyNamed(strategy_);
  const std::optional<uint64_t> rate = ParseRate(preemption_rate_);
  if (!rate.has_value()) {
    return Refuse(absl::StrCat("--preemption_rate=", preemption_rate_,
                               ": must be a decimal number from 0 to 1000"));
  }
  options.strategy.preemption_rate.per_million = *rate;
  const std::optional<uint64_t> early = ParseRate(early_deadlines_);
  if (!early.has_value() || *early == 1'000'000) {
    return Refuse(absl::StrCat("--early_deadlines=", early_deadlines_,
                               ": must be a decimal number from 0 to 999"));
  }
  options.strategy.early_deadlines.per_million = *early;
  if (*early != 0 && options.strategy.kind == machine::StrategyKind::kExhaustive)
    return Refuse("--early_deadlines leaves time to chance, --strategy=exhaustive nothing");
  if (!faults_.empty()) {
    static const re2::RE2 kNamesAndRate("(.*?)(?::([0-9.]+))?");
    std::string rate_text;
    re2::RE2::FullMatch(faults_, kNamesAndRate, &options.faults, &rate_text);
    const std::optional<uint64_t> faults = ParseRate(rate_text.empty() ? "50" : rate_text);
    if (!faults.has_value() || *faults == 1'000'000) {
      return Refuse(
          absl::StrCat("--faults=", faults_, ": the rate must be a decimal number from 0 to 999"));
    }
    const re2::RE2 names(options.faults, re2::RE2::Quiet);
    if (!names.ok()) return Refuse(absl::StrCat("--faults=", faults_, ": ", names.error()));
    options.strategy.faults.per_million = *faults;
    if (options.strategy.kind == machine::StrategyKind::kExhaustive)
      return Refuse("--faults leaves calls to chance, --strategy=exhaustive nothing");
  }
  options.strategy.wake_order =
      wake_order_ == "any" ? machine::WakeOrder::kAny : machine::WakeOrder::kFifo;
  constexpr uint64_t kMostDepth = 1000;
  if (depth_ < 1 || depth_ > kMostDepth)
    return Refuse(absl::StrCat("--depth=", depth_, ": must be 1 to ", kMostDepth));
  options.strategy.depth = depth_;
  options.strategy.length = length_;
  if (!preemption_bound_.empty()) {
    if (options.strategy.kind != machine::StrategyKind::kExhaustive)
      return Refuse("--preemption_bound is of --strategy=exhaustive");
    constexpr uint64_t kMostPreemptions = 1000;
    uint64_t bound = 0;
    if (!absl::SimpleAtoi(preemption_bound_, &bound) || bound > kMostPreemptions) {
      return Refuse(absl::StrCat("--preemption_bound=", preemption_bound_, ": must be 0 to ",
                                 kMostPreemptions));
    }
    options.strategy.preemption_bound = bound;
  }
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
  options.warn = [](std::string_view line) { PrintError(std::string(line)); };
  return options;
}

std::vector<std::string> MachineFlags::Words() const {
  static constexpr const char* kNames[] = {"--seed",
                                           "--strategy",
                                           "--preemption_rate",
                                           "--early_deadlines",
                                           "--faults",
                                           "--wake_order",
                                           "--depth",
                                           "--length",
                                           "--preemption_bound",
                                           "--cpus",
                                           "--env",
                                           "--root",
                                           "--dir",
                                           "--cwd",
                                           "--uid",
                                           "--max_memory",
                                           "--max_steps",
                                           "--engine"};
  std::vector<std::string> words;
  for (const char* name : kNames) {
    for (const std::string& value : command_->get_option(name)->results())
      words.push_back(absl::StrCat(name, "=", value));
  }
  return words;
}

std::string ShellText(const std::vector<std::string>& words) {
  std::vector<std::string> quoted;
  for (const std::string& word : words) {
    static const re2::RE2 kPlain("[-+=.,:/@%_A-Za-z0-9]+");
    quoted.push_back(re2::RE2::FullMatch(word, kPlain)
                         ? word
                         : absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'"));
  }
  return absl::StrJoin(quoted, " ");
}

}  // namespace pollux::cli
