// Many things happen to a source between two polls: one event tells of all.
//
// An event has the bits of what is true when it is handed out, not a history. Data, the end of the
// stream and room to write come as one event. What is no longer true is not told, and if nothing is
// left, nothing comes: a source that was made ready and then drained by somebody else. Two
// descriptors of one source, registered each, have an event each; one registered in two polls has
// one in each.
//
// mio: event/event.rs on how events are merged; sys/unix/selector/epoll.rs.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <thread>
#include <utility>

#include "testsuite/basics/check.h"
#include "testsuite/basics/net.h"
#include "testsuite/mio/mio.h"

namespace {

struct Stream {
  Stream() {
    int ends[2];
    Must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0,
         "socketpair");
    mine = ends[0];
    peer = ends[1];
  }
  ~Stream() {
    close(mine);
    if (peer >= 0) close(peer);
  }
  void Send() const { Must(write(peer, "x", 1) == 1, "sending"); }
  void ClosePeer() { close(std::exchange(peer, -1)); }
  int mine, peer;
};

void Show(const char* what, mio::Poll* poll) {
  mio::Events events(8);
  poll->Wait(&events, 0);
  std::printf("%s:", what);
  for (const epoll_event& event : events) {
    std::printf(" %d %s", static_cast<int>(event.data.u64), Names(event.events).c_str());
  }
  std::printf(events.size() == 0 ? " nothing\n" : "\n");
}

int Drain(int fd) {
  int total = 0;
  char buffer[4096];
  ssize_t count;
  while ((count = read(fd, buffer, sizeof buffer)) > 0) total += static_cast<int>(count);
  Must(count == 0 || errno == EAGAIN, "draining");
  return total;
}

// A reader that is woken once for many messages reads them all, each time, whatever is merged.
void Streaming() {
  constexpr int kMessages = 300;
  mio::Poll poll;
  Stream stream;
  Must(poll.registry().Register(stream.mine, 1, mio::kBoth) == 0, "registering");
  Must(fcntl(stream.peer, F_SETFL, 0) == 0, "the sender waits for room");
  std::thread sender([&] {
    for (int i = 0; i < kMessages; ++i) stream.Send();
    Must(shutdown(stream.peer, SHUT_WR) == 0, "shutdown");
  });
  int received = 0;
  for (bool is_over = false; !is_over;) {
    mio::Events events(8);
    poll.Wait(&events, -1);
    for (const epoll_event& event : events) {
      received += Drain(stream.mine);
      is_over |= mio::IsReadClosed(event.events);
    }
  }
  sender.join();
  Must(received == kMessages, "all messages");
  std::printf("%d messages, then the end\n", received);
}

}  // namespace

int main() {
  mio::Poll poll;
  {
    Stream stream;
    Must(poll.registry().Register(stream.mine, 1, mio::kBoth) == 0, "registering");
    Show("registered", &poll);
    for (int i = 0; i < 3; ++i) stream.Send();
    Show("three messages", &poll);
    for (int i = 0; i < 3; ++i) stream.Send();
    Must(Drain(stream.mine) == 6, "six bytes");
    Show("three messages, drained before the poll", &poll);
    stream.Send();
    stream.ClosePeer();
    Show("a message and the end", &poll);
    Must(Drain(stream.mine) == 1, "the message");
    Show("drained", &poll);
  }
  {
    Stream stream;
    Must(poll.registry().Register(stream.mine, 2, mio::kReadable) == 0, "registering");
    stream.Send();
    Must(Drain(stream.mine) == 1, "by somebody else");
    Show("ready, then drained", &poll);
    stream.Send();
    Must(poll.registry().Deregister(stream.mine) == 0 &&
             poll.registry().Register(stream.mine, 22, mio::kReadable) == 0,
         "registering anew");
    Show("ready, and registered anew", &poll);
  }
  {
    Stream stream;
    const int duplicate = dup(stream.mine);
    mio::Poll other;
    Must(poll.registry().Register(stream.mine, 3, mio::kReadable) == 0, "registering");
    Must(poll.registry().Register(duplicate, 33, mio::kReadable) == 0, "the duplicate");
    Must(other.registry().Register(stream.mine, 333, mio::kReadable) == 0, "in another poll");
    stream.Send();
    mio::Events events(8);
    poll.Wait(&events, -1);
    Must(events.size() == 2, "one each");
    std::printf("a descriptor and its duplicate: %d events\n", events.size());
    Show("in another poll", &other);
    Must(Drain(stream.mine) == 1, "once");
    Show("drained", &poll);
    close(duplicate);
  }
  Streaming();
  return 0;
}
