// single_robust_list: set_robust_list(2) and get_robust_list(2): a pointer is kept and not looked
// at.
#include <linux/futex.h>

#include <cstdint>

#include "testsuite/basics/check.h"

namespace {

long Set(const void* head, size_t bytes) { return syscall(SYS_set_robust_list, head, bytes); }
long Get(int pid, void* head, void* bytes) {
  return syscall(SYS_get_robust_list, pid, head, bytes);
}

}  // namespace

int main() {
  constexpr int kNobody = 0x3ffffff;
  robust_list_head mine = {{&mine.list}, 0, nullptr};
  robust_list_head* before = nullptr;
  robust_list_head* head = nullptr;
  size_t bytes = 0;
  Show("get", Get(0, &before, &bytes));
  std::printf("%zu bytes\n", bytes);
  for (size_t wrong : {size_t{0}, sizeof mine - 1, sizeof mine + 1, SIZE_MAX})
    Show("set, another size", Set(&mine, wrong));
  Show("set", Set(&mine, sizeof mine));
  Show("get by number", Get(getpid(), &head, &bytes));
  std::printf("mine: %d\n", head == &mine);
  Show("set to nowhere", Set(reinterpret_cast<void*>(8), sizeof mine));
  Show("get", Get(0, &head, &bytes));
  std::printf("nowhere: %d\n", head == reinterpret_cast<robust_list_head*>(8));
  Show("set to nothing", Set(nullptr, sizeof mine));
  Show("get", Get(0, &head, &bytes));
  std::printf("nothing: %d\n", head == nullptr);
  Show("get of nobody", Get(kNobody, &head, &bytes));
  Show("get of nobody to nowhere", Get(kNobody, nullptr, nullptr));
  Show("get of a negative number", Get(-1, &head, &bytes));
  // The size is stored first.
  bytes = 0;
  Show("get, head to nowhere", Get(0, nullptr, &bytes));
  std::printf("%zu bytes\n", bytes);
  head = &mine;
  Show("get, size to nowhere", Get(0, &head, nullptr));
  std::printf("untouched: %d\n", head == &mine);
  Show("set", Set(before, sizeof mine));
  return 0;
}
