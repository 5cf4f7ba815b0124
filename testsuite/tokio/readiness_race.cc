// A task clears a source's readiness just when the driver sets it anew.
//
// The reader reads what is there, sees that it was less than it asked for, and clears the
// readiness; or it gets EAGAIN, and does. Between the two, more may have come, and the driver may
// have told so: the one edge that there is. So readiness carries a tick, which each update by the
// driver counts up, and whoever clears it names the tick that it had seen; a stale one clears
// nothing. Without that the reader waits for what has come already.
//
// Each round the sender sends two messages, in whatever way they meet the reader, and waits for the
// answer to both; so the race is there in every round, and losing it is a deadlock. The reader is a
// task in Handle::block_on, in a thread of its own, and the driver turns in another.
//
// Tokio: ScheduledIo::{set_readiness, clear_readiness, poll_readiness} in
// runtime/io/scheduled_io.rs, Registration::poll_io, PollEvented::poll_read.
#include <fcntl.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdio>
#include <optional>
#include <thread>

#include "testsuite/basics/check.h"
#include "testsuite/tokio/driver.h"
#include "testsuite/tokio/sync.h"

namespace {

constexpr int kRounds = 200;

void Send(int fd, char byte) { Must(write(fd, &byte, 1) == 1, "sending"); }

// Waits for a message, and returns how many there were: by PollIo, which goes on until EAGAIN, or
// by PollRead, which need not.
int Receive(tokio::PollEvented* socket, bool saves_reads) {
  char buffer[16];
  const ssize_t count = tokio::BlockOn([&](const tokio::Waker& waker) {
    if (saves_reads) return socket->PollRead(buffer, sizeof buffer, waker);
    return socket->PollIo(tokio::kReadSide, waker, [&] { return read(socket->fd(), buffer, 1); });
  });
  Must(count == 1 || count == 2, "receiving");
  return static_cast<int>(count);
}

void Run(const char* how, bool saves_reads) {
  tokio::Driver driver;
  tokio::Handle handle(&driver);
  std::atomic<bool> is_over = false;
  std::thread turner([&] {
    while (!is_over.load()) driver.Turn(&handle, -1);
  });

  int ends[2];
  Must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
  Must(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0, "the reader does not block");
  std::optional<tokio::PollEvented> socket;
  socket.emplace(&handle, ends[0], mio::kBoth);

  std::thread sender([&] {
    for (int i = 0; i < kRounds; ++i) {
      Send(ends[1], 'a');
      Send(ends[1], 'b');
      char answer;
      Must(read(ends[1], &answer, 1) == 1, "the answer");
    }
  });
  int messages = 0;
  for (int i = 0; i < kRounds; ++i) {
    for (int received = 0; received < 2;) {
      const int count = Receive(&*socket, saves_reads);
      received += count;
      messages += count;
    }
    Send(ends[0], 'x');
  }
  sender.join();
  socket.reset();
  is_over.store(true);
  handle.Unpark();
  turner.join();
  close(ends[1]);
  std::printf("%s: %d messages\n", how, messages);
}

}  // namespace

int main() {
  Run("reading until EAGAIN", false);
  Run("reading until less than asked for", true);
  return 0;
}
