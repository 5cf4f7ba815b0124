// echo: an event loop in small, and the first program to run under pollux.
//
// Three descriptions are watched by one epoll instance: a pipe that carries messages
// (edge-triggered, as mio and Tokio watch everything), an eventfd that wakes the loop
// (level-triggered), and a second epoll instance that holds another pipe. Halfway through, the loop
// duplicates its epoll descriptor and closes the first number, as a runtime does when it hands its
// driver over: the instance must go on, because it is the open file description that counts and not
// the number.
//
// Prints what the loop saw, in order, and exits with 0 if that is everything it should have seen.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

void Must(bool ok, const char* what) {
  if (ok) return;
  std::printf("echo: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

// What an interest's data says about where an event came from.
enum Source : uint64_t { kMessages, kWaker, kInner };

struct Pipe {
  Pipe() {
    int fds[2];
    Must(pipe2(fds, O_NONBLOCK | O_CLOEXEC) == 0, "pipe2");
    reader = fds[0];
    writer = fds[1];
  }
  void Send(const std::string& text) {
    Must(write(writer, text.data(), text.size()) == static_cast<ssize_t>(text.size()), "write");
  }
  // Reads until the pipe is empty or its writer has gone: what edge-triggered readers must do.
  std::string Drain() {
    std::string all;
    char buffer[8];
    ssize_t got;
    while ((got = read(reader, buffer, sizeof buffer)) > 0) all.append(buffer, got);
    Must(got == 0 || errno == EAGAIN, "read");
    return all;
  }
  int reader, writer;
};

void Watch(int epoll, int fd, uint32_t events, Source source) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = source;
  Must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

}  // namespace

int main() {
  Pipe messages, inner_messages;
  const int waker = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  Must(waker >= 0, "eventfd");
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  const int inner = epoll_create1(EPOLL_CLOEXEC);
  Must(epoll >= 0 && inner >= 0, "epoll_create1");

  Watch(epoll, messages.reader, EPOLLIN | EPOLLET, kMessages);
  Watch(epoll, waker, EPOLLIN, kWaker);
  Watch(inner, inner_messages.reader, EPOLLIN, kInner);
  Watch(epoll, inner, EPOLLIN, kInner);

  messages.Send("hello");
  int seen = 0;
  for (int turn = 1; turn <= 5; ++turn) {
    epoll_event events[8];
    const int count = epoll_wait(epoll, events, 8, 20);
    Must(count >= 0, "epoll_wait");
    if (count == 0) std::printf("turn %d: nothing to do\n", turn);
    for (int i = 0; i < count; ++i) {
      ++seen;
      switch (events[i].data.u64) {
        case kMessages:
          std::printf("turn %d: message \"%s\"\n", turn, messages.Drain().c_str());
          break;
        case kWaker: {
          uint64_t value = 0;
          Must(read(waker, &value, sizeof value) == sizeof value, "read of the eventfd");
          std::printf("turn %d: woken, counter %llu\n", turn,
                      static_cast<unsigned long long>(value));
          break;
        }
        case kInner:
          std::printf("turn %d: inner loop has \"%s\"\n", turn, inner_messages.Drain().c_str());
          break;
      }
    }
    // What happens before the next turn.
    const uint64_t one = 1;
    switch (turn) {
      case 1:
        Must(write(waker, &one, sizeof one) == sizeof one &&
                 write(waker, &one, sizeof one) == sizeof one,
             "write");
        break;
      case 2: {
        const int duplicate = dup(epoll);
        Must(duplicate >= 0 && close(epoll) == 0, "dup and close");
        std::printf("the epoll descriptor was duplicated, and the first number closed\n");
        epoll = duplicate;
        messages.Send("still here");
        inner_messages.Send("nested");
        break;
      }
      case 4:
        messages.Send("last words");
        Must(close(messages.writer) == 0, "close");
        break;
    }
  }
  std::printf("%d events\n", seen);
  return seen == 5 ? 0 : 1;
}
