// An edge is consumed and not drained: the task forgets the readiness that the driver has just set.
//
// Tokio watches sockets edge-triggered. Its driver turns an event into a bit in the socket's
// ScheduledIo; a task that reads EAGAIN clears the bit and waits for the driver to set it again.
// When data arrives between the EAGAIN and the clearing, the driver sets what the task then clears:
// the edge is used up, the data stay unread, nobody wakes the task. So each event has a tick, and
// only the tick that the task has seen may be cleared (ScheduledIo::clear_readiness in
// tokio/src/runtime/io/scheduled_io.rs). The tick was 8 bits wide, and where it came round within
// one read the hang was back: tokio-rs/tokio#6133, "I/O resources can hang in rare cases". Here the
// task does not compare ticks at all.
#include <sys/eventfd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "testsuite/museum/museum.h"

namespace {

constexpr int kMessages = 16;
enum Token : uint32_t { kSocket, kStop };

// What driver and task know together about one socket.
class ScheduledIo {
 public:
  // The driver has an event.
  void SetReadable() {
    std::lock_guard lock(mutex_);
    readable_ = true;
    ++tick_;
    woken_.notify_one();
  }

  // Waits for the driver. Gives the tick of what it waited for.
  uint64_t AwaitReadable() {
    std::unique_lock lock(mutex_);
    woken_.wait(lock, [this] { return readable_; });
    return tick_;
  }

  // The task has read EAGAIN after it had seen `tick`.
  void ClearReadable(uint64_t tick) {
    std::lock_guard lock(mutex_);
    if (fixed && tick_ != tick) return;  // <== the fix
    readable_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable woken_;
  bool readable_ = true;  // until a read says otherwise
  uint64_t tick_ = 0;
};

void Drive(int epoll, ScheduledIo& io) {
  for (;;) {
    epoll_event events[2];
    const int count = TEMP_FAILURE_RETRY(epoll_wait(epoll, events, 2, -1));
    Must(count > 0, "epoll_wait");
    for (int i = 0; i < count; ++i) {
      if (events[i].data.u32 == kStop) return;
      if (events[i].events & (EPOLLIN | EPOLLRDHUP)) io.SetReadable();
    }
  }
}

// Answers each message.
void Serve(int fd, ScheduledIo& io) {
  for (int received = 0; received < kMessages;) {
    const uint64_t tick = io.AwaitReadable();
    char byte;
    if (recv(fd, &byte, 1, MSG_DONTWAIT) == 1) {
      ++received;
      Send(fd, byte);
    } else {
      Must(errno == EAGAIN, "recv");
      io.ClearReadable(tick);
    }
  }
}

void Ask(int fd) {
  for (int i = 0; i < kMessages; ++i) {
    Send(fd, '?');
    Receive(fd);
  }
}

}  // namespace

int main(int argc, char** argv) {
  EnterExhibit(argc, argv);
  const SocketPair connection;
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  const int stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  Watch(epoll, EPOLL_CTL_ADD, connection.server, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        kSocket);
  Watch(epoll, EPOLL_CTL_ADD, stop, EPOLLIN | EPOLLET, kStop);

  ScheduledIo io;
  std::thread driver(Drive, epoll, std::ref(io));
  std::thread client(Ask, connection.client);
  Serve(connection.server, io);
  client.join();
  Must(eventfd_write(stop, 1) == 0, "eventfd_write");
  driver.join();
  return Ok();
}
