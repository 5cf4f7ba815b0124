// Go's tagged pointers: an event may be in netpoll's hands while its descriptor is closed, and the
// PollDesc it points to recycled for another (src/runtime/netpoll_epoll.go, netpoll:
// pd.fdseq.Load() against tp.tag(); src/runtime/tagptr.go). PollDescs are never freed, so the
// pointer is good; the sequence number in the event's data says that it means somebody else.
//
// First step by step: the event of the old life must not ready the new one. Then many goroutines
// open and close connections while the poller takes events for them.
#include <thread>
#include <vector>

#include "testsuite/basics/net.h"
#include "testsuite/go/runtime.h"

namespace {

// What poll_runtime_pollUnblock and FD.destroy do, for a descriptor that nobody uses.
void Retire(Netpoll& poll, PollDesc* desc) {
  {
    std::lock_guard lock(desc->lock);
    desc->closing = true;
    desc->PublishInfo();
  }
  const int fd = desc->fd;
  poll.Close(desc);
  close(fd);
}

const char* StateName(uintptr_t state) {
  return state == kNil ? "nil" : state == kReady ? "ready" : state == kWait ? "wait" : "parked";
}

void StepByStep() {
  Netpoll poll;
  const Pair old_pair = Connected();
  PollDesc* const old_desc = poll.Open(old_pair.server);
  Must(send(old_pair.client, "x", 1, 0) == 1, "send");
  epoll_event events[8];
  // The connection was writable at once; it is in one event with what has been sent.
  const int count = poll.Wait(events, 8, -1);
  ShowCount("events of the old connection", count);

  Retire(poll, old_desc);
  const Pair new_pair = Connected();
  PollDesc* const new_desc = poll.Open(new_pair.server);
  Must(new_desc == old_desc, "the PollDesc is the old one");

  Must(poll.Ready(events, count, -1).empty(), "nobody is parked");
  std::printf("after the old event: reader %s, writer %s\n", StateName(new_desc->rg.load()),
              StateName(new_desc->wg.load()));
  poll.Poll(-1);
  std::printf("after its own: reader %s, writer %s\n", StateName(new_desc->rg.load()),
              StateName(new_desc->wg.load()));

  Retire(poll, new_desc);
  close(old_pair.client);
  close(new_pair.client);
}

// One connection after another; each echoes a byte and goes, whichever side is first.
void Churn(Runtime& runtime) {
  for (int i = 0; i < 12; ++i) {
    const Pair pair = Connected();
    Fd client(runtime, pair.client), server(runtime, pair.server);
    std::thread echo([&] {
      char byte;
      Must(server.Read(&byte, 1) == 1 && server.Write(&byte, 1) == 1, "echo");
      server.Close();
    });
    char byte = static_cast<char>('a' + i);
    Must(client.Write(&byte, 1) == 1, "write");
    char answer;
    Must(client.Read(&answer, 1) == 1 && answer == byte, "the answer is this connection's");
    Must(client.Read(&answer, 1) == 0, "the end");
    client.Close();
    echo.join();
  }
}

}  // namespace

int main() {
  StepByStep();
  Runtime runtime;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back([&] { Churn(runtime); });
  for (std::thread& thread : threads) thread.join();
  std::printf("36 connections came and went\n");
  return 0;
}
