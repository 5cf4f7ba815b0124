// A guest for the tests of explore/: does what its first argument names, badly.
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

namespace {

constexpr int kPolluxExplore = 0x706c7578;

void OnTwoThreads(void (*work)()) {
  std::thread other(work);
  work();
  other.join();
}

std::atomic<int> counter;

// Two threads, one mutex.
int Mutex() {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  static int sum;
  OnTwoThreads([] {
    for (int i = 0; i < 10; ++i) {
      pthread_mutex_lock(&mutex);
      ++sum;
      pthread_mutex_unlock(&mutex);
    }
  });
  return sum == 20 ? 0 : 1;
}

// An update that gets lost.
int Race() {
  OnTwoThreads([] {
    for (int i = 0; i < 10; ++i) counter = counter + 1;
  });
  if (counter == 20) return 0;
  fprintf(stderr, "the sum is %d\n", counter.load());
  return 1;
}

// Two locks in two orders.
int Abba() {
  static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
  const auto lock_both = [](pthread_mutex_t* first, pthread_mutex_t* second) {
    pthread_mutex_lock(first);
    pthread_mutex_lock(second);
    pthread_mutex_unlock(second);
    pthread_mutex_unlock(first);
  };
  std::thread other([&] { lock_both(&b, &a); });
  lock_both(&a, &b);
  other.join();
  return 0;
}

// Fails in three ways, by chance.
int Several() {
  static std::atomic<int> first;
  std::vector<std::thread> threads;
  for (int i = 1; i <= 3; ++i) {
    threads.emplace_back([i] {
      int none = 0;
      first.compare_exchange_strong(none, i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (first == 1) return 0;
  if (first == 2) return 7;
  abort();
}

int Crash() {
  std::thread other([] {
    volatile int* volatile nowhere = reinterpret_cast<int*>(0x10);
    *nowhere = 1;
  });
  other.join();
  return 0;
}

int Spin() {
  static volatile bool forever = true;
  OnTwoThreads([] {
    while (forever) continue;
  });
  return 0;
}

// Never ends, and never runs out of steps: what it does is to wait.
int Doze() {
  OnTwoThreads([] {
    for (;;) {
      const timespec moment = {0, 1};
      nanosleep(&moment, nullptr);
    }
  });
  return 0;
}

int Eat() {
  OnTwoThreads([] {
    for (;;) {
      void* const memory = malloc(1 << 20);
      if (memory == nullptr) _exit(3);
      memset(memory, 1, 1 << 20);
    }
  });
  return 0;
}

int Bomb() {
  for (;;) {
    if (fork() < 0) _exit(4);
  }
}

int Shout() {
  OnTwoThreads([] {
    for (int i = 0; i < 3000; ++i) printf("line %d\n", i);
  });
  fflush(stdout);
  return 5;
}

int Alone() {
  puts("alone");
  return 0;
}

// What happens before its hint is the same in all schedules.
int Hint() {
  prctl(kPolluxExplore, 0, 0, 0, 0);
  static std::atomic<int> order;
  static std::atomic<bool> go;
  const auto work = [](int me) {
    while (!go) {
      const timespec moment = {0, 1000};
      nanosleep(&moment, nullptr);
    }
    order = order * 10 + me;
  };
  std::thread one(work, 1), two(work, 2);
  prctl(kPolluxExplore, 1, 0, 0, 0);
  go = true;
  one.join();
  two.join();
  return order == 12 ? 0 : 1;
}

// Threads, processes, signals, timers and descriptors in one.
int Mixture() {
  const int event = eventfd(0, 0), epoll = epoll_create1(0);
  epoll_event interest = {.events = EPOLLIN, .data = {.u64 = 1}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, event, &interest);
  std::thread other([=] {
    const uint64_t one = 1;
    for (int i = 0; i < 5; ++i) {
      const timespec moment = {0, 1000000};
      nanosleep(&moment, nullptr);
      (void)!write(event, &one, sizeof one);
    }
  });
  const pid_t child = fork();
  if (child == 0) _exit(9);
  uint64_t sum = 0;
  while (sum < 5) {
    epoll_event got;
    uint64_t value;
    if (epoll_wait(epoll, &got, 1, -1) == 1 && read(event, &value, sizeof value) == 8) sum += value;
    printf("%d\n", static_cast<int>(sum));
  }
  int status;
  waitpid(child, &status, 0);
  other.join();
  return WEXITSTATUS(status) == 9 ? 0 : 1;
}

// Believes that a second is always enough.
int Late() {
  const int event = eventfd(0, 0);
  std::thread other([=] {
    const uint64_t one = 1;
    (void)!write(event, &one, sizeof one);
  });
  pollfd wanted = {.fd = event, .events = POLLIN, .revents = 0};
  const bool in_time = poll(&wanted, 1, 1000) == 1;
  other.join();
  return in_time ? 0 : 1;
}

// ---- Programs that rely on what Linux does not promise.

// Takes each -1 of epoll_wait for the end, EINTR too.
int TrustsWait() {
  const int event = eventfd(0, 0), epoll = epoll_create1(0);
  epoll_event interest = {.events = EPOLLIN, .data = {.u64 = 1}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, event, &interest);
  std::thread other([=] {
    const uint64_t one = 1;
    (void)!write(event, &one, sizeof one);
  });
  epoll_event got;
  const int ready = epoll_wait(epoll, &got, 1, -1);
  other.join();
  return ready == 1 ? 0 : 1;
}

// Believes that whoever is woken was meant.
int TrustsWakeUp() {
  static std::atomic<int> word;
  std::thread other([] {
    const timespec moment = {0, 1000000};
    nanosleep(&moment, nullptr);
    word = 1;
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  });
  const long woken = syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
  const bool there = word == 1;
  other.join();
  return woken != 0 || there ? 0 : 1;
}

// Never asks whether a descriptor was made. No thread, no fork point of its own.
int TrustsMemory() {
  const int epoll = epoll_create1(0), event = eventfd(0, 0);
  epoll_event interest = {.events = EPOLLIN, .data = {.u64 = 1}};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, event, &interest) == 0 ? 0 : 1;
}

// Tries to store once, and takes no for somebody else's store.
int TrustsReservation() {
  std::thread other([] { std::this_thread::yield(); });
  int failed = 0;
#ifdef __riscv  // Others have nothing of the kind.
  static int word;
  for (int i = 0; i < 20 && failed == 0; ++i) {
    int value;
    asm volatile(
        "lr.w %0, (%2)\n"
        "addi %0, %0, 1\n"
        "sc.w %1, %0, (%2)\n"
        : "=&r"(value), "=&r"(failed)
        : "r"(&word)
        : "memory");
  }
#endif
  other.join();
  return failed == 0 ? 0 : 1;
}

// What pollux lacks: a call before the fork point, another after it.
int Ask() {
  const bool lacks = syscall(SYS_acct, nullptr) != 0;
  OnTwoThreads([] { syscall(SYS_mq_unlink, "name"); });
  return lacks ? 0 : 1;
}

// Uses files of a mounted directory that were open at the fork point, and closes them.
int Files() {
  const int one = open("/host/file", O_RDONLY), two = open("/host/file", O_RDONLY);
  static std::atomic<int> right;
  const auto use = [](int fd) {
    char text[5] = "";
    right += pread(fd, text, 4, 0) == 4 && strcmp(text, "text") == 0;
    close(fd);
    const int again = open("/host/file", O_RDONLY);
    right += pread(again, text, 4, 1) == 3 && strncmp(text, "ext", 3) == 0;
  };
  std::thread other(use, one);
  use(two);
  other.join();
  return right == 4 ? 0 : 1;
}

struct Deed {
  const char* name;
  int (*run)();
};
constexpr Deed kDeeds[] = {{"mutex", Mutex},
                           {"race", Race},
                           {"abba", Abba},
                           {"several", Several},
                           {"crash", Crash},
                           {"spin", Spin},
                           {"doze", Doze},
                           {"eat", Eat},
                           {"bomb", Bomb},
                           {"shout", Shout},
                           {"alone", Alone},
                           {"hint", Hint},
                           {"mixture", Mixture},
                           {"late", Late},
                           {"ask", Ask},
                           {"files", Files},
                           {"trusts_wait", TrustsWait},
                           {"trusts_wake_up", TrustsWakeUp},
                           {"trusts_memory", TrustsMemory},
                           {"trusts_reservation", TrustsReservation}};

}  // namespace

int main(int argc, char** argv) {
  for (const Deed& deed : kDeeds) {
    if (argc > 1 && strcmp(argv[1], deed.name) == 0) return deed.run();
  }
  return 99;
}
