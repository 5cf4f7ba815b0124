// A guest for the tests of explore/: does what its first argument names, badly.
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
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

// Its choices never begin.
int HintForever() {
  prctl(kPolluxExplore, 0, 0, 0, 0);
  return Mutex();
}

// Two processes, one sum.
int SharedRace() {
  volatile int* const sum = static_cast<int*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  const pid_t child = fork();
  *sum = *sum + 1;
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  return *sum == 2 ? 0 : 1;
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

// ---- The same of networks, and what is right.

struct Connection {
  int client, server;
};

Connection MakeConnection() {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof address;
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr* const place = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener, place, sizeof address) != 0 || listen(listener, 1) != 0 ||
      getsockname(listener, place, &bytes) != 0 || connect(client, place, sizeof address) != 0)
    abort();
  const int server = accept(listener, nullptr, nullptr);
  close(listener);
  return {client, server};
}

constexpr char kMessage[] = "a message";
constexpr ssize_t kMessageBytes = sizeof kMessage;

void Await(int fd, short events) {
  pollfd wanted = {.fd = fd, .events = events, .revents = 0};
  while (poll(&wanted, 1, -1) != 1) continue;
}

// Whether all of it came.
bool ReadWhole(int fd) {
  char got[kMessageBytes];
  ssize_t done = 0;
  while (done < kMessageBytes) {
    const ssize_t bytes = recv(fd, got + done, kMessageBytes - done, 0);
    if (bytes <= 0) return false;
    done += bytes;
  }
  return memcmp(got, kMessage, kMessageBytes) == 0;
}

// Knows that it was sent, and so (if it trusts) that it is there.
int Arrival(bool trusts) {
  const Connection connection = MakeConnection();
  const int event = eventfd(0, 0);
  std::thread other([=] {
    const uint64_t one = 1;
    (void)!send(connection.server, kMessage, kMessageBytes, 0);
    (void)!write(event, &one, sizeof one);
  });
  uint64_t value;
  (void)!read(event, &value, sizeof value);
  char byte;
  if (!trusts) Await(connection.client, POLLIN);
  const bool there = recv(connection.client, &byte, 1, MSG_DONTWAIT) == 1;
  other.join();
  return there ? 0 : 1;
}

// A connection that connect(2) has begun is there once the others have had their turn; or not.
int Connecting(bool trusts) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof address;
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr* const place = reinterpret_cast<sockaddr*>(&address);
  if (listen(listener, 1) != 0 || getsockname(listener, place, &bytes) != 0) abort();
  if (connect(client, place, sizeof address) == 0 || errno != EINPROGRESS) return 2;
  if (!trusts) Await(client, POLLOUT);
  return send(client, kMessage, 1, 0) == 1 ? 0 : 1;
}

// What was written at once is read at once; or not.
int Message(bool trusts) {
  const Connection connection = MakeConnection();
  std::thread other([=] { (void)!send(connection.server, kMessage, kMessageBytes, 0); });
  char got[kMessageBytes];
  const bool whole = trusts ? recv(connection.client, got, sizeof got, 0) == kMessageBytes
                            : ReadWhole(connection.client);
  other.join();
  return whole ? 0 : 1;
}

// The end has come when it was made; or not.
int Ending(bool trusts) {
  const Connection connection = MakeConnection();
  close(connection.server);
  char byte;
  if (!trusts) Await(connection.client, POLLIN);
  return recv(connection.client, &byte, 1, MSG_DONTWAIT) == 0 ? 0 : 1;
}

constexpr size_t kManyBytes = 20'000;

bool ReadMany(int fd) {
  std::vector<char> data(kManyBytes);
  return recv(fd, data.data(), kManyBytes, MSG_WAITALL) == kManyBytes && data.back() == 'x' &&
         recv(fd, data.data(), 1, 0) == 0;
}

// So much is always taken; or not.
int Room(bool trusts) {
  const Connection connection = MakeConnection();
  std::thread other([=] {
    const std::vector<char> data(kManyBytes, 'x');
    size_t done = 0;
    while (done < kManyBytes) {
      const ssize_t bytes =
          send(connection.server, data.data() + done, kManyBytes - done, MSG_DONTWAIT);
      if (trusts) break;
      if (bytes > 0) done += bytes;
      if (bytes < 0) Await(connection.server, POLLOUT);
    }
    close(connection.server);
  });
  const bool whole = ReadMany(connection.client);
  other.join();
  return whole ? 0 : 1;
}

