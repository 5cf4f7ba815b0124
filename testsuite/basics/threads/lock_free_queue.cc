// lock_free_queue: a ring of cells with sequence numbers that three fill and three empty with
// compare-and-swap loops, acquire and release; nothing is lost, nothing comes twice, and what one
// thread put in comes out in its order.
#include <sched.h>

#include <atomic>
#include <thread>
#include <vector>

#include "testsuite/basics/check.h"

namespace {

constexpr unsigned kCells = 8, kSides = 3, kEach = 400;

class Ring {
 public:
  Ring() {
    for (unsigned i = 0; i < kCells; ++i) cells_[i].turn.store(i, std::memory_order_relaxed);
  }

  bool Push(unsigned value) {
    unsigned at = tail_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[at % kCells];
      const unsigned turn = cell.turn.load(std::memory_order_acquire);
      if (turn == at) {
        if (!tail_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) continue;
        cell.value = value;
        cell.turn.store(at + 1, std::memory_order_release);
        return true;
      }
      if (static_cast<int>(turn - at) < 0) return false;
      at = tail_.load(std::memory_order_relaxed);
    }
  }

  bool Pop(unsigned* value) {
    unsigned at = head_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[at % kCells];
      const unsigned turn = cell.turn.load(std::memory_order_acquire);
      if (turn == at + 1) {
        if (!head_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) continue;
        *value = cell.value;
        cell.turn.store(at + kCells, std::memory_order_release);
        return true;
      }
      if (static_cast<int>(turn - (at + 1)) < 0) return false;
      at = head_.load(std::memory_order_relaxed);
    }
  }

 private:
  struct Cell {
    std::atomic<unsigned> turn;
    unsigned value = 0;
  };
  Cell cells_[kCells];
  std::atomic<unsigned> head_ = 0, tail_ = 0;
};

}  // namespace

int main() {
  Ring ring;
  std::vector<std::thread> threads;
  std::vector<std::atomic<int>> seen(kSides * kEach);
  for (unsigned me = 0; me < kSides; ++me) {
    threads.emplace_back([&, me] {
      for (unsigned i = 0; i < kEach; ++i) {
        while (!ring.Push(me * kEach + i)) sched_yield();
      }
    });
    threads.emplace_back([&] {
      unsigned next[kSides] = {};
      for (unsigned i = 0; i < kEach; ++i) {
        unsigned value = 0;
        while (!ring.Pop(&value)) sched_yield();
        seen[value].fetch_add(1, std::memory_order_relaxed);
        Must(value % kEach >= next[value / kEach], "in the order of whoever put it in");
        next[value / kEach] = value % kEach + 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  int once = 0;
  for (const std::atomic<int>& count : seen) once += count == 1;
  unsigned rest;
  std::printf("%d came out once, and then %s\n", once, ring.Pop(&rest) ? "one more" : "nothing");
  return 0;
}
