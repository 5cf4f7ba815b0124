// counting: many threads add to one number: behind a mutex, with atomics of every width and
// operation, and with compare-and-swap; none is lost.
#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "testsuite/basics/check.h"

namespace {

constexpr int kThreads = 8, kRounds = 200;

template <typename Body>
void InThreads(Body body) {
  std::vector<std::thread> threads;
  for (int me = 0; me < kThreads; ++me) {
    threads.emplace_back([=] {
      for (int i = 0; i < kRounds; ++i) body(me, i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

template <typename T>
void Width(const char* name) {
  struct {
    std::atomic<T> before = 0, number = 0, after = 0;
  } row;
  InThreads([&row](int, int) { row.number.fetch_add(1); });
  std::printf("%s: %lld beside %d %d\n", name, static_cast<long long>(row.number.load()),
              static_cast<int>(row.before.load()), static_cast<int>(row.after.load()));
}

}  // namespace

int main() {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  long plain = 0;
  InThreads([&](int, int) {
    pthread_mutex_lock(&mutex);
    ++plain;
    pthread_mutex_unlock(&mutex);
  });
  std::printf("behind a mutex: %ld\n", plain);
  Width<uint8_t>("8 bits");
  Width<uint16_t>("16 bits");
  Width<uint32_t>("32 bits");
  Width<int64_t>("64 bits");

  std::atomic<long> number = 0;
  InThreads([&](int me, int) { number.fetch_sub(me); });
  std::printf("fetch_sub: %ld\n", number.load());
  std::atomic<uint64_t> bits = 0;
  InThreads([&](int me, int) { bits.fetch_xor(uint64_t{1} << me); });
  std::printf("fetch_xor: %d\n", static_cast<int>(bits.load()));
  InThreads([&](int me, int i) { bits.fetch_or(uint64_t{1} << ((me * kRounds + i) % 60)); });
  std::printf("fetch_or: %d bits\n", __builtin_popcountll(bits.load()));
  InThreads([&](int me, int) { bits.fetch_and(~(uint64_t{1} << me)); });
  std::printf("fetch_and: %d bits\n", __builtin_popcountll(bits.load()));

  // What is taken out by exchange comes in somewhere else: each value is seen once.
  std::atomic<long> box = 0, seen = 0;
  InThreads([&](int me, int i) { seen.fetch_add(box.exchange(me * kRounds + i)); });
  std::printf("exchange: %ld\n", seen.load() + box.load());

  std::atomic<long> most = -1;
  InThreads([&](int me, int i) {
    const long mine = me * kRounds + i;
    long old = most.load();
    while (old < mine && !most.compare_exchange_weak(old, mine)) continue;
  });
  std::printf("the greatest: %ld\n", most.load());
  std::atomic<double> sum = 0;
  InThreads([&](int, int) {
    double old = sum.load();
    while (!sum.compare_exchange_strong(old, old + 0.25)) continue;
  });
  std::printf("compare-and-swap of a double: %.2f\n", sum.load());

  // Two stores and two loads, in every order: with sequential consistency one at least is seen.
  int both_unseen = 0;
  for (int i = 0; i < 100; ++i) {
    std::atomic<int> x = 0, y = 0;
    int saw_x = 0, saw_y = 0;
    std::thread one([&] { x = 1, saw_y = y; });
    std::thread two([&] { y = 1, saw_x = x; });
    one.join();
    two.join();
    both_unseen += saw_x == 0 && saw_y == 0;
  }
  std::printf("neither saw the other: %d\n", both_unseen);
  return 0;
}
