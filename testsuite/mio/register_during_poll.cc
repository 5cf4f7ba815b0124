// Sources come, change and go while another thread is in epoll_wait(2).
//
// A Registry is used by any thread, and needs no waking of the poll: a source that is registered
// with data in it ends a wait that has begun before (EPOLL_CTL_ADD wakes); so does changing an
// interest so that it is fulfilled, and registering again what was told before (EPOLL_CTL_MOD). A
// source that is deregistered is not told any more, even if it becomes ready in the same wait.
//
// The poller is known to wait: the others begin when /proc says that it sleeps.
//
// mio: poll.rs (Registry), sys/unix/selector/epoll.rs (try_clone, register, reregister,
// deregister).
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <functional>
#include <thread>

#include "testsuite/basics/check.h"
#include "testsuite/basics/net.h"
#include "testsuite/basics/tasks.h"
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
    close(peer);
  }
  void Send() const { Must(write(peer, "x", 1) == 1, "sending"); }
  int mine, peer;
};

// Waits in a thread while `change` is made in this one; prints the event that ended the wait.
void During(const char* what, mio::Poll* poll, const std::function<void()>& change) {
  Gate begun;
  pid_t tid = 0;
  std::thread waiter([&] {
    tid = Tid();
    begun.Open();
    mio::Events events(8);
    poll->WaitOn(&events, -1);
    Must(events.size() == 1, "one event");
    std::printf("%s: token %d %s\n", what, static_cast<int>(events.begin()->data.u64),
                Names(events.begin()->events).c_str());
  });
  begun.Pass();
  UntilThreadAsleep(tid);
  change();
  waiter.join();
}

// The same at any time: registrations race with the waits.
void Racing() {
  constexpr int kSources = 60;
  mio::Poll poll;
  const mio::Registry registry = poll.registry().TryClone();
  std::atomic<int> told = 0;
  std::thread poller([&] {
    mio::Events events(4);
    while (told.load() < kSources) {
      poll.Wait(&events, -1);
      for (const epoll_event& event : events) {
        Must(static_cast<int>(event.data.u64) == told.load(),
             "the source that was registered last");
        told.fetch_add(1);
        told.notify_one();
      }
    }
  });
  for (int i = 0; i < kSources; ++i) {
    Stream pair;
    switch (i % 3) {
      case 0:  // Ready before it is registered.
        pair.Send();
        Must(registry.Register(pair.mine, i, mio::kReadable) == 0, "registering");
        break;
      case 1:  // Ready after it is registered.
        Must(registry.Register(pair.mine, i, mio::kReadable) == 0, "registering");
        pair.Send();
        break;
      case 2:  // Ready for what it is asked for later.
        Must(registry.Register(pair.mine, i, mio::kReadable) == 0, "registering");
        Must(registry.Reregister(pair.mine, i, mio::kWritable) == 0, "changing");
        break;
    }
    told.wait(i);
    Must(registry.Deregister(pair.mine) == 0, "deregistering");
  }
  poller.join();
  std::printf("%d sources came and went\n", told.load());
}

}  // namespace

int main() {
  mio::Poll poll;
  const mio::Registry registry = poll.registry().TryClone();
  Stream one, two, three;

  one.Send();
  During("registered with data", &poll,
         [&] { Must(registry.Register(one.mine, 1, mio::kReadable) == 0, "registering"); });
  During("asked for more", &poll,
         [&] { Must(registry.Reregister(one.mine, 1, mio::kBoth) == 0, "changing"); });
  During("asked for the same again", &poll,
         [&] { Must(registry.Reregister(one.mine, 1, mio::kReadable) == 0, "the same"); });
  During("another token", &poll,
         [&] { Must(registry.Reregister(one.mine, 11, mio::kReadable) == 0, "the token"); });
  Must(registry.Register(two.mine, 2, mio::kReadable) == 0, "registering");
  During("deregistered before it is ready", &poll, [&] {
    Must(registry.Deregister(two.mine) == 0, "deregistering");
    two.Send();
    three.Send();
    Must(registry.Register(three.mine, 3, mio::kReadable) == 0, "registering");
  });
  During("registered empty, then ready", &poll, [&] {
    char byte;
    Must(read(two.mine, &byte, 1) == 1, "emptying");
    Must(registry.Register(two.mine, 22, mio::kReadable) == 0, "registering");
    two.Send();
  });
  Racing();
  return 0;
}
