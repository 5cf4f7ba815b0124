#include "explore/campaign.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "abi/check.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "explore/shared_state.h"
#include "machine/strategy/feedback.h"
#include "os_emu/task/signal.h"

namespace pollux::explore {

using Clock = std::chrono::steady_clock;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

namespace {

// What a child has used so far; 0 once it has ended.
std::chrono::nanoseconds ProcessorTime(pid_t pid) {
  clockid_t clock;
  timespec used = {};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) return {};
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

// ---- Messages of a worker: a finding, a warning, that it has begun, or why it could not.

nlohmann::json ToJson(const Finding& finding) {
  return {{"key", finding.key},
          {"summary", finding.summary},
          {"first_seed", finding.first_seed},
          {"schedules", finding.schedules},
          {"explanation", finding.explanation},
          {"output", finding.output},
          {"lint", finding.lint},
          {"lost", finding.lost}};
}

Finding FindingFrom(const nlohmann::json& object) {
  return {.key = object["key"],
          .summary = object["summary"],
          .first_seed = object["first_seed"],
          .schedules = object["schedules"],
          .explanation = object["explanation"],
          .output = object["output"],
          .lint = object["lint"],
          .lost = object["lost"]};
}

// A guest's output is any bytes.
std::string Packed(const nlohmann::json& object) {
  const std::vector<uint8_t> bytes = nlohmann::json::to_msgpack(object);
  return {bytes.begin(), bytes.end()};
}

// Whether `line` is not among those that were said. A hostile guest can make many.
bool IsNews(std::set<std::string, std::less<>>& said, std::string_view line) {
  constexpr size_t kMaxWarnings = 1000;
  return said.size() < kMaxWarnings && said.emplace(line).second;
}

// ---- A worker's process.

class Worker {
 public:
  Worker(const CampaignOptions& options, const Guest& guest, SharedState& state, int index,
         int to_campaign)
      : options_(options),
        guest_(guest),
        state_(state),
        mine_(state.workers[index]),
        to_campaign_(to_campaign) {}

  // Until no seed is left.
  void Work() {
    machine::Options machine = options_.machine;
    if (options_.hash_traces) {
      machine.trace = [this](std::string_view record) { Hash(record); };
      machine.trace_records = true;
    }
    if (machine.warn) machine.warn = [this](std::string_view line) { Warn(line); };
    absl::StatusOr<std::unique_ptr<Explorer>> explorer =
        Explorer::Create(std::move(machine), guest_, options_.expectation);
    if (!explorer.ok()) {
      Tell({{"error", explorer.status().message()},
            {"code", static_cast<int>(explorer.status().code())}});
      return;
    }
    (*explorer)->set_on_run([this] {
      ++mine_.runs;
      hash_ = 0;  // Of what comes before the fork point, and of runs that lead to this one.
    });
    Tell({{"begins", true},
          {"only_one", (*explorer)->only_one()},
          {"length", (*explorer)->strategy().length}});
    if ((*explorer)->only_one()) state_.last_seed = options_.first_seed;
    while (const std::optional<uint64_t> taken = TakeSeed()) {
      const uint64_t seed = *taken;
      mine_.seed = seed;
      mine_.next = seed + 1;
      const Run run = (*explorer)->RunSeed(seed);
      if (run.none) {
        state_.last_seed = seed - 1;
        Tell({{"all", !run.cut}, {"bounded", run.bounded}});
        return;
      }
      if (options_.hash_traces) HashEnd(run, seed);
      if (IsFinding(run, options_.expectation)) Found(FindingOf(run, options_.expectation, seed));
      mine_.seed = SharedState::kIdle;
      ++mine_.schedules;
    }
  }

