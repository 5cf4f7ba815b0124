// memory_shared: threads have one memory: what one maps, protects, moves, grows or unmaps is so for
// all of them at once; many use the heap at the same time.
#include <setjmp.h>
#include <sys/mman.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"

namespace {

constexpr size_t kPage = 4096;
thread_local sigjmp_buf back;
thread_local volatile bool trying;

void Handler(int) {
  Must(trying, "a fault that was asked for");
  siglongjmp(back, 1);
}

// Whether this thread can read the byte.
bool Readable(volatile char* byte) {
  trying = true;
  const bool faulted = sigsetjmp(back, 1) != 0;
  if (!faulted) (void)*byte;
  trying = false;
  return !faulted;
}

void Heap(int me, long* sum) {
  std::vector<std::unique_ptr<std::string>> strings;
  std::map<int, std::vector<int>> numbers;
  for (int i = 0; i < 200; ++i) {
    strings.push_back(std::make_unique<std::string>(static_cast<size_t>(i * 7 % 300), 'a' + me));
    numbers[i % 17].push_back(i);
    if (i % 3 == 0) strings[static_cast<size_t>(i / 2)].reset();
  }
  void* block = std::malloc(1 << 20);
  asm volatile("" : "+r"(block));  // A compiler may do without what nobody looks at.
  std::free(block);
  for (const auto& string : strings) {
    if (string == nullptr) continue;
    for (const char letter : *string) Must(letter == 'a' + me, "one's own memory");
    *sum += static_cast<long>(string->size());
  }
  for (const auto& [key, list] : numbers) *sum += static_cast<long>(list.size());
}

}  // namespace

int main() {
  Handle(SIGSEGV, Handler, SA_NODEFER);
  auto* page = static_cast<char*>(
      mmap(nullptr, 4 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  Must(page != MAP_FAILED, "mmap");
  page[0] = 'm';
  Gate asked, answered;
  std::atomic<char*> where = page;
  bool readable = false;
  std::thread other([&] {
    for (int i = 0; i < 6; ++i) {
      asked.Pass();
      readable = Readable(where);
      answered.Open();
    }
  });
  const auto ask = [&](const char* what, char* byte) {
    where = byte;
    asked.Open();
    answered.Pass();
    std::printf("%s: %d %d\n", what, readable, Readable(byte));
  };
  ask("mapped", page);
  Must(mprotect(page, kPage, PROT_NONE) == 0, "mprotect");
  ask("protected", page);
  Must(mprotect(page, kPage, PROT_READ) == 0, "mprotect");
  ask("to be read again", page);
  auto* moved = static_cast<char*>(
      mremap(page, kPage, kPage, MREMAP_MAYMOVE | MREMAP_FIXED, page + 3 * kPage));
  Must(moved == page + 3 * kPage && *moved == 'm', "mremap");
  ask("moved away", page);
  ask("moved to", moved);
  Must(munmap(moved, kPage) == 0, "munmap");
  ask("unmapped", moved);
  other.join();

  // Faults of many threads at once, each at an address of its own.
  std::atomic<int> faults = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 50; ++k) faults += !Readable(reinterpret_cast<char*>(k * 8L));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("faults: %d\n", faults.load());

  // Pages that all touch first at the same time hold what all wrote.
  auto* shared = static_cast<std::atomic<int>*>(
      mmap(nullptr, 64 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  threads.clear();
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([=] {
      for (size_t k = 0; k < 64; ++k) ++shared[k * kPage / sizeof(int)];
    });
  }
  for (std::thread& thread : threads) thread.join();
  int full = 0;
  for (size_t k = 0; k < 64; ++k) full += shared[k * kPage / sizeof(int)] == 4;
  std::printf("pages: %d\n", full);

  long sums[6] = {};
  threads.clear();
  for (int i = 0; i < 6; ++i) threads.emplace_back(Heap, i, &sums[i]);
  for (std::thread& thread : threads) thread.join();
  for (const long sum : sums) Must(sum == sums[0], "all the same");
  std::printf("heap: %ld\n", sums[0]);
  return 0;
}
