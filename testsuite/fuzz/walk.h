// Walk: makes system calls at random, all drawn from one stream of choices, and writes down every
// answer. Two kernels that are given the same choices must give the same transcript.
//
// No call blocks: every description is non-blocking. Nothing is asked whose answer may differ
// between two right kernels or two runs (times, ids, inode numbers, how much a TCP connection
// holds). A walk owns all descriptor numbers from 3 on and the working directory, which is empty
// when an episode begins and when it ends.
#ifndef POLLUX_TESTSUITE_FUZZ_WALK_H_
#define POLLUX_TESTSUITE_FUZZ_WALK_H_

#include <fcntl.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "testsuite/fuzz/kernel.h"
#include "testsuite/fuzz/transcript.h"

namespace fuzz {

// The walk's working directory, where a call takes a descriptor.
inline constexpr uint64_t kHere = static_cast<uint64_t>(AT_FDCWD);

// Where decisions come from.
class Choices {
 public:
  virtual ~Choices() = default;
  // Of [0, n); n is at least 1.
  virtual uint64_t Below(uint64_t n) = 0;
  // No more decisions: the episode ends.
  virtual bool done() const { return false; }
};

// Pseudo-random ones without end (splitmix64).
class RandomChoices final : public Choices {
 public:
  RandomChoices(uint64_t seed, uint64_t episode) : state_(seed * 0x9e3779b97f4a7c15 + episode) {}
  uint64_t Below(uint64_t n) override {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (z ^ z >> 31) % n;
  }

 private:
  uint64_t state_;
};

// Mistakes that a walk makes on purpose in one world, to see that comparing notices.
enum class Canary {
  kNone,
  kForgetsAByte,    // A read's last byte is taken for zero.
  kHidesAnEdge,     // An epoll event is left out now and then.
  kMixesNumbersUp,  // dup's answer is off by one now and then.
};

class Walk {
 public:
  // Numbers that a walk uses are below this: RLIMIT_NOFILE's soft limit, which the caller sets.
  static constexpr int kNumbers = 48;

  struct Options {
    Canary canary = Canary::kNone;
  };
  Walk(Kernel& kernel, Choices& choices, Transcript& transcript, Options options);
  Walk(Kernel& kernel, Choices& choices, Transcript& transcript)
      : Walk(kernel, choices, transcript, Options()) {}

  // From nothing: makes `steps` calls or as many as there are choices for, and lets go of all it
  // made.
  void Episode(uint64_t steps);

 private:
  // One row a kind of step: how often, and what.
  struct Row {
    int weight;
    void (Walk::*step)();
  };
  static const std::vector<Row>& Rows();

  // SIGUSR1, SIGUSR2, SIGURG, SIGIO and two real-time signals: blocked while a walk runs.
  static constexpr uint64_t kSignals =
      1ull << 9 | 1ull << 11 | 1ull << 22 | 1ull << 28 | 1ull << 34 | 1ull << 35;

  // What all steps write their arguments into: laid over the kernel's memory.
  struct Scratch;

  void Step();
  void Begin();
  void End();

  // ---- Choosing.
  uint64_t Below(uint64_t n) { return choices_.Below(n); }
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  template <typename T>
  T Choose(std::initializer_list<T> from) {
    return from.begin()[Below(from.size())];
  }
  // An open number, mostly of one of `types`; sometimes a closed one.
  int Number(std::initializer_list<Type> types = {});
  int OpenNumber(std::initializer_list<Type> types);
  Type TypeOf(int fd) const { return fd >= 0 && fd < kNumbers ? types_[fd] : kNone; }
  uint32_t EpollEvents();

