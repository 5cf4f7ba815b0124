// async_wakeup: uv_async_send (src/unix/async.c). Any thread marks a handle as pending, and the
// first to do so writes to the loop's eventfd; sends until the callback ran are one. The loop
// empties the eventfd before it looks at the marks, so no mark is left without a wake-up. A sender
// counts itself in (`busy`) before and out after it touches handle and eventfd, and closing waits
// for that count: a handle may be freed when uv_close's callback runs, even though its last sender
// has not returned yet.
#include <memory>
#include <mutex>
#include <thread>

#include "testsuite/libuv/loop.h"

namespace {

constexpr int kSenders = 3;
constexpr int kMessages = 12;

}  // namespace

int main() {
  auto loop = std::make_unique<Loop>();
  std::mutex mutex;
  std::vector<int> inbox;  // Of all senders, which share one handle.
  int received[kSenders] = {};
  int callbacks = 0, said_farewell = 0;

  auto shared = std::make_unique<Async>();
  int sending = kSenders;  // That may still ring the shared handle.
  const auto close_after_last = [&] {
    if (sending > 0 || received[0] + received[1] + received[2] < kSenders * kMessages) return;
    loop->Close(*shared);
    loop->AtEndOfTurn([&] { shared.reset(); });
  };
  shared->callback = [&] {
    ++callbacks;
    std::vector<int> messages;
    {
      std::lock_guard lock(mutex);
      messages.swap(inbox);
    }
    for (const int message : messages) {
      int& next = received[message / kMessages];
      Must(message % kMessages == next, "the messages of one sender keep their order");
      ++next;
    }
    close_after_last();
  };
  loop->Start(*shared);
  // And one handle each, rung once, at the end. Its sender is still at it when it is closed.
  std::unique_ptr<Async> farewells[kSenders];
  for (auto& farewell : farewells) {
    farewell = std::make_unique<Async>();
    farewell->callback = [&] {
      ++said_farewell;
      loop->Close(*farewell);
      Must(farewell->senders == 0, "nobody uses a closed handle");
      loop->AtEndOfTurn([&] { farewell.reset(); });
      --sending;
      close_after_last();
    };
    loop->Start(*farewell);
  }

  std::vector<std::thread> senders;
  for (int sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([&, sender, shared = shared.get(), farewell = farewells[sender].get()] {
      for (int i = 0; i < kMessages; ++i) {
        {
          std::lock_guard lock(mutex);
          inbox.push_back(sender * kMessages + i);
        }
        shared->Send();
      }
      farewell->Send();
    });
  }
  loop->Run();
  for (std::thread& sender : senders) sender.join();

  Must(shared == nullptr, "the shared handle was closed");
  Must(callbacks >= 1 && callbacks <= kSenders * kMessages, "one callback for one or more sends");
  for (const int count : received) std::printf("a sender: %d messages\n", count);
  std::printf("farewells: %d\n", said_farewell);
  return 0;
}
