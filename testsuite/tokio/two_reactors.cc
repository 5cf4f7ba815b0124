// One socket in two reactors.
//
// Two runtimes of one process watch the same socket: one by its descriptor, the other by a
// duplicate, as UnixStream::into_std and from_std, or an AsyncFd over a borrowed descriptor, make
// possible. Both epoll instances watch one open file description, so each gets an edge for each
// event. Two tasks, a runtime each, read from the socket: whoever comes first has the bytes, and
// the other finds EAGAIN, clears its readiness and waits again. Each byte is received once, and
// none is left lying, even though an edge that one reactor has used is news to the other.
//
// Then the first runtime drops its end: its EPOLL_CTL_DEL and close must leave the other's interest
// alone, which gets the rest, and the end of the stream.
//
// Tokio: PollEvented's drop and Registration::deregister (io/poll_evented.rs).
#include <fcntl.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdio>
#include <optional>
#include <thread>

#include "testsuite/basics/check.h"
#include "testsuite/basics/tasks.h"
#include "testsuite/tokio/driver.h"
#include "testsuite/tokio/sync.h"

namespace {

constexpr int kBytes = 300;

// A runtime whose driver turns in a thread of its own.
class Runtime {
 public:
  Runtime() : handle_(&driver_), turner_([this] { Turn(); }) {}
  ~Runtime() {
    is_over_.store(true);
    handle_.Unpark();
    turner_.join();
    driver_.Shutdown(&handle_);
  }
  tokio::Handle* handle() { return &handle_; }

 private:
  void Turn() {
    while (!is_over_.load()) driver_.Turn(&handle_, -1);
  }

  tokio::Driver driver_;
  tokio::Handle handle_;
  std::atomic<bool> is_over_ = false;
  std::thread turner_;
};

// One byte, 'x' but for the last; or 0 at the end.
char Receive(tokio::PollEvented* socket) {
  char byte = 0;
  const ssize_t count = tokio::BlockOn([&](const tokio::Waker& waker) {
    return socket->PollIo(tokio::kReadSide, waker, [&] { return read(socket->fd(), &byte, 1); });
  });
  Must(count == 0 || count == 1, "receiving");
  return byte;
}

}  // namespace

int main() {
  int ends[2];
  Must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
  Must(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0, "both readers' descriptors do not block");
  const int duplicate = fcntl(ends[0], F_DUPFD_CLOEXEC, 3);
  Must(duplicate >= 0, "a duplicate");

  Runtime first, second;
  std::optional<tokio::PollEvented> one, other;
  one.emplace(first.handle(), ends[0], mio::kBoth);
  other.emplace(second.handle(), duplicate, mio::kBoth);

  std::atomic<int> received = 0;
  Gate received_one;
  const auto read_until = [&](tokio::PollEvented* socket, char last) {
    for (;;) {
      const char byte = Receive(socket);
      if (byte == last) return;
      Must(byte == 'x', "what was sent");
      ++received;
      received_one.Open();
    }
  };
  // Either reader may get either of these: so there is one for each.
  std::thread one_reader([&] { read_until(&*one, 'q'); });
  std::thread other_reader([&] { read_until(&*other, 'q'); });
  for (int i = 0; i < kBytes; ++i) {
    Must(write(ends[1], "x", 1) == 1, "sending");
    received_one.Pass();
  }
  Must(write(ends[1], "q", 1) == 1 && write(ends[1], "q", 1) == 1, "sending");
  one_reader.join();
  other_reader.join();
  Must(received == kBytes, "each byte once");
  std::printf("%d bytes went to either of two reactors\n", received.load());

  one.reset();
  std::printf("the first reactor dropped the socket\n");
  std::thread rest([&] { read_until(&*other, '\0'); });
  Must(write(ends[1], "x", 1) == 1, "sending");
  received_one.Pass();
  close(ends[1]);
  rest.join();
  Must(received == kBytes + 1, "the rest");
  std::printf("the second has the rest, and the end\n");
  other.reset();
  return 0;
}
