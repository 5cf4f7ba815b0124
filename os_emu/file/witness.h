// Witness: who is told what passes between descriptions, epoll interests and threads, while it
// passes; so that a hang can be explained (machine/history). It changes nothing, and where there is
// none each place costs a test of a pointer.
//
// What it is given is valid during the call. Descriptions and interests are named by their address,
// which another one may have after OnReleased() and OnInterestGone(). One for each host thread, as
// one host thread runs one machine.
#ifndef POLLUX_OS_EMU_FILE_WITNESS_H_
#define POLLUX_OS_EMU_FILE_WITNESS_H_

#include <cstdint>

#include "abi/types.h"
#include "os_emu/file/events.h"
#include "os_emu/file/fd_label.h"

namespace pollux::os_emu {

class FileDescription;
class Process;

// A registration in an epoll instance.
struct InterestFacts {
  const void* interest = nullptr;
  FileDescription* instance = nullptr;
  FileDescription* target = nullptr;
  FdLabel label;
  EventMask events = 0;  // With the flags of epoll_ctl(2).
  uint64_t data = 0;
};

class Witness {
 public:
  virtual ~Witness() = default;

  // The interest was made or changed; before it is asked what is ready.
  virtual void OnInterestSet(const InterestFacts& facts) = 0;
  // By EPOLL_CTL_DEL, with its description, or with its instance.
  virtual void OnInterestGone(const void* interest) = 0;
  // It goes into the ready list: by a wake-up with that key, or, where `key` is 0, perhaps because
  // it was set when its description was ready.
  virtual void OnInterestReady(const void* interest, EventMask key) = 0;
  // The call under way returns an event of it.
  virtual void OnDelivered(const InterestFacts& facts, EventMask events) = 0;
  // The last reference to it has gone.
  virtual void OnReleased(const FileDescription& description) = 0;
  // A thread's wait may be over.
  virtual void OnWoken(Tid thread) = 0;
  // The process has ended; its children are still its own.
  virtual void OnProcessEnds(const Process& process) = 0;

  // The one that is told; null: nobody.
  static Witness* Present() { return present; }

  // Told for as long as this lives. Null: nobody.
  class Scope {
   public:
    explicit Scope(Witness* witness) : outer_(present) { present = witness; }
    ~Scope() { present = outer_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Witness* const outer_;
  };

 private:
  static thread_local constinit Witness* present;
};

inline thread_local constinit Witness* Witness::present = nullptr;

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_FILE_WITNESS_H_
