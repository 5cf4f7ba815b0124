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

#include "testsuite/museum/museum.h"

namespace {

constexpr size_t kChunkBytes = 1024;
using Chunk = std::array<char, kChunkBytes>;
constexpr char kMore = '.', kLast = '!';

// Sends one chunk more than the socket has room for, and waits for a keep-alive of the peer.
class Sender {
 public:
  explicit Sender(int fd) : fd_(fd) {
    while (SendChunk(kMore)) continue;
    Arm(EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
  }

  void Run() {
    while (!writeable_ || !kept_alive_) {
      epoll_event event;
      Must(TEMP_FAILURE_RETRY(epoll_wait(epoll_, &event, 1, -1)) == 1, "epoll_wait");
      if (event.events & EPOLLIN) OnReadable();
      if (event.events & EPOLLOUT) OnWriteable();
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
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  bool writeable_ = true;
  bool kept_alive_ = false;
};

void TakeAll(int fd) {
  Chunk chunk;
  do {
    Must(recv(fd, chunk.data(), chunk.size(), MSG_WAITALL) == ssize_t{kChunkBytes}, "recv");
  } while (chunk.front() != kLast);
}

}  // namespace

int main(int argc, char** argv) {
  EnterExhibit(argc, argv);
  const SocketPair pair;
  const int smallest = 0;
  Must(setsockopt(pair.server, SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest) == 0,
       "setsockopt");
  Sender sender(pair.server);
  // Two threads of the peer. Mostly there is room again before the keep-alive comes.
  std::thread taker(TakeAll, pair.client);
  std::thread keeper(Send, pair.client, 'k');
  sender.Run();
  taker.join();
  keeper.join();
  return Ok();
}
