// Two waiters, one event: the second takes the first one's place, and the first is never woken.
//
// Up to 0.2, Tokio kept one waker a direction in a socket's ScheduledIo. Two tasks that received
// from one socket both found it empty, and whoever registered last overwrote the other's waker.
// That is why send and recv wanted `&mut self`, which a mutex around the socket gets past
// (tokio-rs/tokio#615 and #1979); since 0.3 there is a list of waiters (#2779, #2828), and
// poll_recv still says in its documentation that only the most recent caller is woken.
#include <sys/eventfd.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "testsuite/museum/museum.h"

namespace {

enum Token : uint32_t { kSocket, kStop };

// What wakes one task. A wake-up that comes first is kept.
class Waker {
 public:
  void Wake() {
    std::lock_guard lock(mutex_);
    woken_ = true;
    condition_.notify_one();
  }
  void Park() {
    std::unique_lock lock(mutex_);
    condition_.wait(lock, [this] { return woken_; });
    woken_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool woken_ = false;
};

// A socket of datagrams, and who waits for one.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}

  // A task's: waits for a datagram.
  char Receive() {
    Waker waker;
    for (;;) {
      {
        std::lock_guard lock(mutex_);
        char byte;
        if (recv(fd_, &byte, 1, MSG_DONTWAIT) == 1) return byte;
        Must(errno == EAGAIN, "recv");
        if (!fixed) wakers_.clear();  // <== the fix is to leave this out
        wakers_.push_back(&waker);
      }
      waker.Park();
    }
  }

  // The driver's: there is an edge.
  void OnEvent() {
    std::lock_guard lock(mutex_);
    for (Waker* waker : wakers_) waker->Wake();
    wakers_.clear();
  }

 private:
  const int fd_;
  std::mutex mutex_;
  std::vector<Waker*> wakers_;
};

void Drive(int epoll, Socket& socket) {
  for (;;) {
    epoll_event events[2];
    const int count = TEMP_FAILURE_RETRY(epoll_wait(epoll, events, 2, -1));
    Must(count > 0, "epoll_wait");
    for (int i = 0; i < count; ++i) {
      if (events[i].data.u32 == kStop) return;
      socket.OnEvent();
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  EnterExhibit(argc, argv);
  int ends[2];
  Must(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  const int stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  Watch(epoll, EPOLL_CTL_ADD, ends[0], EPOLLIN | EPOLLET, kSocket);
  Watch(epoll, EPOLL_CTL_ADD, stop, EPOLLIN | EPOLLET, kStop);

  Socket socket(ends[0]);
  std::thread driver(Drive, epoll, std::ref(socket));
  std::thread peer([&] {
    Send(ends[1], '1');
    Send(ends[1], '2');
  });
  // Mostly the datagrams are there before anybody asks for them.
  std::thread first([&] { socket.Receive(); });
  std::thread second([&] { socket.Receive(); });
  first.join();
  second.join();
  peer.join();
  Must(eventfd_write(stop, 1) == 0, "eventfd_write");
  driver.join();
  return Ok();
}
