// A guest for waits_test.sh: hangs in what its first argument names, with the words that musl uses
// for it (src/thread/, src/stdio/__lockfile.c), or Go; with a second argument it does not hang.
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace {

using Word = std::atomic<uint32_t>;

constexpr uint32_t kSomebodyWaits = 0x80000000;

uint32_t OwnTid() { return static_cast<uint32_t>(gettid()); }

long Wait(Word& word, uint32_t expected) {
  return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr);
}
long Wake(Word& word, int most) { return syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, most); }

void WaitForWord(Word& word, uint32_t until) {
  while (word != until) sched_yield();
}

// pthread_mutex_t: a normal one names no owner, others have their owner's tid.
struct Mutex {
  explicit Mutex(bool names_owner) : kind(names_owner ? 2 : 0) {}

  uint32_t Mine() const { return kind == 0 ? static_cast<uint32_t>(EBUSY) : OwnTid(); }
  void Lock() {
    for (uint32_t held = 0; !word.compare_exchange_strong(held, Mine()); held = 0) {
      if (held == 0) continue;
      ++waiters;
      const uint32_t waited = held | kSomebodyWaits;
      if (word.compare_exchange_strong(held, waited) || held == waited) Wait(word, waited);
      --waiters;
    }
  }
  void Unlock() {
    if (word.exchange(0) != 0 && waiters != 0) Wake(word, 1);
  }

  uint32_t kind;
  Word word{0};
  std::atomic<int> waiters{0};
};

// struct pthread, as far as pthread_join() needs it.
struct Joinable {
  Joinable* self = this;
  void* others[3] = {};
  Word tid{0};
  int error = 0;
  Word joinable{2};

  void Join() {
    for (uint32_t state = joinable; state != 0; state = joinable) Wait(joinable, state);
  }
  void Begin() { tid = OwnTid(); }
  void End() {
    joinable = 0;
    Wake(joinable, 1);
  }
};

// sem_t
struct Semaphore {
  void Take() {
    for (;;) {
      uint32_t value = count;
      if ((value & ~kSomebodyWaits) != 0) {
        if (count.compare_exchange_strong(value, value - 1)) return;
        continue;
      }
      ++waiters;
      value = 0;
      count.compare_exchange_strong(value, kSomebodyWaits);
      Wait(count, kSomebodyWaits);
      --waiters;
    }
  }
  void Post() {
    uint32_t value = count;
    while (!count.compare_exchange_strong(value, (value & ~kSomebodyWaits) + 1)) continue;
    if (waiters != 0) Wake(count, 1);
  }

  Word count{0};
  std::atomic<int> waiters{0};
};

// Two locks in two orders.
int Locks(bool names_owner, bool good) {
  Mutex a(names_owner), b(names_owner);
  const auto lock_both = [](Mutex& first, Mutex& second) {
    for (int i = 0; i < 3; ++i) {
      first.Lock();
      second.Lock();
      second.Unlock();
      first.Unlock();
    }
  };
  std::thread other([&] { good ? lock_both(a, b) : lock_both(b, a); });
  lock_both(a, b);
  other.join();
  return 0;
}

// A lock that its owner takes again.
int Relock(bool good) {
  Mutex a(false);
  std::thread other([] {});
  a.Lock();
  if (good) a.Unlock();
  a.Lock();
  a.Unlock();
  other.join();
  return 0;
}

// Two that wait for each other's end.
int Joins(bool good) {
  static Joinable main, other;
  main.Begin();
  std::thread thread([good] {
    other.Begin();
    if (!good) main.Join();
    other.End();
  });
  while (other.tid == 0) sched_yield();
  other.Join();
  thread.join();
  return 0;
}

// Who waits for the other one's end holds what that one needs.
int JoinHolding(bool good) {
  static Joinable other;
  static Mutex a(false);
  a.Lock();
  std::thread thread([] {
    other.Begin();
    a.Lock();
    a.Unlock();
    other.End();
  });
  while (other.tid == 0) sched_yield();
  if (good) a.Unlock();
  other.Join();
  thread.join();
  return 0;
}

// Three want what is given once.
int Semaphores(bool good) {
  static Semaphore semaphore;
  std::thread one([] { semaphore.Take(); }), two([] { semaphore.Take(); });
  semaphore.Post();
  if (good) semaphore.Post();
  if (good) semaphore.Post();
  semaphore.Take();
  one.join();
  two.join();
  return 0;
}

// One that waits for a notification is moved to the lock that it will need (pthread_cond_wait() of
// musl), whose owner keeps it.
int Moved(bool good) {
  static Mutex a(false);
  static Word told{2}, about{0};
  std::thread other([] {
    ++a.waiters;
    about = 1;
    Wait(told, 2);
    --a.waiters;
    a.Lock();
    a.Unlock();
  });
  a.Lock();
  WaitForWord(about, 1);
  for (long moved = 0; moved == 0; sched_yield())
    moved = syscall(SYS_futex, &told, FUTEX_REQUEUE_PRIVATE, 0, 1, &a.word);
  told = 0;
  if (good) a.Unlock();
  other.join();
  return 0;
}

// A thread that is told of something, does it, and waits to be told again.
int ToldBefore(bool good) {
  static Word word{0}, done{0};
  std::thread other([] {
    for (uint32_t times = 0; times < 2; ++times) {
      while (word == 0) Wait(word, 0);
      word = 0;
      done = times + 1;
    }
  });
  for (uint32_t times = 0; times < (good ? 2 : 1); ++times) {
    word = 1;
    while (Wake(word, 1) == 0 && word != 0) sched_yield();
    WaitForWord(done, times + 1);
  }
  other.join();
  return 0;
}

// Threads that wait for each other beside one that looks at the clock now and then (Go's sysmon),
// more often than calls are remembered.
int BesideSysmon(bool good) {
  static int ends[2];
  static Word never{0};
  if (pipe(ends) != 0) return 98;
  std::thread monitor([] {
    timespec now, little{.tv_sec = 0, .tv_nsec = 20'000}, much{.tv_sec = 60, .tv_nsec = 0};
    static Word alone{0};
    while (never == 0) {
      clock_gettime(CLOCK_MONOTONIC, &now);
      nanosleep(&little, nullptr);
      syscall(SYS_futex, &alone, FUTEX_WAIT_PRIVATE, 0, &much);
    }
  });
  std::thread polls([] {
    const int epoll = epoll_create1(0);
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event);
    epoll_wait(epoll, &event, 1, -1);
  });
  std::thread waits([] { Wait(never, 0); });
  if (good) {
    never = 1;
    while (Wake(never, 1) == 0 && waits.joinable() && never == 0) sched_yield();
    if (write(ends[1], "x", 1) != 1) return 98;
  }
  waits.join();
  polls.join();
  monitor.join();
  return 0;
}

struct Deed {
  const char* name;
  int (*run)(bool good);
};

constexpr Deed kDeeds[] = {{"locks", [](bool good) { return Locks(false, good); }},
                           {"owned_locks", [](bool good) { return Locks(true, good); }},
                           {"relock", Relock},
                           {"joins", Joins},
                           {"join_holding", JoinHolding},
                           {"semaphores", Semaphores},
                           {"moved", Moved},
                           {"told_before", ToldBefore},
                           {"beside_sysmon", BesideSysmon}};

}  // namespace

int main(int argc, char** argv) {
  for (const Deed& deed : kDeeds) {
    if (argc > 1 && strcmp(argv[1], deed.name) == 0) return deed.run(argc > 2);
  }
  return 99;
}
