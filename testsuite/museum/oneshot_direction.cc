// A one-shot interest is not armed again: reading takes the writer's wake-up away.
//
// With EPOLLONESHOT an event of either direction disables the whole descriptor. In Pony's runtime
// an actor that waited for its connection to become writeable heard nothing of it any more when
// something to read came first, until it had dealt with that (ponylang/ponyc#1564). Since then the
// runtime arms again what is still waited for: pony_asio_event_resubscribe
// (src/libponyrt/asio/epoll.c) asks for each direction that is not known to be ready. Here the one
// who reads arms its own direction only, and the one who waits to write waits forever. Mostly that
// goes well: room to write comes before the next thing to read, or together with it.
#include <array>
#include <thread>

#include "testsuite/basics/tasks.h"
#include "testsuite/museum/museum.h"

namespace {

constexpr int kBursts = 2;
constexpr size_t kChunkBytes = 1024;
using Chunk = std::array<char, kChunkBytes>;
constexpr char kMore = '.', kLast = '!';

// Sends bursts. Each is one chunk more than the socket has room for, and is followed by the next
// one when all of it is sent and the peer has sent a keep-alive.
class Sender {
 public:
  Sender(int fd, Gate& burst) : fd_(fd), burst_(burst) { Arm(EPOLL_CTL_ADD, EPOLLIN); }

  void Run() {
    for (int i = 0; i < kBursts; ++i) {
      while (SendChunk(kMore)) continue;
      kept_alive_ = false;
      Arm(EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
      burst_.Open();
      while (!writeable_ || !kept_alive_) {
        epoll_event event;
        Must(epoll_wait(epoll_, &event, 1, -1) == 1, "epoll_wait");
        if (event.events & EPOLLIN) OnReadable();
        if (event.events & EPOLLOUT) OnWriteable();
      }
    }
  }

 private:
  void OnReadable() {
    Receive(fd_);
    kept_alive_ = true;
    const bool blocked = fixed && !writeable_;  // <== the fix
    Arm(EPOLL_CTL_MOD, blocked ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }

  void OnWriteable() {
    Must(SendChunk(kLast), "there is room for a chunk");
    Arm(EPOLL_CTL_MOD, EPOLLIN);
  }

  // Whether it fitted.
  bool SendChunk(char kind) {
    Chunk chunk;
    chunk.fill(kind);
    const ssize_t sent = send(fd_, chunk.data(), chunk.size(), MSG_DONTWAIT);
    Must(sent == ssize_t{kChunkBytes} || errno == EAGAIN, "all of a chunk fits, or nothing");
    writeable_ = sent > 0;
    return writeable_;
  }

  void Arm(int operation, uint32_t interest) {
    Watch(epoll_, operation, fd_, interest | EPOLLONESHOT, 0);
  }

  const int fd_;
  Gate& burst_;
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  bool writeable_ = true;
  bool kept_alive_ = false;
};

char TakeChunk(int fd) {
  Chunk chunk;
  Must(recv(fd, chunk.data(), chunk.size(), MSG_WAITALL) == ssize_t{kChunkBytes}, "recv");
  return chunk.front();
}

// Takes each burst when the socket is full of it, and has the other thread send a keep-alive.
// Mostly there is room again before the keep-alive comes.
void TakeBursts(int fd, Gate& burst, Gate& keep_alive) {
  for (int i = 0; i < kBursts; ++i) {
    burst.Pass();
    keep_alive.Open();
    while (TakeChunk(fd) != kLast) continue;
  }
}

void KeepAlive(int fd, Gate& keep_alive) {
  for (int i = 0; i < kBursts; ++i) {
    keep_alive.Pass();
    Send(fd, 'k');
  }
}

}  // namespace

int main(int argc, char** argv) {
  EnterExhibit(argc, argv);
  const SocketPair pair;
  const int smallest = 0;
  Must(setsockopt(pair.server, SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest) == 0,
       "setsockopt");
  Gate burst, keep_alive;
  std::thread taker(TakeBursts, pair.client, std::ref(burst), std::ref(keep_alive));
  std::thread keeper(KeepAlive, pair.client, std::ref(keep_alive));
  Sender(pair.server, burst).Run();
  taker.join();
  keeper.join();
  return Ok();
}
