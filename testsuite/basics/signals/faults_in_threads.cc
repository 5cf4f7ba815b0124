// faults_in_threads: threads fault at the same time; the handler runs on the thread that faulted,
// knows its address, and jumps back.
#include <setjmp.h>
#include <sys/mman.h>

#include <atomic>
#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"

namespace {

thread_local sigjmp_buf back;
thread_local void* volatile expected;
thread_local pid_t self;
std::atomic<int> right, wrong;

void Handler(int signal, siginfo_t* info, void*) {
  (info->si_addr == expected && Tid() == self ? right : wrong)++;
  siglongjmp(back, signal);
}

void Fault(char* page, int rounds) {
  self = Tid();
  for (int i = 0; i < rounds; ++i) {
    char* byte = page + i;
    expected = byte;
    const int signal = sigsetjmp(back, 1);
    if (signal == 0) {
      *static_cast<volatile char*>(byte) = 1;
      Must(false, "it faults");
    }
    Must(signal == SIGSEGV, "SIGSEGV");
  }
}

}  // namespace

int main() {
  Handle(SIGSEGV, Handler);
  auto* pages =
      static_cast<char*>(mmap(nullptr, 8 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  Must(pages != MAP_FAILED, "mmap");
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) threads.emplace_back(Fault, pages + i * 4096, 100);
  for (std::thread& thread : threads) thread.join();
  std::printf("right %d, wrong %d\n", right.load(), wrong.load());

  // The handler makes the page writable, and the same instruction goes on: whoever was first.
  static char* shared;
  shared = pages + 7 * 4096;
  static std::atomic<int> healed;
  Handle(SIGSEGV, [](int, siginfo_t*, void*) {
    Must(mprotect(shared, 4096, PROT_READ | PROT_WRITE) == 0, "mprotect");
    ++healed;
  });
  threads.clear();
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      for (int k = 0; k < 50; ++k) static_cast<volatile char*>(shared)[i * 64 + k] = 'h';
    });
  }
  for (std::thread& thread : threads) thread.join();
  int written = 0;
  for (int i = 0; i < 4096; ++i) written += shared[i] == 'h';
  std::printf("healed: %d, written %d\n", healed >= 1 && healed <= 4, written);

  // Blocked in the thread that faults: the process dies, whatever the others may do.
  ShowEnd("blocked", Fork([=] {
            std::thread([=] {
              Block({SIGSEGV});
              *static_cast<volatile char*>(pages) = 1;
            }).join();
            return 1;
          }));
  ShowEnd("ignored", Fork([=] {
            Handle(SIGSEGV, SIG_IGN);
            std::thread([=] { *static_cast<volatile char*>(pages) = 1; }).join();
            return 1;
          }));
  return 0;
}
