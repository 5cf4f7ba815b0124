// A stale event after number reuse: the event of a closed connection reaches the one that has its
// number now.
//
// epoll_wait returns several events at once. When the callback of the first closes the descriptor
// of the second and opens another, which gets the same number, the second event is dispatched to
// the new watcher: libuv looks watchers up by number. joyent/libuv#826 reported it; #971 made
// whoever closes a descriptor wipe its number from the events that are still to be dispatched
// (uv__platform_invalidate_fd in src/unix/linux-core.c, today src/unix/linux.c).
#include <condition_variable>
#include <mutex>
#include <thread>

#include "testsuite/museum/museum.h"

namespace {

constexpr int kPings = 3;
constexpr char kPing = '.', kKick = 'k';

// The server: answers pings on two connections; a kick on the first one replaces the second.
class Loop {
 public:
  Loop() {
    Watch(epoll_, EPOLL_CTL_ADD, admin_.server, EPOLLIN, admin_.server);
    Watch(epoll_, EPOLL_CTL_ADD, user_.server, EPOLLIN, user_.server);
  }

  void Run() {
    while (open_ > 0) {
      count_ = TEMP_FAILURE_RETRY(epoll_wait(epoll_, events_, 4, -1));
      Must(count_ > 0, "epoll_wait");
      for (int i = 0; i < count_; ++i) {
        if (events_[i].data.u32 != kNobody) OnReadable(static_cast<int>(events_[i].data.u32));
      }
    }
  }

  int admin() const { return admin_.client; }
  int user() const { return user_.client; }
  // The client's end of what replaces the user's connection.
  int AwaitReplacement() {
    std::unique_lock lock(mutex_);
    replaced_.wait(lock, [this] { return replacement_ >= 0; });
    return replacement_;
  }

 private:
  static constexpr uint32_t kNobody = ~0u;

  void OnReadable(int fd) {
    char byte;
    const ssize_t count = recv(fd, &byte, 1, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) Fail("an event says readable, and there is nothing to read");
    if (count <= 0) {
      Close(fd);
      --open_;
      return;
    }
    if (byte == kKick) ReplaceUser();
    send(fd, &byte, 1, MSG_NOSIGNAL);
  }

  void ReplaceUser() {
    const int number = user_.server;
    Close(number);
    user_ = SocketPair();
    Must(user_.server == number, "the lowest free number is the one that was closed");
    Watch(epoll_, EPOLL_CTL_ADD, user_.server, EPOLLIN, user_.server);
    std::lock_guard lock(mutex_);
    replacement_ = user_.client;
    replaced_.notify_one();
  }

  void Close(int fd) {
    if (fixed) Invalidate(fd);  // <== the fix
    close(fd);
  }

  void Invalidate(int fd) {
    for (int i = 0; i < count_; ++i) {
      if (events_[i].data.u32 == static_cast<uint32_t>(fd)) events_[i].data.u32 = kNobody;
    }
  }

  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  const SocketPair admin_;
  SocketPair user_;
  int open_ = 2;
  epoll_event events_[4];
  int count_ = 0;

  std::mutex mutex_;
  std::condition_variable replaced_;
  int replacement_ = -1;
};

// Whether the server answered; it has closed the connection otherwise.
bool Asked(int fd, char question) {
  char answer;
  return send(fd, &question, 1, MSG_NOSIGNAL) == 1 && recv(fd, &answer, 1, 0) == 1;
}

void Administrate(int fd) {
  Must(Asked(fd, kKick), "the kick is confirmed");
  close(fd);
}

void Use(Loop& loop, int first) {
  for (int i = 0; i < kPings && Asked(first, kPing); ++i) continue;
  const int second = loop.AwaitReplacement();
  for (int i = 0; i < kPings; ++i) Must(Asked(second, kPing), "the new connection works");
  close(first);
  close(second);
}

}  // namespace

int main(int argc, char** argv) {
  EnterExhibit(argc, argv);
  Loop loop;
  std::thread user(Use, std::ref(loop), loop.user());
  std::thread admin(Administrate, loop.admin());
  loop.Run();
  user.join();
  admin.join();
  return Ok();
}
