// gone_readers: what a call that waits for room to write returns where that will not come any more:
// the reader has closed its end, or one of the two has been shut down. What was taken before counts
// first; SIGPIPE comes only where a call begins too late, not while it waits. A datagram's sender
// waits for the queue that it found first, whatever is connected or named otherwise meanwhile.
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

#include "testsuite/basics/tasks.h"
#include "testsuite/basics/unix/sockets.h"

namespace {

const std::string kLarge(1000000, 'x');

// How a blocked call, which another thread begins, went.
struct Waiting {
  explicit Waiting(std::function<long()> call)
      : thread([this, call] {
          Block({SIGPIPE});
          tid = Tid();
          errno = 0;
          result = call();
          error = errno;
          sigset_t pending;
          sigpending(&pending);
          signalled = sigismember(&pending, SIGPIPE) == 1;
          const timespec at_once = {};
          const sigset_t pipe = SetOf({SIGPIPE});
          if (signalled) Must(sigtimedwait(&pipe, nullptr, &at_once) == SIGPIPE, "sigtimedwait");
        }) {
    while (tid == 0) sched_yield();
    UntilThreadAsleep(tid);
  }
  void ShowEnd(const char* what) {
    thread.join();
    std::printf("%s: %s%s\n", what, result >= 0 ? std::to_string(result).c_str() : ErrorName(error),
                signalled ? ", SIGPIPE" : "");
  }

  std::atomic<pid_t> tid = 0;
  long result = 0;
  int error = 0;
  bool signalled = false;
  std::thread thread;
};

void ShowNow(const char* what, int fd) {
  int error = 0;
  socklen_t bytes = sizeof error;
  Must(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0, "SO_ERROR");
  std::printf("  %s: SO_ERROR %s, %s\n", what, error == 0 ? "0" : ErrorName(error),
              Ready(fd).c_str());
}

void ShowNext(int fd) {
  const timespec at_once = {};
  const sigset_t pipe = SetOf({SIGPIPE});
  errno = 0;
  const long result = send(fd, "x", 1, MSG_DONTWAIT);
  const int error = errno;
  const bool signalled = sigtimedwait(&pipe, nullptr, &at_once) == SIGPIPE;
  std::printf("  the next one: %s%s\n",
              result >= 0 ? std::to_string(result).c_str() : ErrorName(error),
              signalled ? ", SIGPIPE" : "");
}

struct Call {
  const char* name;
  long (*make)(int fd, size_t bytes);
};
const Call kCalls[] = {
    {"write", [](int fd, size_t bytes) -> long { return write(fd, kLarge.data(), bytes); }},
    {"writev",
     [](int fd, size_t bytes) -> long {
       const iovec pieces[] = {{const_cast<char*>(kLarge.data()), bytes / 2},
                               {const_cast<char*>(kLarge.data()), bytes - bytes / 2}};
       return writev(fd, pieces, 2);
     }},
    {"send", [](int fd, size_t bytes) -> long { return send(fd, kLarge.data(), bytes, 0); }},
    {"send with MSG_NOSIGNAL",
     [](int fd, size_t bytes) -> long { return send(fd, kLarge.data(), bytes, MSG_NOSIGNAL); }},
    {"sendfile",
     [](int fd, size_t bytes) -> long {
       const int file = memfd_create("file", 0);
       Must(file >= 0 && write(file, kLarge.data(), bytes) == static_cast<ssize_t>(bytes), "memfd");
       off_t from = 0;
       const long result = sendfile(fd, file, &from, bytes);
       const int error = errno;
       close(file);
       errno = error;
       return result;
     }},
    {"splice",
     [](int fd, size_t bytes) -> long {
       int pipe[2];
       bytes = std::min<size_t>(bytes, 50000);
       Must(pipe2(pipe, 0) == 0 &&
                write(pipe[1], kLarge.data(), bytes) == static_cast<ssize_t>(bytes),
            "pipe");
       const long result = splice(pipe[0], nullptr, fd, nullptr, bytes, 0);
       const int error = errno;
       close(pipe[0]), close(pipe[1]);
       errno = error;
       return result;
     }},
};

struct End {
  const char* name;
  void (*act)(Pair& pair);
};
void CloseReader(Pair& pair) {
  close(pair.b);
  pair.b = -1;
}
const End kEnds[] = {
    {"the reader closes", CloseReader},
    {"the reader shuts down reading", [](Pair& pair) { shutdown(pair.b, SHUT_RD); }},
    {"the reader shuts down both", [](Pair& pair) { shutdown(pair.b, SHUT_RDWR); }},
    {"the writer shuts down writing", [](Pair& pair) { shutdown(pair.a, SHUT_WR); }},
};

// `bytes` a call; the buffer is full before it where `full`.
void Connected(int type, size_t bytes, bool full) {
  for (const End& end : kEnds) {
    // A pair of datagram sockets takes notice of closing alone, and of what is read.
    const bool reads = type == SOCK_DGRAM && end.act != CloseReader;
    for (const Call& call : kCalls) {
      // What is spliced into a stream that has room is taken at once.
      if (!full && std::string(call.name) == "splice") continue;
      std::printf("%s, %s of %zu, %s: %s\n", TypeName(type), call.name, bytes,
                  full ? "full" : "not full", end.name);
      Pair pair = MakePair(type);
      if (full) Fill(pair.a, type == SOCK_STREAM ? 20000 : bytes);
      Waiting waiting([&] { return call.make(pair.a, bytes); });
      end.act(pair);
      while (reads && Ready(pair.a).find("OUT") == std::string::npos &&
             recv(pair.b, nullptr, 0, MSG_DONTWAIT) >= 0) {
      }
      waiting.ShowEnd("  it returns");
      ShowNow("then", pair.a);
      ShowNext(pair.a);
      close(pair.a);
      close(pair.b);
    }
  }
}

void OutOfBand() {
  std::puts("- a stream, the out-of-band byte");
  for (const End& end : kEnds) {
    Pair pair = MakePair(SOCK_STREAM);
    Fill(pair.a, 20000);
    Waiting waiting([&] { return send(pair.a, "x", 1, MSG_OOB); });
    end.act(pair);
    std::printf("%s\n", end.name);
    waiting.ShowEnd("  it returns");
    ShowNow("then", pair.a);
    ShowNext(pair.a);
    close(pair.a);
    close(pair.b);
  }
}

// ---- Datagrams to a queue that is full.

Address NameOf(const char* name) { return Address(name); }

struct Receiver {
  explicit Receiver(const char* name) : fd(NewSocket(SOCK_DGRAM)) {
    Must(Bind(fd, NameOf(name)) == 0, "bind");
  }
  ~Receiver() { close(fd); }
  void Close() { close(std::exchange(fd, -1)); }
  void ReadOne() {
    char byte;
    Must(recv(fd, &byte, 1, MSG_DONTWAIT) == 1, "recv");
  }
  void ShowQueue() {
    char bytes[10];
    int count = 0;
    while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) >= 0) ++count;
    std::printf("  received: %d\n", count);
  }
  int fd;
};

