// producers_and_consumers: bytes go from threads to threads through a pipe, an eventfd, a socket
// pair and epoll over all of them; all of it arrives once.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"

namespace {

constexpr int kThreads = 3, kEach = 150;

// Writes of this size are whole, in a pipe and in a socket of messages.
struct Record {
  int from, number;
};

// Three write records to `in`, three read them from `out` until its end.
void Records(const char* name, int in, int out) {
  std::vector<std::thread> writers, readers;
  std::atomic<long> sum = 0, count = 0;
  for (int me = 0; me < kThreads; ++me) {
    writers.emplace_back([=] {
      for (int i = 0; i < kEach; ++i) {
        const Record record = {me, i};
        Must(write(in, &record, sizeof record) == sizeof record, "write");
      }
    });
    readers.emplace_back([&, out] {
      Record record;
      ssize_t got;
      int next[kThreads] = {};
      while ((got = read(out, &record, sizeof record)) == sizeof record) {
        Must(record.number >= next[record.from], "in the writer's order");
        next[record.from] = record.number + 1;
        sum += record.number;
        ++count;
      }
      Must(got == 0, "the end");
    });
  }
  for (std::thread& writer : writers) writer.join();
  close(in);
  for (std::thread& reader : readers) reader.join();
  close(out);
  std::printf("%s: %ld records, sum %ld\n", name, count.load(), sum.load());
}

void Counters(const char* name, int flags) {
  const int fd = eventfd(0, flags);
  std::vector<std::thread> threads;
  std::atomic<long> taken = 0, reads = 0;
  for (int me = 0; me < kThreads; ++me) {
    threads.emplace_back([=] {
      const uint64_t value = 2;
      for (int i = 0; i < kEach; ++i) Must(write(fd, &value, 8) == 8, "write");
    });
  }
  std::thread reader([&] {
    while (taken < kThreads * kEach * 2) {
      uint64_t value = 0;
      Must(read(fd, &value, 8) == 8 && value > 0, "read");
      taken += static_cast<long>(value);
      ++reads;
    }
  });
  for (std::thread& thread : threads) thread.join();
  reader.join();
  std::printf("%s: %ld taken in %s\n", name, taken.load(),
              (flags & EFD_SEMAPHORE) != 0 ? std::to_string(reads).c_str() : "some");
  close(fd);
}

// A small pipe, so that writers wait for readers.
void SmallPipe() {
  int ends[2];
  Must(pipe(ends) == 0 && fcntl(ends[1], F_SETPIPE_SZ, 4096) == 4096, "a small pipe");
  std::thread writer([&] {
    std::string text(50000, ' ');
    for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i % 251);
    Must(write(ends[1], text.data(), text.size()) == 50000, "write of more than fits");
    close(ends[1]);
  });
  std::string text(50001, ' ');
  size_t all = 0;
  ssize_t got;
  while ((got = read(ends[0], &text[all], 700)) > 0) all += static_cast<size_t>(got);
  for (size_t i = 0; i < all; ++i) Must(text[i] == static_cast<char>(i % 251), "what was written");
  writer.join();
  close(ends[0]);
  std::printf("more than fits: %zu\n", all);
}

// One thread watches the ends of six others, until each has hung up.
void ThroughEpoll() {
  const int epoll = epoll_create1(0);
  std::vector<std::thread> writers;
  for (int i = 0; i < 6; ++i) {
    int ends[2];
    if (i % 2 == 0) {
      Must(pipe(ends) == 0, "pipe");
    } else {
      Must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    }
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.fd = ends[0];
    Must(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) == 0, "epoll_ctl");
    writers.emplace_back([=] {
      for (int k = 0; k < kEach; ++k) Must(write(ends[1], "x", 1) == 1, "write");
      close(ends[1]);
    });
  }
  int open = 6, bytes = 0;
  while (open > 0) {
    epoll_event events[4];
    const int count = epoll_wait(epoll, events, 4, -1);
    Must(count > 0, "epoll_wait");
    for (int i = 0; i < count; ++i) {
      char some[16];
      const ssize_t got = read(events[i].data.fd, some, sizeof some);
      Must(got >= 0, "read");
      bytes += static_cast<int>(got);
      if (got == 0) close(events[i].data.fd), --open;
    }
  }
  for (std::thread& writer : writers) writer.join();
  std::printf("through epoll: %d\n", bytes);
}

}  // namespace

int main() {
  int ends[2];
  Must(pipe(ends) == 0, "pipe");
  Records("pipe", ends[1], ends[0]);
  Must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0, "socketpair");
  Records("socket of messages", ends[1], ends[0]);
  Counters("eventfd", 0);
  Counters("eventfd as a semaphore", EFD_SEMAPHORE);
  SmallPipe();
  ThroughEpoll();
  return 0;
}
