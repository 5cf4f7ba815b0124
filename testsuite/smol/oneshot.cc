// The four modes of smol's polling crate (src/epoll.rs, epoll_flags): one event and then silence
// (oneshot, what async-io uses), level, edge, and an edge once. Interest is set with EPOLL_CTL_MOD,
// which also looks at once whether there is something to report, whatever was reported before.
#include <string>

#include "testsuite/basics/net.h"
#include "testsuite/smol/polling.h"

namespace {

constexpr uint64_t kKey = 7;
constexpr Event kNone = {kKey, false, false}, kReadable = {kKey, true, false},
                kWritable = {kKey, false, true}, kAll = {kKey, true, true};

// What a poll says that does not wait.
void Tell(Poller& poller, const char* what) {
  std::printf("  %s:", what);
  for (const Event& event : poller.Wait(0)) {
    Must(event.key == kKey, "the key is the socket's");
    std::printf(" %s%s", event.readable ? "r" : "", event.writable ? "w" : "");
  }
  std::printf("\n");
}

void Walk(const char* name, PollMode mode) {
  std::printf("%s\n", name);
  Poller poller;
  int ends[2];
  Must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
  const auto send_byte = [&] { Must(send(ends[1], "x", 1, 0) == 1, "send"); };
  char byte;

  poller.Add(ends[0], kNone, mode);
  send_byte();
  Tell(poller, "no interest");
  poller.Modify(ends[0], kReadable, mode);
  Tell(poller, "interest in reading");
  Tell(poller, "asked again");
  send_byte();
  Tell(poller, "another byte");
  poller.Modify(ends[0], kReadable, mode);
  Tell(poller, "interest again");
  Must(read(ends[0], &byte, 1) == 1 && read(ends[0], &byte, 1) == 1, "read");
  poller.Modify(ends[0], kAll, mode);
  Tell(poller, "all read, interest in both");
  send_byte();
  Tell(poller, "a byte comes");
  poller.Modify(ends[0], kWritable, mode);
  Tell(poller, "interest in writing");
  poller.Modify(ends[0], kNone, mode);
  close(ends[1]);
  // A peer that has gone is reported with HUP even to those without interest, but for oneshot ones:
  // a MOD arms them, and the report disarms them.
  Tell(poller, "the peer goes");
  Tell(poller, "asked again");
  poller.Modify(ends[0], kReadable, mode);
  Tell(poller, "interest in reading");
  poller.Delete(ends[0]);
  Tell(poller, "deleted");
  close(ends[0]);
}

}  // namespace

int main() {
  Walk("oneshot", kOneshot);
  Walk("level", kLevel);
  Walk("edge", kEdge);
  Walk("edge oneshot", kEdgeOneshot);
  return 0;
}
