// Machine: one guest world: engines, memory, the emulated kernel, its clock and random streams,
// joined. Runs a guest program to its end.
//
// Deterministic: the same options, guest and mounted files give the same run, instruction by
// instruction; but not with ClockSource::kHost, which is for guests that talk to the outside. One
// host thread runs one machine; nothing here is shared between machines.
#ifndef POLLUX_MACHINE_MACHINE_H_
#define POLLUX_MACHINE_MACHINE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "interp/engine/engine.h"
#include "machine/findings.h"
#include "machine/history/futex_word.h"
#include "machine/strategy/strategies.h"
#include "machine/strategy/strategy.h"
#include "memory/arena.h"
#include "memory/snapshot.h"
#include "os_emu/task/kernel.h"
#include "os_emu/vfs/host_fd.h"

namespace pollux::machine {

struct History;  // machine/history/history.h

// What makes a machine's time pass: instructions, and jumps where everybody waits; or the host's.
enum class ClockSource { kVirtual, kHost };

// What the guest is and what it sees.
struct Options {
  uint64_t seed = 1;
  ClockSource clock = ClockSource::kVirtual;
  // "HOSTPORT:GUESTPORT" or "HOSTIP:HOSTPORT:GUESTPORT": clients on the host's loopback interface
  // reach the guest's TCP server. With ClockSource::kHost only.
  std::vector<std::string> publish;
  interp::EngineKind engine = interp::EngineKind::kFast;
  // Who runs next, where several threads can, once there are more than one. Of a kind that wants
  // events SetStrategy() tells (explore/explorer.h makes it); without, they run in order.
  StrategyOptions strategy;
  // Calls that faults may happen to (shims/faults.h), as often as strategy.faults says: those whose
  // whole name this RE2 pattern matches. Empty: none. Like all choices, from the fork point on,
  // which is before the first such call if not earlier.
  std::string faults;
  // What its choices come from; none: `seed`.
  std::optional<uint64_t> schedule_seed;
  int cpus = 4;      // How many the guest sees.
  std::string root;  // A host directory whose files a dynamic guest needs; empty: none.
  std::vector<std::string> mounts;       // "GUESTPATH=HOSTDIR" or "GUESTPATH=HOSTDIR:ro".
  std::vector<std::string> environment;  // "NAME=VALUE"
  std::string cwd = "/";
  uint32_t uid = 1000, gid = 1000;
  uint64_t max_memory_bytes = uint64_t{4} << 30;
  uint64_t max_steps =
      0;  // Retired instructions after which the guest counts as hanging; 0: no limit.
  // What the guest writes to its stdout (1) and stderr (2), which are like pipes then; stdin is
  // empty. Null: the host's streams.
  std::function<void(int stream, std::string_view bytes)> output;
  // One strace line for each system call whose name matches (see shims), without the newline. Null:
  // no trace.
  std::function<void(std::string_view line)> trace;
  // `trace` gets records in place of lines: bytes, for a hash, of what a line says and of what it
  // leaves out (shims/shims.h TraceForm).
  bool trace_records = false;
  // The names to trace: an RE2 that must match the whole name; empty: all.
  std::string trace_filter;
  // What the threads asked for and what followed is remembered, and an end that is a failure is
  // explained by it (machine/history). Such a machine cannot be saved.
  bool explain = false;
  // With `explain`: each call's line of the trace is remembered, too. A trace filter holds for it.
  bool explain_texts = false;
  // Outcome::unowned_words of an earlier run that was the same: who holds these locks is known
  // then.
  std::vector<FutexWord> explain_words;
  // Lints that are told in Outcome::lints (machine/history/lints.h): a bit 1 << kind each. As
  // `explain`, if there is any.
  uint32_t lints = 0;
  // So are the last places where a thread gave way though it could run: of a schedule that was
  // shrunk, where there is none too many.
  bool explain_preemptions = false;
  // Warnings and notes for people, one line each without the newline (unsupported system calls, the
  // host's port where `publish` left the choice to pollux).
  std::function<void(std::string_view line)> warn;
};

// How a run ended.
struct Outcome {
  enum class Kind {
    kExited,     // exit_group(status)
    kKilled,     // By `signal`.
    kDeadlock,   // Nobody can run and nothing is due.
    kStepLimit,  // max_steps were retired.
    kAbandoned,  // The strategy has ended it.
  };
  Kind kind = Kind::kExited;
  int status = 0;
  int signal = 0;
  uint64_t instructions = 0;
  // With EngineKind::kCounting: operations of the bytecode, and instructions that were none.
  uint64_t operations = 0;
  uint64_t reference_steps = 0;
  Nanos virtual_time;  // Since boot.
  // For people, in lines that begin with "pollux: " after the first. kDeadlock, kStepLimit: who
  // waits where. kKilled: the signal, and the fault if it was one, with the stack of who died. Else
  // empty.
  std::string explanation;
  // With Options::explain: the stacks of calls that reasons speak of, and of those in which threads
  // wait, a line a frame; by the call's id.
  std::map<uint64_t, std::string> call_stacks;
  // With Options::explain: all that is remembered, but for stacks.
  std::shared_ptr<const History> history;
  // With Options::explain, of a deadlock: where threads wait for a wake-up that may be a lock's
  // whose owner is not known.
  std::vector<FutexWord> unowned_words;
  // Of Options::lints, in the order in which they were seen.
  struct Lint {
    std::string name, text;
    // Of the call in which it showed (of a child: in which it was made); of the first few, and with
    // SetStacks(true).
    std::vector<Frame> stack;
  };
  std::vector<Lint> lints;
  // With Options::explain: why, a paragraph each, the decisive one first. In `explanation` too.
  std::vector<std::string> reasons;
  // The same threads. kKilled: the one that died, if it was by a signal that would dump core.
  std::vector<ThreadReport> threads;
  // Where SetStacks(false) was said, in place of their stacks, and of those of lints: see
  // machine/fingerprint.h.
  uint64_t fingerprint = 0;

