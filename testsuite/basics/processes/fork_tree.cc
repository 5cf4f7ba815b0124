// fork_tree: processes that make processes: a tree of five levels, a chain of thirty, a crowd; the
// sums come back through statuses and through shared memory.
#include <sys/mman.h>

#include <atomic>
#include <vector>

#include "testsuite/basics/tasks.h"

namespace {

std::atomic<long>* total;

// The number of processes below and with this one.
int Tree(int depth) {
  ++*total;
  if (depth == 0) return 1;
  const pid_t left = Fork([=] { return Tree(depth - 1); });
  const pid_t right = Fork([=] { return Tree(depth - 1); });
  const int second = Wait(right), first = Wait(left);
  Must(WIFEXITED(first) && WIFEXITED(second), "both exited");
  return 1 + WEXITSTATUS(first) + WEXITSTATUS(second);
}

int Chain(int length) {
  if (length == 0) return 0;
  return WEXITSTATUS(Wait(Fork([=] { return Chain(length - 1); }))) + 1;
}

}  // namespace

int main() {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Must(page != MAP_FAILED, "mmap");
  total = new (page) std::atomic<long>(0);
  const int tree = Tree(4);
  std::printf("tree: %d, counted %ld\n", tree, total->load());
  const int chain = Chain(30);
  std::printf("chain: %d\n", chain);

  // A crowd that all run at once, then end in any order.
  Gate begin, ready;
  std::vector<pid_t> children;
  for (int i = 0; i < 40; ++i) {
    children.push_back(Fork([&, i] {
      ready.Open();
      begin.Pass();
      *total += i;
      return i;
    }));
  }
  for (int i = 0; i < 40; ++i) ready.Pass();
  *total = 0;
  for (int i = 0; i < 40; ++i) begin.Open();
  int sum = 0, status, count = 0;
  pid_t child;
  while ((child = wait(&status)) > 0) {
    Must(WIFEXITED(status) && children[static_cast<size_t>(WEXITSTATUS(status))] == child, "whose");
    sum += WEXITSTATUS(status);
    ++count;
  }
  std::printf("crowd: %d ended, sums %d %ld, then %s\n", count, sum, total->load(),
              ErrorName(errno));
  // One after another.
  for (int i = 0; i < 60; ++i) Must(WEXITSTATUS(Wait(Fork([=] { return i; }))) == i, "status");
  std::printf("one after another\n");
  return 0;
}
