// Everything is edge-triggered: each event comes once, for each kind of source.
//
// mio registers all sources with EPOLLET, and readable ones with EPOLLRDHUP too
// (interests_to_epoll in sys/unix/selector/epoll.rs). So for pipes, socket pairs, TCP, UDP and
// eventfds alike: registering a source that is ready is an event; waiting again is none, whether or
// not anything was read; more data is one, even on top of what is there; reading a part is none;
// and registering again (EPOLL_CTL_MOD) tells what is there once more. The end of the other side
// comes as readable and read-closed, to which EPOLLRDHUP is the key.
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "testsuite/basics/check.h"
#include "testsuite/basics/net.h"
#include "testsuite/mio/mio.h"

namespace {

// A source of data, and how to send it something (8 bytes, as eventfds want).
struct Source {
  const char* name;
  int reader, writer;
  bool ends = true;      // Closing the writer is the end of the reader.
  bool is_inet = false;  // What is sent arrives soon.
};

Source PipeSource() {
  int ends[2];
  Must(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0, "pipe2");
  return {"pipe", ends[0], ends[1]};
}
Source PairSource() {
  int ends[2];
  Must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
  return {"unix stream", ends[0], ends[1]};
}
Source TcpSource() {
  const Pair pair = Connected();
  SetOption(pair.client, IPPROTO_TCP, TCP_NODELAY, 1);
  return {"tcp stream", pair.server, pair.client, /*ends=*/true, /*is_inet=*/true};
}
Source UdpSource() {
  const int reader = Udp(), writer = Udp();
  Must(Bind(reader, V4(INADDR_LOOPBACK)) == 0 && Connect(writer, NameOf(reader)) == 0, "udp");
  return {"udp socket", reader, writer, /*ends=*/false, /*is_inet=*/true};
}
Source EventfdSource() {
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  const int duplicate = dup(fd);
  Must(fd >= 0 && duplicate >= 0, "eventfd");
  return {"eventfd", fd, duplicate, /*ends=*/false};
}

constexpr mio::Token kToken = 42;

class Watcher {
 public:
  mio::Poll poll;

  // What comes at once, or (certainly) soon.
  std::string Next(bool certainly) {
    mio::Events events(8);
    poll.WaitOn(&events, certainly ? -1 : 0);
    if (events.size() == 0) return "nothing";
    Must(events.size() == 1 && events.begin()->data.u64 == kToken, "one event");
    const uint32_t bits = events.begin()->events;
    std::string text;
    if (mio::IsReadable(bits)) text += " readable";
    if (mio::IsWritable(bits)) text += " writable";
    if (mio::IsReadClosed(bits)) text += " read-closed";
    if (mio::IsWriteClosed(bits)) text += " write-closed";
    if (mio::IsError(bits)) text += " error";
    return text.substr(1);
  }
};

void Send(const Source& source) {
  const uint64_t one = 1;
  Must(write(source.writer, &one, sizeof one) == sizeof one, "sending");
  if (source.is_inet) Settle();
}

// Reads all there is.
void Drain(const Source& source) {
  char buffer[64];
  while (read(source.reader, buffer, sizeof buffer) > 0) {
  }
  Must(errno == EAGAIN, "reading until there is nothing");
}

void Try(const Source& source) {
  Watcher watcher;
  const auto show = [&](const char* what, bool certainly) {
    const std::string events = watcher.Next(certainly);
    std::printf("  %s: %s\n", what, events.c_str());
    return events;
  };
  const mio::Registry& registry = watcher.poll.registry();
  std::printf("%s\n", source.name);
  Send(source);
  Must(registry.Register(source.reader, kToken, mio::kReadable) == 0, "registering");
  Must(show("registered with data", true) == "readable", "what is there is told");
  Must(show("not read", false) == "nothing", "and only once");
  Send(source);
  Must(show("more data on top", true) == "readable", "each arrival is an event");
  Drain(source);
  Must(show("drained", false) == "nothing", "reading is no event");
  Send(source);
  Send(source);
  Must(show("two arrivals", true) == "readable", "which are one event");
  Must(show("not read", false) == "nothing", "one");
  Must(registry.Reregister(source.reader, kToken, mio::kReadable) == 0, "registering again");
  Must(show("registered again", true) == "readable", "tells it once more");
  Drain(source);
  Must(registry.Reregister(source.reader, kToken, mio::kReadable) == 0, "registering again");
  Must(show("registered again when empty", false) == "nothing", "there is nothing to tell");
  Must(registry.Register(source.reader, kToken, mio::kReadable) == EEXIST, "it is registered");
  Send(source);
  Must(registry.Deregister(source.reader) == 0, "deregistering");
  Must(show("deregistered with data", false) == "nothing", "nobody asks any more");
  Must(registry.Reregister(source.reader, kToken, mio::kReadable) == ENOENT,
       "it is not registered");
  Drain(source);
  if (source.ends) {
    Must(registry.Register(source.reader, kToken, mio::kReadable) == 0, "registering");
    close(source.writer);
    show("the writer closed", true);
    char byte;
    Must(read(source.reader, &byte, 1) == 0, "the end");
    Must(show("the end was read", false) == "nothing", "the end is told once");
  } else {
    close(source.writer);
  }
  close(source.reader);
}

}  // namespace

int main() {
  for (const auto make : {PipeSource, PairSource, TcpSource, UdpSource, EventfdSource}) Try(make());
  return 0;
}
