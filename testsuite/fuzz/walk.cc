#include "testsuite/fuzz/walk.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cstring>
#include <numeric>

#include "testsuite/fuzz/scratch.h"

namespace fuzz {

const std::vector<Walk::Row>& Walk::Rows() {
  static const std::vector<Row> rows = {
      {4, &Walk::MakeEventFd},
      {4, &Walk::MakePipe},
      {3, &Walk::MakeFifo},
      {4, &Walk::MakeEpoll},
      {6, &Walk::MakeSocketPair},
      {3, &Walk::MakeSocket},
      {2, &Walk::MakeUnixListener},
      {2, &Walk::MakeTcpListener},
      {3, &Walk::MakeTcpPair},
      {2, &Walk::MakeUdp},
      {3, &Walk::MakeTimer},
      {3, &Walk::MakeSignalFd},
      {2, &Walk::MakePidFd},
      {2, &Walk::MakeInotify},
      {2, &Walk::MakeMemFd},
      {3, &Walk::MakeFile},
      {1, &Walk::MakeDirectory},
      {1, &Walk::MakeDevice},
      {2, &Walk::MakePty},
      {1, &Walk::MakeNetlink},
      {8, &Walk::Dup},
      {5, &Walk::Dup3},
      {4, &Walk::DupFrom},
      {1, &Walk::GetFd},
      {44, &Walk::Close},
      {1, &Walk::CloseRange},
      {3, &Walk::DescriptorFlags},
      {5, &Walk::StatusFlags},
      {50, &Walk::Read},
      {50, &Walk::Write},
      {6, &Walk::ReadV},
      {6, &Walk::WriteV},
      {5, &Walk::PRead},
      {5, &Walk::PWrite},
      {5, &Walk::Seek},
      {6, &Walk::SendFile},
      {4, &Walk::CopyFileRange},
      {12, &Walk::Splice},
      {5, &Walk::Tee},
      {5, &Walk::VmSplice},
      {1, &Walk::FillTcp},
      {3, &Walk::Truncate},
      {2, &Walk::Allocate},
      {1, &Walk::Sync},
      {5, &Walk::Lock},
      {2, &Walk::ListDirectory},
      {4, &Walk::Status},
      {12, &Walk::Control},
      {3, &Walk::PipeSize},
      {2, &Walk::Seals},
      {8, &Walk::ChangeNames},
      {5, &Walk::Watch},
      {2, &Walk::Unwatch},
      {60, &Walk::EpollControl},
      {60, &Walk::EpollWait},
      {4, &Walk::EpollWait2},
      {20, &Walk::Poll},
      {6, &Walk::Select},
      {6, &Walk::SetTimer},
      {3, &Walk::GetTimer},
      {3, &Walk::UpdateSignalFd},
      {6, &Walk::Raise},
      {2, &Walk::PidFdSignal},
      {6, &Walk::FileOwner},
      {5, &Walk::FileSignal},
      {8, &Walk::AsyncFlag},
      {8, &Walk::TakeSignal},
      {2, &Walk::Bind},
      {2, &Walk::Listen},
      {8, &Walk::Connect},
      {8, &Walk::Accept},
      {16, &Walk::SendTo},
      {16, &Walk::ReceiveFrom},
      {12, &Walk::SendMessage},
      {16, &Walk::ReceiveMessage},
      {6, &Walk::Shutdown},
      {3, &Walk::Names},
      {5, &Walk::SetOption},
      {5, &Walk::GetOption},
  };
  return rows;
}

Walk::Walk(Kernel& kernel, Choices& choices, Transcript& transcript, Options options)
    : kernel_(kernel),
      choices_(choices),
      transcript_(transcript),
      options_(options),
      scratch_(*reinterpret_cast<Scratch*>(kernel.memory())) {
  static_assert(sizeof(Scratch) <= Kernel::kMemoryBytes);
}

void Walk::Episode(uint64_t steps) {
  Begin();
  for (uint64_t i = 0; i < steps && !choices_.done(); ++i) Step();
  End();
}

void Walk::Step() {
  static const uint64_t total = std::accumulate(
      Rows().begin(), Rows().end(), uint64_t{0},
      [](uint64_t sum, const Row& row) { return sum + static_cast<uint64_t>(row.weight); });
  ++steps_;
  uint64_t at = Below(total);
  for (const Row& row : Rows()) {
    if (at < static_cast<uint64_t>(row.weight)) return (this->*row.step)();
    at -= static_cast<uint64_t>(row.weight);
  }
}

void Walk::Begin() {
  travel_ = Choose({Travel::kIntoPipes, Travel::kIntoPipes, Travel::kNowhere, Travel::kEverywhere});
  scratch_.signals = kSignals;
  Call(Sys::k_rt_sigprocmask, {0, Address(&scratch_.signals), 0, 8});
}

void Walk::End() {
  Call(Sys::k_close_range, {3, ~0u, 0});
  types_.fill(kNone);
  for (char name = 'a'; name <= 'h'; ++name) {
    scratch_.path[0] = name;
    scratch_.path[1] = '\0';
    const uint64_t path = Address(scratch_.path);
    if (Call(Sys::k_unlinkat, {static_cast<uint64_t>(-100), path, 0}) < 0) {
      Call(Sys::k_unlinkat, {static_cast<uint64_t>(-100), path, 0x200});
    }
  }
  scratch_.timeout = {0, 0};
  scratch_.signals = kSignals;
  while (Call(Sys::k_rt_sigtimedwait,
              {Address(&scratch_.signals), 0, Address(&scratch_.timeout), 8}) > 0) {
  }
}

int64_t Walk::Call(Sys call, std::initializer_list<uint64_t> args) {
  return kernel_.Call(call, args);
}

void Walk::Log(Sys call, int fd, std::initializer_list<int64_t> asked, int64_t result,
               std::span<const uint64_t> seen) {
  transcript_.Add({call, TypeOf(fd), asked, result, seen});
}

int64_t Walk::Made(Sys call, Type type, std::initializer_list<uint64_t> args,
                   std::initializer_list<int64_t> asked) {
  const int64_t result = Call(call, args);
  Log(call, -1, asked, result);
  Opened(result, type);
  return result;
}

void Walk::Opened(int64_t fd, Type type) {
  if (fd >= 0 && fd < kNumbers) types_[static_cast<size_t>(fd)] = type;
}

void Walk::Closed(int64_t fd) {
  if (fd >= 0 && fd < kNumbers) types_[static_cast<size_t>(fd)] = kNone;
}

void Walk::Copied(int from, int64_t to) {
  if (to < 0 || to >= kNumbers) return;
  types_[static_cast<size_t>(to)] = TypeOf(from);
  if (TypeOf(from) == kPty)
    pty_sides_[static_cast<size_t>(to)] = pty_sides_[static_cast<size_t>(from)];
}

void Walk::FindType(int64_t fd) {
  if (fd < 0) return;
  scratch_.path[0] = '\0';
  if (Call(Sys::k_statx, {static_cast<uint64_t>(fd), Address(scratch_.path), 0x1000, 0x1,
                          Address(scratch_.status)}) != 0) {
    return;
  }
  uint16_t mode;
  std::memcpy(&mode, scratch_.status + 28, sizeof(mode));
  Opened(fd, S_ISDIR(mode) ? kDirectory : S_ISFIFO(mode) ? kFifo : kRegular);
}

int Walk::OpenNumber(std::initializer_list<Type> types) {
  int candidates[kNumbers];
  uint64_t count = 0;
  for (int fd = 3; fd < kNumbers; ++fd) {
    if (types_[static_cast<size_t>(fd)] == kNone) continue;
    bool wanted = types.size() == 0;
    for (Type type : types) wanted |= types_[static_cast<size_t>(fd)] == type;
    if (wanted) candidates[count++] = fd;
  }
  return count == 0 ? -1 : candidates[Below(count)];
}

int Walk::Number(std::initializer_list<Type> types) {
  if (OneIn(40)) return static_cast<int>(3 + Below(kNumbers - 3));
  if (OneIn(16)) {
    // Rare types as often as others.
    const Type type = static_cast<Type>(Below(kTypeCount));
    if (const int fd = OpenNumber({type}); fd >= 0) return fd;
  }
  if (types.size() != 0 && !OneIn(12)) {
    if (const int fd = OpenNumber(types); fd >= 0) return fd;
  }
  const int fd = OpenNumber({});
  return fd >= 0 ? fd : 3;
}

uint32_t Walk::EpollEvents() {
  uint32_t events = 0;
  switch (Below(6)) {
    case 0:
      events = EPOLLIN;
      break;
    case 1:
      events = EPOLLOUT;
      break;
    case 2:
      events = EPOLLIN | EPOLLOUT;
      break;
    case 3:
      events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI;
      break;
    case 4:
      events = EPOLLRDNORM | EPOLLWRNORM | EPOLLRDBAND | EPOLLWRBAND | EPOLLMSG;
      break;
    default:
      events = OneIn(3) ? 0 : EPOLLIN | EPOLLRDHUP;
  }
  if (OneIn(2)) events |= EPOLLET;
  if (OneIn(8)) events |= EPOLLONESHOT;
  if (OneIn(16)) events |= EPOLLEXCLUSIVE;
  if (OneIn(32)) events |= EPOLLWAKEUP;
  return events;
}

uint64_t Walk::DigestOfRead(int fd, int64_t count) const {
  uint64_t digest = 0xcbf29ce484222325;
  const auto mix = [&digest](uint64_t word) { digest = (digest ^ word) * 0x100000001b3; };
  const auto word = [this](int64_t at) {
    uint32_t value;
    std::memcpy(&value, scratch_.data + at, sizeof(value));
    return value;
  };
  switch (TypeOf(fd)) {
    case kReceived:  // May be any of the following.
    case kNetlink:
      return 0;
    case kSignalFd:
      for (int64_t i = 0; i + 128 <= count; i += 128) {
        mix(word(i));      // ssi_signo
        mix(word(i + 8));  // ssi_code
      }
      return digest;
    case kInotify:
      for (int64_t i = 0; i + 16 <= count; i += 16 + word(i + 12)) {
        mix(word(i));      // wd
        mix(word(i + 4));  // mask; then the cookie, which counts for the whole machine.
        mix(word(i + 12));
        if (word(i + 12) != 0) mix(scratch_.data[i + 16]);  // Names of one letter.
      }
      return digest;
    case kEventFd:
    case kTimerFd:
      break;
    default:
      if (travel_ == Travel::kEverywhere) return 0;
  }
  const int64_t last = options_.canary == Canary::kForgetsAByte ? count - 1 : count;
  for (int64_t i = 0; i < count; ++i) mix(i < last ? scratch_.data[i] : 0);
  return digest;
}

bool Walk::MayTravel(int from, int to) const {
  const auto is_pipe = [this](int fd) { return TypeOf(fd) == kPipe || TypeOf(fd) == kFifo; };
  switch (travel_) {
    case Travel::kIntoPipes:
      return is_pipe(to);
    case Travel::kNowhere:
      return TypeOf(from) != kRegular && TypeOf(from) != kMemFd && TypeOf(from) != kReceived;
    case Travel::kEverywhere:
      break;
  }
  return true;
}

uint64_t Walk::Size() {
  switch (Below(12)) {
    case 0:
      return 0;
    case 1:
      return 1;
    case 2:
      return Below(9);
    case 3:
      return 100;
    case 4:
      return 4095 + Below(3);
    case 5:
      return Below(70000);
    case 6:
      return 16 + Below(300);
    default:
      return 8;
  }
}

uint64_t Walk::SizeFor(int fd) {
  const uint64_t bytes = Size();
  const Type type = TypeOf(fd);
  return type == kTcp || type == kTcpListener || type == kPty || type == kReceived ||
                 type == kNetlink
             ? bytes % 64
             : bytes;
}

void Walk::FillData(uint64_t bytes) {
  // Little-endian counters: small numbers for an eventfd, and every place different for a pipe.
  if (bytes <= 16) {
    const uint64_t value = Choose<uint64_t>({1, 1, 1, 0, 2, 7, ~0ull - 1, ~0ull});
    std::memcpy(scratch_.data, &value, sizeof(value));
    std::memcpy(scratch_.data + 8, &steps_, sizeof(steps_));
    return;
  }
  for (uint64_t i = 0; i < bytes; i += 8) {
    const uint64_t value = steps_ * 0x10001 + i;
    std::memcpy(scratch_.data + i, &value, 8);
  }
}

bool Walk::IsSocket(int fd) const {
  switch (TypeOf(fd)) {
    case kUnixStream:
    case kUnixDgram:
    case kUnixSeqPacket:
    case kUnixListener:
    case kTcp:
    case kTcpListener:
    case kUdp:
    case kNetlink:
      return true;
    default:
      return false;
  }
}

void Walk::Settle(int fd, uint32_t events) {
  // At most so often: what is waited for may never come.
  for (int i = 0; i < 50; ++i) {
    scratch_.poll[0] = {fd, static_cast<int16_t>(events), 0};
    scratch_.timeout = {0, 1000000};
    if (Call(Sys::k_ppoll, {Address(scratch_.poll), 1, Address(&scratch_.timeout), 0, 8}) != 0) {
      return;
    }
  }
}

int64_t Walk::PtyBytes(int fd) {
  if (TypeOf(fd) != kPty) return -1;
  const uint32_t wanted = pty_sides_[static_cast<size_t>(fd)] ^ 1;
  for (int other = 3; other < kNumbers; ++other) {
    if (TypeOf(other) != kPty || pty_sides_[static_cast<size_t>(other)] != wanted) continue;
    scratch_.numbers[3] = 0;
    Call(Sys::k_ioctl, {static_cast<uint64_t>(other), FIONREAD, Address(&scratch_.numbers[3])});
    return scratch_.numbers[3];
  }
  return -1;
}

void Walk::SettlePty(int fd, int64_t before, int64_t more) {
  if (before < 0 || more <= 0) return;
  for (int i = 0; i < 50 && PtyBytes(fd) < before + more; ++i) {
    scratch_.timeout = {0, 100000};
    Call(Sys::k_ppoll, {0, 0, Address(&scratch_.timeout), 0, 8});
  }
}

}  // namespace fuzz