int FillQueue(const char* name) {
  const int sender = NewSocket(SOCK_DGRAM);
  Must(Connect(sender, NameOf(name)) == 0, "connect");
  while (send(sender, "x", 1, MSG_DONTWAIT) == 1) {
  }
  return sender;
}

void Queue(const char* what, bool connected,
           const std::function<void(Receiver& receiver, int sender)>& act) {
  std::printf("dgram, a full queue, %s: %s\n", connected ? "connected" : "sendto", what);
  Receiver receiver("socket");
  const int filler = FillQueue("socket");
  const int sender = NewSocket(SOCK_DGRAM);
  if (connected) Must(Connect(sender, NameOf("socket")) == 0, "connect");
  {
    Waiting waiting([&]() -> long {
      const Address to = NameOf("socket");
      return connected ? send(sender, "y", 1, 0) : sendto(sender, "y", 1, 0, to.get(), to.bytes);
    });
    act(receiver, sender);
    waiting.ShowEnd("  it returns");
  }
  ShowNow("then", sender);
  ShowNext(sender);
  close(sender);
  close(filler);
  unlink("socket");
}

void Queues() {
  for (const bool connected : {true, false}) {
    Queue("one is read", connected, [](Receiver& receiver, int) { receiver.ReadOne(); });
    Queue("the receiver closes", connected, [](Receiver& receiver, int) { receiver.Close(); });
    Queue("the receiver shuts down, and one is read", connected, [](Receiver& receiver, int) {
      shutdown(receiver.fd, SHUT_RD);
      receiver.ReadOne();
    });
    Queue("the sender shuts down, and one is read", connected, [](Receiver& receiver, int sender) {
      shutdown(sender, SHUT_WR);
      receiver.ReadOne();
    });
    Queue("the receiver connects to another, and one is read", connected,
          [](Receiver& receiver, int) {
            Receiver other("other");
            Must(Connect(receiver.fd, NameOf("other")) == 0, "connect");
            unlink("other");
            receiver.ReadOne();
          });
    Queue("the sender connects to another, and one is read", connected,
          [](Receiver& receiver, int sender) {
            Receiver other("other");
            Must(Connect(sender, NameOf("other")) == 0, "connect");
            receiver.ReadOne();
            unlink("other");
            receiver.ReadOne();
          });
    Receiver other("other");
    Queue("the sender connects to another, and the receiver closes", connected,
          [](Receiver& receiver, int sender) {
            Must(Connect(sender, NameOf("other")) == 0, "connect");
            receiver.Close();
          });
    other.ShowQueue();
    unlink("other");
    {
      std::optional<Receiver> later;
      Queue("the name is another's when the receiver closes", connected,
            [&](Receiver& receiver, int) {
              Must(unlink("socket") == 0, "unlink");
              later.emplace("socket");
              receiver.Close();
            });
      later->ShowQueue();
    }
  }
}

}  // namespace

int main() {
  EnterScratchDirectory();
  Block({SIGPIPE});
  Connected(SOCK_STREAM, 1000, true);
  Connected(SOCK_STREAM, 1000000, false);
  Connected(SOCK_SEQPACKET, 5000, true);
  Connected(SOCK_DGRAM, 5000, true);
  OutOfBand();
  Queues();
  return 0;
}
