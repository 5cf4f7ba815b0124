// Steps about the signals of files: who gets them, which, and what has come.
#include <fcntl.h>
#include <signal.h>

#include <cstring>

#include "testsuite/fuzz/scratch.h"
#include "testsuite/fuzz/walk.h"

namespace fuzz {
namespace {

// F_SETOWN and its kin, which <fcntl.h> has for GNU alone.
constexpr uint64_t kSetOwn = 8, kGetOwn = 9, kSetSig = 10, kGetSig = 11;

const std::initializer_list<Type> kSignalling = {kPipe, kFifo,        kUnixStream, kUnixDgram,
                                                 kTcp,  kTcpListener, kUdp,        kInotify};

}  // namespace

void Walk::FileOwner() {
  const int fd = Number(kSignalling);
  const uint64_t pid = static_cast<uint64_t>(Call(Sys::k_getpid, {}));
  if (OneIn(3)) {
    const int64_t owner = Call(Sys::k_fcntl, {static_cast<uint64_t>(fd), kGetOwn, 0});
    Log(Sys::k_fcntl, fd, {fd, kGetOwn}, owner == static_cast<int64_t>(pid) ? 1 : owner);
    return;
  }
  const bool known = !OneIn(4);
  const uint64_t who = known ? pid : Choose<uint64_t>({0, 4194300});
  Log(Sys::k_fcntl, fd, {fd, kSetOwn, known ? 1 : static_cast<int64_t>(who)},
      Call(Sys::k_fcntl, {static_cast<uint64_t>(fd), kSetOwn, who}));
}

void Walk::FileSignal() {
  const int fd = Number(kSignalling);
  if (OneIn(4)) {
    Log(Sys::k_fcntl, fd, {fd, kGetSig},
        Call(Sys::k_fcntl, {static_cast<uint64_t>(fd), kGetSig, 0}));
    return;
  }
  // How often a connection tells of what was written at once depends on its segments, and how often
  // a terminal does on the kernel's worker: theirs are standard signals.
  const Type type = TypeOf(fd);
  const bool queues = type != kTcp && type != kPty && type != kReceived;
  const uint64_t signal = queues ? Choose<uint64_t>({0, SIGUSR1, 35, 35, 36, 65})
                                 : Choose<uint64_t>({0, SIGUSR1, SIGIO, 65});
  Log(Sys::k_fcntl, fd, {fd, kSetSig, static_cast<int64_t>(signal)},
      Call(Sys::k_fcntl, {static_cast<uint64_t>(fd), kSetSig, signal}));
}

void Walk::AsyncFlag() {
  const int fd = Number(kSignalling);
  // When a terminal tells is its worker's business.
  if (TypeOf(fd) == kPty || TypeOf(fd) == kReceived) return;
  if (OneIn(2)) {
    const uint64_t pid = static_cast<uint64_t>(Call(Sys::k_getpid, {}));
    Log(Sys::k_fcntl, fd, {fd, kSetOwn, 1},
        Call(Sys::k_fcntl, {static_cast<uint64_t>(fd), kSetOwn, pid}));
  }
  const uint64_t flags = O_NONBLOCK | (OneIn(4) ? 0 : O_ASYNC);
  Log(Sys::k_fcntl, fd, {fd, F_SETFL, static_cast<int64_t>(flags)},
      Call(Sys::k_fcntl, {static_cast<uint64_t>(fd), F_SETFL, flags}));
}

void Walk::TakeSignal() {
  scratch_.signals = kSignals;
  scratch_.timeout = {0, 0};
  const int64_t signal =
      Call(Sys::k_rt_sigtimedwait,
           {Address(&scratch_.signals), Address(scratch_.status), Address(&scratch_.timeout), 8});
  uint64_t seen[3] = {};
  if (signal > 0) {
    int32_t code, fd;
    std::memcpy(&code, scratch_.status + 8, sizeof code);
    std::memcpy(&fd, scratch_.status + 24, sizeof fd);
    seen[0] = static_cast<uint64_t>(code);
    if (code >= 1 && code <= 6) {
      std::memcpy(&seen[1], scratch_.status + 16, sizeof seen[1]);
      seen[2] = static_cast<uint64_t>(fd);
    }
  }
  Log(Sys::k_rt_sigtimedwait, -1, {}, signal, seen);
}

}  // namespace fuzz
