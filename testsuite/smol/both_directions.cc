// One source, two tasks on two threads: one reads it, the other writes. The registration is one and
// oneshot, so an event of either direction disarms both, and the reactor arms what is still waited
// for anew (async-io's src/reactor.rs, ReactorLock::react: "re-register if there are still writers
// or readers"); a task that comes to wait adds its direction to what is armed (Source::poll_ready).
//
// The peer echoes, over buffers that are smaller than the message: whoever is forgotten once hangs.
#include <string>
#include <thread>

#include "testsuite/basics/net.h"
#include "testsuite/smol/reactor.h"

namespace {

constexpr size_t kBytes = 200000;

std::string Text() {
  std::string text(kBytes, '\0');
  for (size_t i = 0; i < kBytes; ++i) text[i] = static_cast<char>('a' + i * 11 % 26);
  return text;
}

void WriteAll(Driver& driver, Async& socket, const char* bytes, size_t count) {
  for (size_t done = 0; done < count;) {
    ssize_t more = 0;
    driver.BlockOn([&](const Waker& waker) {
      return socket.PollWrite(waker, bytes + done, count - done, &more);
    });
    done += more;
  }
}

}  // namespace

int main() {
  Driver driver;
  const Pair pair = Connected();
  SetOption(pair.client, SOL_SOCKET, SO_SNDBUF, 8192);
  SetOption(pair.server, SOL_SOCKET, SO_SNDBUF, 8192);
  const std::string sent = Text();
  std::string received;
  {
    Async client(driver, pair.client), server(driver, pair.server);
    std::thread writer([&] { WriteAll(driver, client, sent.data(), sent.size()); });
    std::thread echo([&] {
      char bytes[5000];
      for (size_t done = 0; done < kBytes;) {
        ssize_t count = 0;
        driver.BlockOn([&](const Waker& waker) {
          return server.PollRead(waker, bytes, sizeof bytes, &count);
        });
        WriteAll(driver, server, bytes, count);
        done += count;
      }
    });
    while (received.size() < kBytes) {
      char bytes[7000];
      ssize_t count = 0;
      driver.BlockOn(
          [&](const Waker& waker) { return client.PollRead(waker, bytes, sizeof bytes, &count); });
      received.append(bytes, count);
    }
    writer.join();
    echo.join();
  }
  Must(received == sent, "what came back is what was sent");
  std::printf("bytes there and back: %zu\n", received.size());
  return 0;
}