 private:
  // Each schedule says all that it would say alone: a machine that is put back knows no more what
  // it said. That it was said is remembered here.
  void Warn(std::string_view line) {
    if (IsNews(warned_, line)) Tell({{"warning", line}});
  }
  void Hash(std::string_view bytes) {
    hash_ = XXH3_64bits_withSeed(bytes.data(), bytes.size(), hash_);
  }
  void HashEnd(const Run& run, uint64_t seed) {
    Hash(absl::StrCat(static_cast<int>(run.outcome.kind), " ", run.outcome.ExitCode(), " ",
                      run.outcome.instructions, " ", run.outcome.virtual_time.value, " ", seed));
    Hash(run.written.tail);
    state_.trace_hash += hash_;
    hash_ = 0;
  }
  // None: all are run, or taken by others.
  std::optional<uint64_t> TakeSeed() {
    if (mine_.next >= mine_.end) {
      uint64_t first = state_.next_seed, end;
      do {
        end = EndOfBlock(first);
      } while (!state_.next_seed.compare_exchange_weak(first, end));
      mine_.next = first;
      mine_.end = end;
    }
    if (state_.stop || mine_.next > state_.last_seed) return std::nullopt;
    return mine_.next;
  }
  // Seeds that one worker runs one after the other: up to this one, exclusively. Of a campaign each
  // is found from those before it.
  uint64_t EndOfBlock(uint64_t seed) const {
    if (options_.machine.strategy.kind != machine::StrategyKind::kFeedback) return seed + 1;
    constexpr uint64_t kCampaign = machine::FeedbackSearch::kCampaign;
    return (seed - 1) / kCampaign * kCampaign + kCampaign + 1;
  }
  void Found(Finding finding) {
    if (!options_.keep_going) {
      uint64_t last = state_.last_seed;
      while (finding.first_seed < last &&
             !state_.last_seed.compare_exchange_weak(last, finding.first_seed)) {
      }
    }
    Tell({{"finding", ToJson(finding)}});
  }
  void Tell(const nlohmann::json& object) { SendMessage(to_campaign_, Packed(object)); }

  const CampaignOptions& options_;
  const Guest& guest_;
  SharedState& state_;
  SharedState::Worker& mine_;
  const int to_campaign_;
  uint64_t hash_ = 0;  // Of the schedule under way.
  std::set<std::string, std::less<>> warned_;
};

// ---- The campaign's process.

class Campaign {
 public:
  Campaign(const CampaignOptions& options, const Guest& guest, SharedState& state)
      : options_(options), guest_(guest), state_(state), workers_(options.jobs) {}

  absl::StatusOr<Summary> Run() {
    const Clock::time_point start = Clock::now();
    state_.next_seed = options_.first_seed;
    state_.last_seed = options_.last_seed;
    for (size_t i = 0; i < workers_.size(); ++i) Start(i);
    bool stopped = false;
    while (error_.ok() && living_ > 0) {
      Wait();
      const milliseconds elapsed = duration_cast<milliseconds>(Clock::now() - start);
      if (stopped) continue;
      if (living_ == 0) break;
      stopped = options_.time.has_value() && elapsed >= *options_.time;
      if (options_.progress && !options_.progress({Schedules(), findings_.size(), elapsed}))
        stopped = true;
      if (stopped) {
        state_.stop = true;
        give_up_at_ = Clock::now() + kGrace;
      }
    }
    for (Child& child : workers_) End(child);
    if (!error_.ok()) return error_;
    summary_.elapsed = duration_cast<milliseconds>(Clock::now() - start);
    Conclude();
    return summary_;
  }

 private:
  struct Child {
    pid_t pid = -1;
    int from = -1;
    std::unique_ptr<MessageReader> messages;
    // Since when it has been at this seed, and the processor time that it had used by then.
    uint64_t seed = SharedState::kIdle, runs = 0;
    Clock::time_point since;
    std::chrono::nanoseconds used_before{0};
    bool begun = false;
    uint64_t last_finding = SharedState::kIdle;  // That it has told.
    bool killed = false;                         // By us: it took too long.
  };
  static constexpr milliseconds kTick{50};
  // Schedules under way when the campaign is to stop have so long to end.
  static constexpr milliseconds kGrace{500};