  // ---- Calling.
  int64_t Call(Sys call, std::initializer_list<uint64_t> args);
  uint64_t Address(const void* place) { return kernel_.Address(place); }
  // Writes an entry down. `fd`: the descriptor it is about, -1 for none.
  void Log(Sys call, int fd, std::initializer_list<int64_t> asked, int64_t result,
           std::span<const uint64_t> seen = {});
  void Log(Sys call, int fd, std::initializer_list<int64_t> asked, int64_t result,
           std::initializer_list<uint64_t> seen) {
    Log(call, fd, asked, result, std::span<const uint64_t>(seen.begin(), seen.size()));
  }
  // Call and Log at once, where the arguments but for memory are what was asked.
  int64_t Made(Sys call, Type type, std::initializer_list<uint64_t> args,
               std::initializer_list<int64_t> asked);
  // A new descriptor of `type` at `fd`, if that is one.
  void Opened(int64_t fd, Type type);
  void Closed(int64_t fd);
  // `fd` was opened by a name that may have become something else meanwhile.
  void FindType(int64_t fd);
  // `to` is a duplicate of `from`.
  void Copied(int from, int64_t to);
  // Of what was read from `fd` into the data: what is the same in every world.
  uint64_t DigestOfRead(int fd, int64_t count) const;
  // How many bytes to move; the data are put into the scratch.
  uint64_t Size();
  void FillData(uint64_t bytes);
  bool IsSocket(int fd) const;
  // Of what is written to `fd`: a TCP connection and a pseudo-terminal are never filled.
  uint64_t SizeFor(int fd);
  uint64_t SizeToSplice(int from, int to);

  // ---- Steps, by file.
  // making.cc
  void MakeEventFd();
  void MakePipe();
  void MakeFifo();
  void MakeEpoll();
  void MakeSocketPair();
  void MakeSocket();
  void MakeUnixListener();
  void MakeTcpListener();
  void MakeTcpPair();
  void MakeUdp();
  void MakeTimer();
  void MakeSignalFd();
  void MakePidFd();
  void MakeInotify();
  void MakeMemFd();
  void MakeFile();
  void MakeDirectory();
  void MakeDevice();
  void MakePty();
  void MakeNetlink();
  // numbers.cc
  void Dup();
  void Dup3();
  void DupFrom();
  void GetFd();
  void Close();
  void CloseRange();
  void DescriptorFlags();
  void StatusFlags();
  // transfer.cc
  void Read();
  void Write();
  void ReadV();
  void WriteV();
  void PRead();
  void PWrite();
  void Seek();
  void SendFile();
  void CopyFileRange();
  void Splice();
  void Tee();
  void VmSplice();
  void FillTcp();
  // Of a new connection to `listener`, whose address is in the scratch.
  void FillConnection(int64_t listener);
  // files.cc
  void Truncate();
  void Allocate();
  void Sync();
  void Lock();
  void ListDirectory();
  void Status();
  void Control();
  void PipeSize();
  void Seals();
  void ChangeNames();
  void Watch();
  void Unwatch();
  // events.cc
  void EpollControl();
  void EpollWait();
  void EpollWait2();
  void Poll();
  void Select();
  void SetTimer();
  void GetTimer();
  void UpdateSignalFd();
  void Raise();
  void PidFdSignal();
  // signals.cc
  void FileOwner();
  void FileSignal();
  void AsyncFlag();
  void TakeSignal();
  // sockets.cc
  void Bind();
  void Listen();
  void Connect();
  void Accept();
  void SendTo();
  void ReceiveFrom();
  void SendMessage();
  void ReceiveMessage();
  void Shutdown();
  void Names();
  void SetOption();
  void GetOption();

  // Waits until `fd` is ready: natively some things are done by a kernel thread.
  void Settle(int fd, uint32_t events);
  // Whether bytes of `from` may be passed on to `to` without a copy in this episode.
  bool MayTravel(int from, int to) const;
  // What the other side of the pseudo-terminal has to read; -1: `fd` is none, or all of that side
  // is closed.
  int64_t PtyBytes(int fd);
  // Waits until it has `more` than `before`.
  void SettlePty(int fd, int64_t before, int64_t more);

  Kernel& kernel_;
  Choices& choices_;
  Transcript& transcript_;
  const Options options_;
  uint64_t canary_count_ = 0;
  Scratch& scratch_;
  std::array<Type, kNumbers> types_{};
  std::array<uint32_t, kNumbers>
      pty_sides_{};  // Of kPty: twice a number of the pair, plus the side.
  uint32_t ptys_ = 0;
  // Where bytes of files go in this episode, as references to the files' pages: what is read later
  // depends on what was written to the file since.
  enum class Travel {
    kIntoPipes,  // And on into other pipes, but nowhere else.
    kNowhere,    // So that what pipes hold may go everywhere.
    // Also into sockets, where pollux copies (docs/differences.md), and back into files, perhaps
    // onto themselves. Then the bytes that are read are not compared.
    kEverywhere,
  };
  Travel travel_ = Travel::kNowhere;
  uint64_t steps_ = 0;
};

}  // namespace fuzz

#endif  // POLLUX_TESTSUITE_FUZZ_WALK_H_