// Who is connected gets all; or may be disconnected.
int Connected(bool trusts) {
  const Connection connection = MakeConnection();
  std::thread other([=] { (void)!send(connection.server, kMessage, kMessageBytes, MSG_NOSIGNAL); });
  errno = 0;
  const bool whole = ReadWhole(connection.client);
  const int error = errno;
  other.join();
  return whole || (!trusts && error == ECONNRESET) ? 0 : 1;
}

// A blocking write ends when all is written, and MSG_WAITALL when all is there.
int Blocking() {
  const Connection connection = MakeConnection();
  std::thread other([=] {
    const std::vector<char> data(kManyBytes, 'x');
    if (write(connection.server, data.data(), kManyBytes) != kManyBytes) abort();
    close(connection.server);
  });
  const bool whole = ReadMany(connection.client);
  other.join();
  return whole ? 0 : 1;
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

// A process that makes a child, and how it ends.
enum class Care { kNone, kWaits, kIgnoresEnds, kHasDaemon, kKillsWithItself };
int Parent(Care care, bool child_ends, bool hangs = false) {
  int ends[2];
  if (pipe(ends) != 0) return 98;
  if (care == Care::kIgnoresEnds) signal(SIGCHLD, SIG_IGN);
  const pid_t child = fork();
  char byte;
  if (child == 0) {
    if (care == Care::kHasDaemon) setsid();
    if (care == Care::kKillsWithItself) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!child_ends && write(ends[1], "x", 1) == 1) pause();
    _exit(0);
  }
  close(ends[1]);
  // Until the child has ended, or says that it goes on.
  if (read(ends[0], &byte, 1) != (child_ends ? 0 : 1)) return 98;
  if (care == Care::kWaits && !child_ends) kill(child, SIGKILL);
  if (care == Care::kWaits && waitpid(child, nullptr, 0) != child) return 98;
  if (hangs) pause();
  return 0;
}

// Looks whether the child has ended, once: by chance it has.
int LooksForChild() {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, WNOHANG);
  return 0;
}

[[gnu::noinline]] void LeaveChildEarly() {
  if (fork() == 0) _exit(0);
  asm volatile("");  // No tail call: it is on the stack.
}
[[gnu::noinline]] void LeaveChildLate() {
  if (fork() == 0) _exit(1);  // Functions that are the same would be made one.
  asm volatile("");
}

// Leaves a child, made in one function or, where another thread had its turn at once, the other.
int LeavesChildEarlyOrLate() {
  std::atomic<bool> had_its_turn = false;
  std::thread other([&] { had_its_turn = true; });
  for (volatile int i = 0; i < 300;) i = i + 1;
  const bool early = had_its_turn;
  other.join();
  early ? LeaveChildEarly() : LeaveChildLate();
  return 0;
}

// A lock of its own, of a word: who has taken it is written nowhere.
class WordLock {
 public:
  void Lock() {
    uint32_t free = 0;
    if (word_.compare_exchange_strong(free, 1)) return;
    while (word_.exchange(2) != 0) syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, 2, nullptr);
  }
  void Unlock() {
    if (word_.exchange(0) == 2) syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1);
  }

 private:
  std::atomic<uint32_t> word_ = 0;
};

// Two of them in two orders; by all in one where `ordered`.
int WordLocks(bool ordered) {
  static WordLock a, b;
  const auto lock_both = [](WordLock& first, WordLock& second) {
    for (int i = 0; i < 3; ++i) {
      first.Lock();
      second.Lock();
      second.Unlock();
      first.Unlock();
    }
  };
  std::thread other([&] { ordered ? lock_both(a, b) : lock_both(b, a); });
  lock_both(a, b);
  other.join();
  return 0;
}

// Two threads that tell each other something, and wait for more: no locks.
int WordSignals() {
  static std::atomic<uint32_t> a = 0, b = 0;
  const auto tell_and_wait = [](std::atomic<uint32_t>& mine, std::atomic<uint32_t>& other) {
    mine = 1;
    syscall(SYS_futex, &mine, FUTEX_WAKE_PRIVATE, 1);
    while (other == 0) sched_yield();
    syscall(SYS_futex, &other, FUTEX_WAIT_PRIVATE, 1, nullptr);
  };
  std::thread other([&] { tell_and_wait(b, a); });
  tell_and_wait(a, b);
  other.join();
  return 0;
}