  void Start(size_t index) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
      error_ = absl::ErrnoToStatus(errno, "the host gives no pipe");
      return;
    }
    state_.workers[index].seed = SharedState::kIdle;
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid < 0) {
      error_ = absl::ErrnoToStatus(errno, "the host gives no process");
      close(ends[0]);
      close(ends[1]);
      return;
    }
    if (pid == 0) {
      // Ctrl-C is for the campaign, which says what was found. Workers end with it.
      signal(SIGINT, SIG_IGN);
      signal(SIGPIPE, SIG_IGN);
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(1);
      close(ends[0]);
      Worker(options_, guest_, state_, static_cast<int>(index), ends[1]).Work();
      _exit(0);
    }
    close(ends[1]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    workers_[index] = {.pid = pid,
                       .from = ends[0],
                       .messages = std::make_unique<MessageReader>(ends[0]),
                       .since = Clock::now()};
    ++living_;
  }

  void Wait() {
    std::vector<pollfd> pipes;
    for (const Child& child : workers_) {
      if (child.pid > 0) pipes.push_back({child.from, POLLIN, 0});
    }
    poll(pipes.data(), pipes.size(), static_cast<int>(kTick.count()));
    for (size_t i = 0; i < workers_.size(); ++i) {
      Child& child = workers_[i];
      if (child.pid <= 0) continue;
      Hear(child);
      int status;
      if (waitpid(child.pid, &status, WNOHANG) == child.pid) {
        Hear(child);  // What it said last.
        Close(child);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) Lost(i, status);
        continue;
      }
      Watch(i);
    }
  }

  // One that takes too long is ended. Its processor time counts, which is the schedule's own: where
  // others keep the processors busy, the same seeds must still give the same. One that sleeps has
  // no business to.
  void Watch(size_t index) {
    Child& child = workers_[index];
    const uint64_t seed = state_.workers[index].seed;
    const Clock::time_point now = Clock::now();
    const uint64_t runs = state_.workers[index].runs;
    if (seed != child.seed || runs != child.runs) {
      child.seed = seed;
      child.runs = runs;
      child.since = now;
      child.used_before = ProcessorTime(child.pid);
    }
    constexpr int kAsleep = 20;
    const bool too_long = seed != SharedState::kIdle && now - child.since > options_.patience &&
                          (ProcessorTime(child.pid) - child.used_before > options_.patience ||
                           now - child.since > kAsleep * options_.patience);
    if (!too_long && (!give_up_at_.has_value() || now < *give_up_at_)) return;
    child.killed = too_long;
    kill(child.pid, SIGKILL);
  }

  void Hear(Child& child) {
    while (const std::optional<std::string> message = child.messages->Next()) {
      const nlohmann::json object = nlohmann::json::from_msgpack(*message);
      if (object.contains("finding")) {
        findings_.Add(FindingFrom(object["finding"]));
        child.last_finding = object["finding"]["first_seed"];
        if (!options_.keep_going) {
          first_finding_ = std::min(first_finding_, uint64_t{object["finding"]["first_seed"]});
        }
      } else if (object.contains("warning")) {
        const std::string line = object["warning"];
        if (IsNews(warned_, line)) options_.machine.warn(line);
      } else if (object.contains("error")) {
        error_ = absl::Status(static_cast<absl::StatusCode>(object["code"].get<int>()),
                              object["error"].get<std::string>());
      } else if (object.contains("all")) {
        summary_.all_within_bound = object["all"];
        summary_.all_there_are = object["all"] && !object["bounded"];
      } else {
        child.begun = true;
        summary_.only_one = object["only_one"];
        summary_.strategy.length = object["length"];
      }
    }
  }

  // A worker has ended in the midst of its work.
  void Lost(size_t index, int status) {
    const uint64_t seed = state_.workers[index].seed;
    if (state_.stop && !workers_[index].killed) return;
    const std::string how =
        workers_[index].killed
            ? absl::StrCat("a schedule took longer than ", options_.patience.count() / 1000, " s")
        : WIFSIGNALED(status)
            ? absl::StrCat("pollux itself was killed by ", os_emu::SignalName(WTERMSIG(status)))
            : absl::StrCat("pollux itself ended with status ", WEXITSTATUS(status));
    if (seed == SharedState::kIdle) {
      // Between two schedules nothing is lost; before the first one nothing will come of it.
      if (workers_[index].begun) {
        Start(index);
      } else {
        error_ = absl::InternalError(absl::StrCat(how, " before the first schedule"));
      }
      return;
    }
    ++state_.workers[index].schedules;
    if (workers_[index].last_finding == seed) {
      Start(index);  // It had run to its end.
      return;
    }
    findings_.Add(LostWorker(how, seed));
    if (!options_.keep_going) {
      first_finding_ = std::min(first_finding_, seed);
      state_.last_seed = std::min<uint64_t>(state_.last_seed, seed);
    }
    if (options_.machine.strategy.kind == machine::StrategyKind::kExhaustive) {
      // Who comes after it would have to go the same way.
      broken_ = true;
      state_.last_seed = std::min<uint64_t>(state_.last_seed, seed);
      return;
    }
    const SharedState::Worker& mine = state_.workers[index];
    const uint64_t next = mine.next < mine.end ? mine.next.load() : state_.next_seed.load();
    if (next <= state_.last_seed) Start(index);
  }

  void End(Child& child) {
    if (child.pid <= 0) return;
    kill(child.pid, SIGKILL);
    waitpid(child.pid, nullptr, 0);
    Hear(child);
    Close(child);
  }
  void Close(Child& child) {
    close(child.from);
    child.pid = -1;
    --living_;
  }

  uint64_t Schedules() const {
    uint64_t sum = 0;
    for (const SharedState::Worker& worker : state_.workers) sum += worker.schedules;
    return sum;
  }

  void Conclude() {
    summary_.schedules = Schedules();
    const machine::StrategyOptions& asked = options_.machine.strategy;
    const uint64_t length = summary_.strategy.length;
    summary_.strategy = asked;
    if (asked.length == 0) summary_.strategy.length = length;
    summary_.complete = !state_.stop && !broken_;
    summary_.trace_hash = state_.trace_hash;
    // Seeds beyond the first finding were run as it happened; they do not count.
    for (const Finding& finding : findings_.All()) {
      if (options_.keep_going || finding.first_seed == first_finding_)
        summary_.findings.push_back(finding);
    }
    if (!options_.keep_going && first_finding_ != UINT64_MAX && summary_.complete)
      summary_.schedules = first_finding_ - options_.first_seed + 1;
    if (!options_.keep_going) {
      for (Finding& finding : summary_.findings) finding.schedules = 1;
    }
  }

  const CampaignOptions& options_;
  const Guest& guest_;
  SharedState& state_;
  std::vector<Child> workers_;
  int living_ = 0;
  bool broken_ = false;  // Some seeds cannot be run.
  Findings findings_;
  uint64_t first_finding_ = UINT64_MAX;
  std::optional<Clock::time_point> give_up_at_;
  Summary summary_;
  absl::Status error_;
  std::set<std::string, std::less<>> warned_;  // By any worker.
};

}  // namespace

absl::StatusOr<Summary> RunCampaign(const CampaignOptions& options, const Guest& guest) {
  POLLUX_CHECK(options.jobs >= 1 && options.jobs <= SharedState::kMostWorkers) << "jobs";
  absl::StatusOr<std::unique_ptr<SharedState, SharedState::Unmap>> state = SharedState::Create();
  if (!state.ok()) return state.status();
  return Campaign(options, guest, **state).Run();
}

}  // namespace pollux::explore
