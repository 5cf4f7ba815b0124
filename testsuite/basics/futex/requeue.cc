// requeue: FUTEX_REQUEUE and FUTEX_CMP_REQUEUE: some are woken, others go on waiting at another
// word, in their order, and are woken there.
#include <memory>
#include <vector>

#include "testsuite/basics/futex/futex.h"

namespace {

Word from = 1, to = 2;

long Requeue(int operation, int wake, int64_t move, uint32_t value = 1) {
  return Futex(&from, operation | FUTEX_PRIVATE_FLAG, static_cast<uint32_t>(wake), move, &to,
               value);
}

}  // namespace

int main() {
  std::vector<std::unique_ptr<FutexWaiter>> waiters;
  const auto add = [&](int count) {
    for (int i = 0; i < count; ++i) {
      waiters.push_back(
          std::make_unique<FutexWaiter>(&from, [] { return Futex(&from, FUTEX_WAIT_PRIVATE, 1); }));
    }
  };
  add(6);
  ShowCount("cmp_requeue, another value", Requeue(FUTEX_CMP_REQUEUE, 1, 1, 7));
  ShowCount("cmp_requeue: one woken, two moved", Requeue(FUTEX_CMP_REQUEUE, 1, 2));
  std::printf("the first: %s\n", waiters[0]->Result());
  std::printf("waiting %ld %ld\n", Waiting(&from), Waiting(&to));
  ShowCount("wake at the other word", Wake(&to, 1));
  std::printf("the second: %s\n", waiters[1]->Result());
  ShowCount("requeue: one woken, all others moved", Requeue(FUTEX_REQUEUE, 1, INT_MAX));
  std::printf("the fourth: %s\n", waiters[3]->Result());
  std::printf("waiting %ld %ld\n", Waiting(&from), Waiting(&to));
  ShowCount("wake at the old word", Wake(&from, INT_MAX));
  ShowCount("wake at the other word, one", Wake(&to, 1));
  std::printf("the third: %s\n", waiters[2]->Result());
  ShowCount("wake at the other word, all", Wake(&to, INT_MAX));
  std::printf("%s, %s\n", waiters[4]->Result(), waiters[5]->Result());

  waiters.clear();
  add(3);
  ShowCount("none woken, one moved", Requeue(FUTEX_CMP_REQUEUE, 0, 1));
  ShowCount("none woken, none moved", Requeue(FUTEX_CMP_REQUEUE, 0, 0));
  ShowCount("to itself", Futex(&from, FUTEX_REQUEUE_PRIVATE, 1, int64_t{INT_MAX}, &from, 0));
  std::printf("the second, for the first has gone: %s\n", waiters[1]->Result());
  ShowCount("wake", Wake(&from, INT_MAX));
  ShowCount("wake at the other word", Wake(&to, INT_MAX));
  std::printf("%s, %s\n", waiters[0]->Result(), waiters[2]->Result());

  // A time that was given goes along; the value is not looked at again.
  const timespec long_time = {1000000, 0};
  {
    FutexWaiter timed(&from, [&] { return Futex(&from, FUTEX_WAIT_PRIVATE, 1, &long_time); });
    Must(Requeue(FUTEX_REQUEUE, 0, 1) == 1, "moved");
    to = 99;
    ShowCount("wake", Wake(&to, 1));
    std::printf("%s\n", timed.Result());
  }
  {
    const int64_t begin = Now();
    const timespec soon = {0, 3 * kMillisecond};
    std::atomic<int> result = 0;
    std::thread timed(
        [&] { result = Futex(&from, FUTEX_WAIT_PRIVATE, 1, &soon) == 0 ? 0 : errno; });
    // Moved or not yet there, or over already: in the end the time is over.
    Requeue(FUTEX_REQUEUE, 0, 1);
    timed.join();
    std::printf("moved and not woken: %s, %d\n", ErrorName(result), Now() - begin >= 3000000);
  }

  Show("negative number to wake", Requeue(FUTEX_REQUEUE, -1, 1));
  Show("negative number to move", Requeue(FUTEX_REQUEUE, 1, -1));
  Show("negative numbers, another value", Requeue(FUTEX_CMP_REQUEUE, -1, -1, 7));
  auto* odd = reinterpret_cast<Word*>(reinterpret_cast<char*>(&to) + 2);
  auto* nowhere = reinterpret_cast<Word*>(8);
  const auto raw = [](Word* first, Word* second) {
    return Futex(first, FUTEX_CMP_REQUEUE_PRIVATE, 1, int64_t{1}, second, 1);
  };
  Show("odd first", raw(odd, &to));
  Show("odd second", raw(&from, odd));
  Show("first out of reach", raw(nowhere, &to));
  ShowCount("second out of reach", raw(&from, nowhere));
  Show("both wrong", raw(nowhere, odd));
  return 0;
}
