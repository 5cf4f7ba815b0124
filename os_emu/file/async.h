// Signal-driven I/O (fcntl(2): F_SETOWN, F_SETSIG, O_ASYNC; fs/fcntl.c).
//
// A description has at most one SignalOwner, made when it is first needed: who gets its signals,
// and which. What a program reads or writes (a pipe, a socket, a terminal) keeps an AsyncList of
// the descriptions that have O_ASYNC, the newest first, and says Signal() exactly where Linux calls
// kill_fasync(): beside wake-ups, but not at all of them. A registration keeps nothing open: the
// description leaves the list before it is released. SIGURG of an out-of-band byte goes to the
// owner whether or not the description is in a list. file/ does not know processes:
// task/file_owner.h is the SignalTarget.
#ifndef POLLUX_OS_EMU_FILE_ASYNC_H_
#define POLLUX_OS_EMU_FILE_ASYNC_H_

#include <cstdint>
#include <memory>

namespace pollux::os_emu {

class FdLabel;
class FileDescription;

// What has happened: si_code of the signal (POLL_* of asm-generic/siginfo.h).
enum class IoReason : int32_t {
  kIn = 1,
  kOut = 2,
  kMessage = 3,
  kError = 4,
  kUrgent = 5,
  kHangUp = 6,
};

// A process, a thread or a group, which may have gone: then nothing is sent.
class SignalTarget {
 public:
  virtual ~SignalTarget() = default;
  // send_sigio_to_task(). `signal`: F_SETSIG's, with `reason` and the number `fd`; 0, or where the
  // queue is full: a plain SIGIO.
  virtual void SendIo(int signal, IoReason reason, int32_t fd) = 0;
  // send_sigurg_to_task(): SIGURG.
  virtual void SendUrgent() = 0;
};

// struct fown_struct
struct SignalOwner {
  std::shared_ptr<SignalTarget> target;  // Null: nobody was ever named.
  int signal = 0;                        // F_SETSIG's; 0: SIGIO without details.
};

class AsyncList {
 public:
  AsyncList() = default;
  ~AsyncList();  // It is empty.
  AsyncList(const AsyncList&) = delete;
  AsyncList& operator=(const AsyncList&) = delete;

  bool empty() const { return first_ == nullptr; }
  // fasync_helper(): `file` is signalled from now on, as `fd`, or not any more; sets or clears its
  // kOAsync. True: that is new.
  bool Set(FileDescription& file, FdLabel fd, bool on);
  // All leave.
  void Clear();
  // kill_fasync(SIGIO): F_SETSIG's signal or SIGIO to the owner of each.
  void Signal(IoReason reason) const {
    if (first_ != nullptr) SignalAll(reason, /*urgent=*/false);
  }
  // kill_fasync(SIGURG): F_SETSIG's signal, where one was set: SIGURG itself has been sent.
  void SignalUrgent() const {
    if (first_ != nullptr) SignalAll(IoReason::kUrgent, /*urgent=*/true);
  }

 private:
  // struct fasync_struct
  struct Entry {
    FileDescription* file;
    int32_t fd;
    Entry* next;
  };
  void SignalAll(IoReason reason, bool urgent) const;

  Entry* first_ = nullptr;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_FILE_ASYNC_H_
