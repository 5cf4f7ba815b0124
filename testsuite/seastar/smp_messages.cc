// Messages between Seastar's cores (src/core/smp.cc: smp_message_queue; src/core/reactor.cc:
// smp_pollfn): each pair of cores has rings with one producer and one consumer, and a core is woken
// by its eventfd only if it sleeps, which it says in a flag.
//
// A message that comes between a core's last look at its rings and its epoll_pwait must not wait
// there: whoever goes to sleep raises the flag, makes a barrier for all threads by membarrier(2)
// and looks again; whoever sends pushes, then looks at the flag.
#include "testsuite/seastar/reactor.h"

namespace {

constexpr int kCores = 3, kRounds = 40, kBurst = 20;

// One message in flight: it goes round all cores, each of which sleeps in between.
struct Relay {
  void Step(int steps_left) {
    if (steps_left == 0) return done();
    Reactor& core = Reactor::Current();
    core.SubmitTo((core.core + 1) % kCores, [this, steps_left] { Step(steps_left - 1); });
  }
  Task done;
};

// More messages at once than a ring holds, to all cores, and an answer to each. The counters are
// core 0's alone.
struct Burst {
  void Start() {
    for (int i = 0; i < kBurst; ++i) {
      for (int core = 1; core < kCores; ++core) {
        Reactor::Current().SubmitTo(core, [this, i, core] {
          seen[core] += i;
          Reactor::Current().SubmitTo(0, [this] {
            if (++answers == kBurst * (kCores - 1)) done();
          });
        });
      }
    }
  }
  int seen[kCores] = {};
  int answers = 0;
  Task done;
};

}  // namespace

int main() {
  Smp smp(kCores);
  Relay relay;
  Burst burst;
  relay.done = [&] {
    std::printf("the relay ends on core %d\n", Reactor::Current().core);
    burst.Start();
  };
  burst.done = [&] {
    std::printf("answers: %d, sums %d and %d\n", burst.answers, burst.seen[1], burst.seen[2]);
    smp.Stop();
  };
  smp.Run([&] { relay.Step(kRounds * kCores); });
  return 0;
}