// The one that was first looks at a flag until the other one has set it.
int AwaitsFlag() {
  static std::atomic<bool> set;
  std::thread other([] { set = true; });
  while (!set) continue;
  other.join();
  return 0;
}

long Futex(std::atomic<int>& word, int op, int value) {
  return syscall(SYS_futex, &word, op | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr, 0);
}

// Two wait at a futex, one after the other, and one is woken: who trusts that it is the one that
// came first, trusts what futex(2) does not promise.
int TrustsWakeOrder() {
  static std::atomic<int> word, woken_first;
  const auto wait = [](int who) {
    Futex(word, FUTEX_WAIT, 0);
    int none = 0;
    woken_first.compare_exchange_strong(none, who);
  };
  // When a second is over, all others wait.
  const timespec second = {1, 0};
  prctl(kPolluxExplore, 0, 0, 0, 0);
  std::thread one(wait, 1);
  nanosleep(&second, nullptr);
  std::thread two(wait, 2);
  nanosleep(&second, nullptr);
  prctl(kPolluxExplore, 1, 0, 0, 0);
  Futex(word, FUTEX_WAKE, 1);
  nanosleep(&second, nullptr);
  Futex(word, FUTEX_WAKE, 1);
  one.join();
  two.join();
  return woken_first == 1 ? 0 : 1;
}

struct Deed {
  const char* name;
  int (*run)();
};
constexpr Deed kDeeds[] = {
    {"mutex", Mutex},
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
    {"hint_forever", HintForever},
    {"shared_race", SharedRace},
    {"mixture", Mixture},
    {"late", Late},
    {"ask", Ask},
    {"files", Files},
    {"trusts_wait", TrustsWait},
    {"trusts_wake_up", TrustsWakeUp},
    {"trusts_wake_order", TrustsWakeOrder},
    {"awaits_flag", AwaitsFlag},
    {"trusts_memory", TrustsMemory},
    {"trusts_reservation", TrustsReservation},
    {"trusts_arrival", [] { return Arrival(true); }},
    {"awaits_arrival", [] { return Arrival(false); }},
    {"trusts_connecting", [] { return Connecting(true); }},
    {"awaits_connecting", [] { return Connecting(false); }},
    {"trusts_message", [] { return Message(true); }},
    {"awaits_message", [] { return Message(false); }},
    {"trusts_ending", [] { return Ending(true); }},
    {"awaits_ending", [] { return Ending(false); }},
    {"trusts_room", [] { return Room(true); }},
    {"awaits_room", [] { return Room(false); }},
    {"trusts_connection", [] { return Connected(true); }},
    {"may_be_disconnected", [] { return Connected(false); }},
    {"blocking", Blocking},
    {"leaves_child", [] { return Parent(Care::kNone, false); }},
    {"leaves_zombie", [] { return Parent(Care::kNone, true); }},
    {"hangs_beside_zombie", [] { return Parent(Care::kNone, true, true); }},
    {"waits_for_child", [] { return Parent(Care::kWaits, false); }},
    {"waits_for_zombie", [] { return Parent(Care::kWaits, true); }},
    {"hangs_without_zombie", [] { return Parent(Care::kWaits, true, true); }},
    {"ignores_ends", [] { return Parent(Care::kIgnoresEnds, true); }},
    {"has_daemon", [] { return Parent(Care::kHasDaemon, false); }},
    {"kills_with_itself", [] { return Parent(Care::kKillsWithItself, false); }},
    {"looks_for_child", LooksForChild},
    {"leaves_child_early_or_late", LeavesChildEarlyOrLate},
    {"word_locks", [] { return WordLocks(false); }},
    {"ordered_word_locks", [] { return WordLocks(true); }},
    {"word_signals", WordSignals}};

}  // namespace

int main(int argc, char** argv) {
  for (const Deed& deed : kDeeds) {
    if (argc > 1 && strcmp(argv[1], deed.name) == 0) return deed.run();
  }
  return 99;
}
