// strand: Asio's strands over several threads (strand_executor_service.hpp: enqueue, do_post,
// invoker). Handlers of one strand never overlap and keep the order of their posting, in whichever
// threads they run; the counters here are of plain integers, so any overlap would show. A handler
// that posts to its own strand comes after all that was posted before.
#include "testsuite/asio/scheduler.h"

namespace {

constexpr int kStrands = 3;
constexpr int kPosters = 2;
constexpr int kEach = 16;

struct Account {
  int inside = 0;
  int last_of[kPosters] = {};
  int posted_by_handlers = 0, ran = 0;
};

}  // namespace

int main() {
  Scheduler scheduler;
  std::vector<std::unique_ptr<Strand>> strands;
  Account accounts[kStrands];
  for (int i = 0; i < kStrands; ++i) strands.push_back(std::make_unique<Strand>(scheduler));

  // Posters are handlers themselves, so the scheduler has work until both are done.
  for (int poster = 0; poster < kPosters; ++poster) {
    scheduler.Post([&, poster] {
      for (int i = 1; i <= kEach; ++i) {
        for (int s = 0; s < kStrands; ++s) {
          strands[s]->Post([&, poster, i, s] {
            Account& account = accounts[s];
            Must(++account.inside == 1, "handlers of a strand do not overlap");
            Must(account.last_of[poster] == i - 1, "the order of posting is kept");
            account.last_of[poster] = i;
            ++account.ran;
            strands[s]->Post([&account] {
              Must(++account.inside == 1, "handlers of a strand do not overlap");
              ++account.posted_by_handlers;
              --account.inside;
            });
            // Another strand may run meanwhile, this one may not.
            sched_yield();
            --account.inside;
          });
        }
      }
    });
  }
  const int ran = RunIn(scheduler, 3);
  for (const Account& account : accounts) {
    std::printf("a strand: %d, and %d of its own\n", account.ran, account.posted_by_handlers);
  }
  Must(ran >= kPosters + kStrands, "the strands ran in the scheduler");
  return 0;
}
