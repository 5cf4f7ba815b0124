// libev_async: ev_async_send (ev.c: evpipe_write, pipecb, ev_run). The eventfd is written to only
// while the loop says that it may sleep, pipe_write_wanted. Both sides store first and look at the
// other's store then, with a full fence between: the sender marks a wake-up as skipped and asks
// whether one is wanted; the loop says that one is wanted, and does not sleep where one was
// skipped. If either saw the old value of the other, one of them would act, never neither.
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "testsuite/basics/check.h"

namespace {

constexpr int kSenders = 2;
constexpr int kRounds = 25;

using Flag = std::atomic<int>;
constexpr auto kRelaxed = std::memory_order_relaxed;

struct Loop {
  Loop() : epoll(epoll_create1(EPOLL_CLOEXEC)), wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    epoll_event event = {};
    event.events = EPOLLIN;
    Must(epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &event) == 0, "epoll_ctl");
  }
  ~Loop() {
    close(wake);
    close(epoll);
  }

  // ev_async_send.
  void Send(int async) {
    sent[async].store(1, kRelaxed);
    // evpipe_write
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (async_pending.load(kRelaxed)) return;
    async_pending.store(1, kRelaxed);
    std::atomic_thread_fence(std::memory_order_release);
    write_skipped.store(1, kRelaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!write_wanted.load(kRelaxed)) return;
    write_skipped.store(0, kRelaxed);
    std::atomic_thread_fence(std::memory_order_release);
    const uint64_t one = 1;
    Must(write(wake, &one, sizeof one) == sizeof one, "waking the loop");
  }

  // One turn of ev_run; `callback` hears of what was sent.
  template <typename Callback>
  void Turn(Callback callback) {
    write_wanted.store(1, kRelaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const int timeout_ms = write_skipped.load(kRelaxed) ? 0 : -1;
    epoll_event event;
    const int count = TEMP_FAILURE_RETRY(epoll_wait(epoll, &event, 1, timeout_ms));
    Must(count >= 0, "epoll_wait");
    write_wanted.store(0, kRelaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (count == 0 && !write_skipped.load(kRelaxed)) return;
    // pipecb
    uint64_t value;
    if (count == 1) Must(read(wake, &value, sizeof value) == sizeof value, "the loop was woken");
    write_skipped.store(0, kRelaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!async_pending.load(kRelaxed)) return;
    async_pending.store(0, kRelaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    for (int async = 0; async < kSenders; ++async) {
      if (!sent[async].load(kRelaxed)) continue;
      sent[async].store(0, kRelaxed);
      std::atomic_thread_fence(std::memory_order_seq_cst);
      callback(async);
    }
  }

  const int epoll, wake;
  Flag sent[kSenders] = {}, async_pending = 0, write_skipped = 0, write_wanted = 0;
};

}  // namespace

int main() {
  Loop loop;
  // Each sender waits for the answer to its last before it sends the next, so one lost is a hang.
  std::atomic<int> asked[kSenders] = {}, answered[kSenders] = {};
  std::vector<std::thread> senders;
  for (int async = 0; async < kSenders; ++async) {
    senders.emplace_back([&, async] {
      for (int round = 1; round <= kRounds; ++round) {
        asked[async].store(round);
        loop.Send(async);
        for (int now; (now = answered[async].load()) < round;) answered[async].wait(now);
      }
    });
  }
  int done = 0;
  while (done < kSenders * kRounds) {
    loop.Turn([&](int async) {
      if (asked[async].load() == answered[async].load()) return;  // Told twice.
      ++answered[async];
      answered[async].notify_one();
      ++done;
    });
  }
  for (std::thread& sender : senders) sender.join();
  std::printf("%d senders, %d answers each\n", kSenders, kRounds);
  return 0;
}