  // What a shell would see: the status, 128 + signal, or 124 for a hang.
  int ExitCode() const;
};

class Machine {
 public:
  // kInvalidArgument: an option that makes no sense (one line for people). kResourceExhausted: the
  // host refused memory.
  static absl::StatusOr<std::unique_ptr<Machine>> Create(Options options);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // Makes the first process from an ELF file's bytes. `name` is what the guest was called (the last
  // component becomes its path in the guest, "/bin/NAME"); argv[0] is arguments[0].
  // kFailedPrecondition: it cannot be loaded; kInvalidArgument: a mount, the working directory or a
  // published port makes no sense; and why, in one line.
  absl::Status Load(std::string_view file, std::string_view name,
                    const std::vector<std::string>& arguments);

  // Runs the guest to its end. Once, after Load, unless it is put back.
  Outcome Run();
  // Runs until all harts together have retired so many instructions. Nothing: they have; where it
  // stopped does not change how it goes on.
  std::optional<Outcome> RunUntil(uint64_t instructions);
  // Runs to the fork point, where choices begin: before the call that makes a second thread or
  // process; or, where the guest has asked that they begin later (docs/exploring.md), before that
  // call. Nothing: it is there. Else it has ended without.
  std::optional<Outcome> RunToForkPoint();
  // The guest has asked that choices begin later, and not yet said that they do.
  bool holds_choices() const;
  // Who chooses from now on; not owned, null: as the options say. Restore() brings back who it was
  // at Save().
  void SetStrategy(Strategy* strategy);
  // Whether an end that is explained has the threads' stacks, which cost tens of milliseconds; from
  // now on. By default it has. Restore() brings back how it was at Save().
  void SetStacks(bool stacks);
  // Retired by all harts so far.
  uint64_t instructions() const;

  // ---- Copies: everything that the machine is, at one moment, between two instructions.
  // Keeps it as it is now, in place of what was kept before. kFailedPrecondition: why that cannot
  // be, in one line: it has something of the host's that does not go back (its clock, directories
  // that it may write to). kResourceExhausted: there is no arena (memory/arena.h).
  absl::Status Save();
  // It is again as it was at Save(), any number of times; what it has written to the host's streams
  // stays written. Costs what has changed since: 4 KiB for each page, and the kernel's objects.
  void Restore();

 private:
  class Impl;
  Machine();

  std::unique_ptr<memory::Arena> arena_;  // Of impl_ and all that it owns. Null: there is none.
  std::unique_ptr<Impl> impl_;
  std::unique_ptr<memory::Snapshot> snapshot_;
  std::unique_ptr<memory::Arena::Image> image_;
  std::unique_ptr<os_emu::KeptHostFds> host_fds_;
};

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_MACHINE_H_
