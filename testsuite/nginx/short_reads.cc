// short_reads: how nginx reads edge-triggered without asking for EAGAIN (ngx_unix_recv in
// src/os/unix/ngx_recv.c, with EPOLLRDHUP). A read that returns less than it asked for has emptied
// the socket; nginx does not read again, and relies on an edge for every byte that comes later. A
// read that is full may have left something, so it goes on; and with the peer's end pending it goes
// on to the end. A thread sends pieces of all sizes around the size of the buffer.
#include <atomic>
#include <string>
#include <thread>

#include "testsuite/basics/net.h"
#include "testsuite/nginx/cycle.h"

namespace {

constexpr size_t kBuffer = 64;
constexpr int kPieces = 48;

size_t SizeOf(int piece) { return kBuffer - 3 + piece % 7 + (piece % 5 == 0 ? kBuffer : 0); }
char ByteAt(size_t place) { return static_cast<char>('a' + place % 23); }

}  // namespace

int main() {
  Cycle cycle(2);
  const Pair pair = Connected();
  Connection& connection = cycle.Get(pair.server);
  std::atomic<size_t> received = 0;
  bool ended = false;
  connection.read.handler = [&](Connection& self) {
    char buffer[kBuffer];
    while (self.read.ready) {
      const ssize_t got = Receive(self, buffer, sizeof buffer);
      if (got < 0) return;
      if (got == 0) {
        ended = true;
        return cycle.Close(self);
      }
      for (ssize_t i = 0; i < got; ++i) {
        Must(buffer[i] == ByteAt(received + i), "the bytes are right");
      }
      received += got;
      received.notify_one();
    }
  };
  cycle.Add(connection);

  std::thread sender([&pair, &received] {
    size_t place = 0;
    for (int piece = 0; piece < kPieces; ++piece) {
      std::string bytes;
      for (size_t i = 0; i < SizeOf(piece); ++i) bytes += ByteAt(place++);
      const ssize_t put = TEMP_FAILURE_RETRY(send(pair.client, bytes.data(), bytes.size(), 0));
      Must(put == static_cast<ssize_t>(bytes.size()), "send");
      // Now and then nothing comes for a while: what was left then would be left for ever.
      if (piece % 3 != 0) continue;
      for (size_t now; (now = received) < place;) received.wait(now);
    }
    // The end comes with or after the last bytes.
    Must(close(pair.client) == 0, "close");
  });
  while (!ended) cycle.ProcessEvents(-1);
  sender.join();

  size_t sent = 0;
  for (int piece = 0; piece < kPieces; ++piece) sent += SizeOf(piece);
  std::printf("%zu bytes\n", received.load());
  Must(received == sent, "all came");
  return 0;
}
