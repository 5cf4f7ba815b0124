// fork_loop: uv_loop_fork (src/unix/loop.c; uv__io_fork in src/unix/linux.c). After fork(2) both
// processes have the same epoll instance: a change that the child made would be the parent's. So
// the child gets an instance and an eventfd of its own, adds all that was watched to it again, and
// never deletes anything from the old one, which it only closes.
#include <thread>

#include "testsuite/libuv/loop.h"

namespace {

struct Program {
  Program() {
    wake.callback = [this] {
      log += " woken";
      loop.Close(wake);
    };
    loop.Start(wake);
    reader.fd = pipe.reader;
    reader.callback = [this](uint32_t) {
      log += " " + ReadByte(pipe.reader);
      loop.Close(reader);
    };
    loop.Start(reader, EPOLLIN);
    timer.callback = [this] { log += " timer"; };
    loop.Start(timer, 1);
  }
  // Wakes the loop from a thread, feeds it, and runs it to its end.
  void Finish(char byte) {
    std::thread sender([this] { wake.Send(); });
    pipe.Put(byte);
    loop.Run();
    sender.join();
    Must(log.size() == strlen(" woken x timer"), "each came once");
    for (const char* part : {" woken", " timer"}) {
      Must(log.find(part) != std::string::npos, "each came once");
    }
    std::printf("  \"%c\", a wake-up, a timer\n", byte);
  }

  Loop loop;
  Pipe pipe;
  Watcher reader;
  Async wake;
  Timer timer;
  std::string log;
};

}  // namespace

int main() {
  Program program;
  program.loop.Run(Loop::kNoWait);  // All is registered before the fork.
  Gate child_runs, parent_done;

  const pid_t child = Fork([&] {
    program.loop.Fork();
    // A pipe of its own under the old number; the parent reads from the old one.
    Pipe own;
    Must(dup2(own.reader, program.pipe.reader) >= 0, "dup2");
    program.pipe.writer = own.writer;
    std::printf("the child's loop\n");
    program.loop.TakeControls();
    program.loop.Run(Loop::kNoWait);
    std::printf("  made %s\n", program.loop.TakeControls().c_str());
    // If the timer was not due yet it comes now.
    program.Finish('c');
    child_runs.Open();
    parent_done.Pass();
    return 0;
  });

  // The child has closed all that its loop watched, and still lives.
  child_runs.Pass();
  std::printf("the parent's loop\n");
  program.Finish('p');
  std::printf("  made %s\n", program.loop.TakeControls().c_str());
  parent_done.Open();
  ShowEnd("the child", child);
  return 0;
}
