// phases: what runs when in a turn of libuv (uv_run in src/unix/core.c): idle, prepare, the poll,
// check, closing callbacks, timers. Node.js (src/env.cc) makes setImmediate of it: a check handle
// runs the immediates, and while there are any an idle handle that does nothing keeps the poll from
// sleeping. That is why an immediate of an I/O callback always comes before a timeout of it.
#include "testsuite/libuv/loop.h"

namespace {

class Immediates {
 public:
  explicit Immediates(Loop& loop) : loop_(loop) {
    check_.callback = [this] { Run(); };
    loop.checks.push_back(&check_);
  }
  ~Immediates() { std::erase(loop_.checks, &check_); }
  void Set(std::function<void()> callback) {
    if (queue_.empty()) loop_.idles.push_back(&keep_awake_);
    queue_.push_back(std::move(callback));
  }

 private:
  // Those that an immediate sets are for the next turn.
  void Run() {
    if (queue_.empty()) return;
    for (const auto& callback : std::exchange(queue_, {})) callback();
    if (queue_.empty()) std::erase(loop_.idles, &keep_awake_);
  }

  Loop& loop_;
  Hook check_, keep_awake_{[] {}};
  std::vector<std::function<void()>> queue_;
};

}  // namespace

int main() {
  Loop loop;
  Pipe pipe;
  std::string log;
  const auto note = [&log](const char* what) { return [&log, what] { log += what; }; };
  const auto show = [&](const char* what) {
    std::printf("%s:%s\n", what, log.c_str());
    log.clear();
  };

  // One turn with all there is.
  Hook idle{note(" idle")}, prepare{note(" prepare")}, check{note(" check")};
  Timer timer;
  Watcher reader;
  timer.callback = note(" timer");
  reader.fd = pipe.reader;
  reader.callback = [&](uint32_t) {
    log += " poll";
    ReadByte(pipe.reader);
    loop.AtEndOfTurn(note(" closed"));
  };
  loop.checks.push_back(&check);
  loop.prepares.push_back(&prepare);
  loop.idles.push_back(&idle);
  loop.Start(reader, EPOLLIN);
  loop.Start(timer, 0);
  pipe.Put('x');
  loop.Run(Loop::kNoWait);
  show("a turn");

  // uv_run's default mode looks at the timers before its first turn.
  loop.Start(timer, 0);
  pipe.Put('x');
  reader.callback = [&](uint32_t) {
    log += " poll";
    ReadByte(pipe.reader);
    loop.Stop();
  };
  loop.Run();
  show("the default mode");

  // An idle handle keeps the poll from sleeping: with nothing to do the turn still ends.
  loop.Run(Loop::kOnce);
  show("nothing to do");
  std::erase(loop.idles, &idle);
  std::erase(loop.prepares, &prepare);
  std::erase(loop.checks, &check);

  // Immediates and timeouts, set by an I/O callback.
  Immediates immediates(loop);
  int turns = 0;
  reader.callback = [&](uint32_t) {
    log += " io";
    ReadByte(pipe.reader);
    loop.Start(timer, 0);
    immediates.Set([&] {
      log += " immediate";
      immediates.Set([&] {
        log += " nested";
        loop.Close(reader);
      });
    });
  };
  pipe.Put('x');
  // The check handle of the immediates is always there, so it is the reader's end that counts.
  while (reader.fd >= 0 || timer.active) {
    ++turns;
    loop.Run(Loop::kOnce);
  }
  show("set by I/O");
  Must(turns == 2, "no turn slept or came for nothing");
  return close(pipe.writer);
}
