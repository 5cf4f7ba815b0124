// lock_free_stack: nodes by index on two stacks whose heads carry a count, which a compare-and-swap
// checks too: so a node that went and came back in between (ABA) is noticed. Without locks, without
// yielding: a loop ends when the others' steps do.
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "testsuite/basics/check.h"

namespace {

constexpr uint32_t kNodes = 6, kNone = UINT32_MAX;

struct Node {
  std::atomic<uint32_t> next = kNone;
  long value = 0;
} nodes[kNodes];

class Stack {
 public:
  void Push(uint32_t node) {
    uint64_t head = head_.load(std::memory_order_relaxed);
    do {
      nodes[node].next.store(static_cast<uint32_t>(head), std::memory_order_relaxed);
    } while (!head_.compare_exchange_weak(head, Next(head, node), std::memory_order_release,
                                          std::memory_order_relaxed));
  }

  uint32_t Pop() {
    uint64_t head = head_.load(std::memory_order_acquire);
    for (;;) {
      const auto node = static_cast<uint32_t>(head);
      if (node == kNone) return kNone;
      const uint32_t next = nodes[node].next.load(std::memory_order_relaxed);
      if (head_.compare_exchange_weak(head, Next(head, next), std::memory_order_acquire))
        return node;
    }
  }

 private:
  static uint64_t Next(uint64_t head, uint32_t node) { return ((head >> 32) + 1) << 32 | node; }
  std::atomic<uint64_t> head_ = kNone;
};

}  // namespace

int main() {
  Stack free_nodes, used;
  for (uint32_t i = 0; i < kNodes; ++i) free_nodes.Push(i);
  std::vector<std::thread> threads;
  std::atomic<long> taken = 0, sum = 0;
  constexpr int kThreads = 4, kRounds = 500;
  for (int me = 0; me < kThreads; ++me) {
    threads.emplace_back([&, me] {
      for (int i = 0; i < kRounds; ++i) {
        // Whoever has put one in takes one out, perhaps another's.
        uint32_t node = free_nodes.Pop();
        while (node == kNone) node = free_nodes.Pop();
        nodes[node].value = me * kRounds + i;
        used.Push(node);
        node = used.Pop();
        while (node == kNone) node = used.Pop();
        sum.fetch_add(nodes[node].value, std::memory_order_relaxed);
        taken.fetch_add(1, std::memory_order_relaxed);
        free_nodes.Push(node);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  uint32_t left = 0, bits = 0;
  for (uint32_t node = free_nodes.Pop(); node != kNone; node = free_nodes.Pop()) {
    ++left;
    bits |= 1u << node;
  }
  std::printf("%ld taken, sum %ld; %u nodes left, set %x; used is empty: %d\n", taken.load(),
              sum.load(), left, bits, used.Pop() == kNone);
  return 0;
}
