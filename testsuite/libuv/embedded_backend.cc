// embedded_backend: a loop inside another. Electron (shell/common/node_bindings_linux.cc) puts the
// descriptor of libuv's epoll instance, uv_backend_fd, into an instance of its own. A thread waits
// there, for as long as uv_backend_timeout says; when something is ready it has the main loop run
// one turn, and waits for a semaphore before it looks again. So the outer instance must report that
// the inner one has something, in time and without taking it, and must be quiet once it was taken.
//
// Argument: edge or level, how the outer instance watches. Electron's is level-triggered.
#include <semaphore.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "testsuite/libuv/loop.h"

namespace {

// The queue of the main loop, whose tasks are all "run libuv's loop once".
class MainLoop {
 public:
  void Post() {
    std::lock_guard lock(mutex_);
    ++tasks_;
    posted_.notify_one();
  }
  void Take() {
    std::unique_lock lock(mutex_);
    posted_.wait(lock, [&] { return tasks_ > 0; });
    --tasks_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable posted_;
  int tasks_ = 0;
};

constexpr int kMessages = 20;

}  // namespace

int main(int argc, char** argv) {
  const bool edge = argc > 1 && argv[1] == std::string("edge");
  Loop loop;
  Pipe pipe;
  Watcher reader;
  Timer timer;
  Async dummy;  // Ends the thread's wait when what it should wait for has changed.
  std::string received;
  int expired = 0;
  reader.fd = pipe.reader;
  reader.callback = [&](uint32_t) {
    received += ReadByte(reader.fd);
    // A timer that is started in a turn shortens the next wait.
    if (received.size() % 5 == 0) loop.Start(timer, 2);
  };
  timer.callback = [&] { ++expired; };
  dummy.keeps_alive = false;
  loop.Start(dummy);
  loop.Start(reader, EPOLLIN);

  const int outer = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event = {};
  event.events = EPOLLIN | (edge ? static_cast<uint32_t>(EPOLLET) : 0);
  event.data.fd = loop.backend();
  Must(epoll_ctl(outer, EPOLL_CTL_ADD, loop.backend(), &event) == 0, "nesting the backend");

  MainLoop main_loop;
  sem_t may_poll;  // The loop is touched by one thread at a time: this is the embedder's turn.
  Must(sem_init(&may_poll, 0, 0) == 0, "sem_init");
  std::atomic<bool> closed = false;
  std::thread embedder([&] {
    for (;;) {
      Must(TEMP_FAILURE_RETRY(sem_wait(&may_poll)) == 0, "sem_wait");
      if (closed) return;
      const int timeout_ms = loop.BackendTimeout();
      epoll_event ready;
      const int count = TEMP_FAILURE_RETRY(epoll_wait(outer, &ready, 1, timeout_ms));
      Must(count == 1 || (count == 0 && timeout_ms >= 0), "the outer instance waits");
      if (closed) return;
      main_loop.Post();
    }
  });
  std::thread writer([&] {
    for (int i = 0; i < kMessages; ++i) pipe.Put(static_cast<char>('a' + i));
  });

  loop.Run(Loop::kNoWait);  // Registers what was started.
  Must(sem_post(&may_poll) == 0, "sem_post");
  while (received.size() < kMessages || timer.active) {
    main_loop.Take();
    // An edge tells of news only, so a turn has to take all there is.
    size_t before;
    do {
      before = received.size();
      loop.Run(Loop::kNoWait);
    } while (edge && received.size() > before);
    Must(sem_post(&may_poll) == 0, "sem_post");
  }
  writer.join();
  closed = true;
  dummy.Send();
  embedder.join();

  std::printf("received %s\n", received.c_str());
  Must(expired >= 1, "the timer ran");
  loop.Close(dummy);
  loop.Close(reader);
  close(outer);
  return 0;
}
