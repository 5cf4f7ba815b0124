// EpollInstance: the description behind epoll_create1(2) (fs/eventpoll.c).
//
// An interest is keyed by the watched description and the number under which it was added, and
// holds the description weakly: it lives until it is deleted, the instance is released, or the last
// reference to the description goes, whatever happens to the number. The number is a label: nothing
// here can resolve it.
//
// The ready list holds the interests whose description had a wake-up that met their events, in the
// order of the first such wake-up. Collect() asks each description again, drops those that are not
// ready, and puts level-triggered ones to the back. Cost: O(events returned), whatever is
// registered. Single-threaded.
#ifndef POLLUX_OS_EMU_EPOLL_EPOLL_H_
#define POLLUX_OS_EMU_EPOLL_EPOLL_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "abi/result.h"
#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "os_emu/file/description.h"
#include "os_emu/file/fd_label.h"
#include "os_emu/file/quota.h"

namespace pollux::os_emu {

// The third argument of epoll_ctl(2).
inline constexpr int kEpollCtlAdd = 1, kEpollCtlDel = 2, kEpollCtlMod = 3;

class EpollInterest;  // epoll/interest.h

// A place in a ready list: in one at most.
struct ReadyLink {
  ReadyLink* previous = this;
  ReadyLink* next = this;

  ReadyLink() = default;
  ReadyLink(const ReadyLink&) = delete;
  ReadyLink& operator=(const ReadyLink&) = delete;
  bool linked() const { return next != this; }
  void Unlink();
  void InsertBefore(ReadyLink& position);
  // Moves all of `list` (without its head) behind this one.
  void SpliceAfter(ReadyLink& list);
};

class EpollInstance final : public FileDescription {
 public:
  struct Event {
    EventMask events;
    uint64_t data;
  };
  // Where events go. False: no room there (EFAULT).
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual bool Put(const Event& event) = 0;
  };

  // `watches` is charged for each interest; null: unlimited. Must outlive the instance.
  explicit EpollInstance(Quota* watches) : FileDescription(kORdWr), watches_quota_(watches) {}
  // The instance behind `description`; null if it is none.
  static EpollInstance* From(FileDescription& description) {
    return dynamic_cast<EpollInstance*>(&description);
  }

  // epoll_ctl(2) after the event was read (EFAULT) and both numbers were resolved (EBADF), with
  // Linux's checks in Linux's order. `epoll` may be any description. kPerm: the target cannot be
  // watched. kInval: not an epoll instance, the instance itself, illegal use of kExclusive, unknown
  // `op`, too many wake-up paths. kLoop: a cycle or a chain of more than 5 instances. kExist,
  // kNoEnt; kNoSpc, kNoMem: `watches` is spent.
  static Result<void> Control(FileDescription& epoll, int op, FileDescription& target,
                              FdLabel label, EventMask events, uint64_t data);

  // Puts up to `max` events into `sink` and returns how many. kFault: the first did not fit; an
  // event that did not fit stays ready. Then wakes one waiter if the ready list is not empty.
  Result<size_t> Collect(size_t max, Sink& sink);
  // Whether Collect() may find something; what is in the ready list need not be ready still.
  bool HasCandidates() const { return ready_.linked(); }
  // Where epoll_wait blocks: exclusively, last in, first out.
  WaitQueue& wait_queue() { return wait_queue_; }

  EventMask Poll() override;
  int PollQueues(WaitQueue* queues[2]) override;
  Result<uint64_t> Seek(int64_t, Whence) override { return uint64_t{0}; }  // noop_llseek.
  Result<int64_t> Ioctl(uint32_t, uint64_t, memory::AddressSpace*) override {
    return Errno::kInval;
  }
  bool HasRead() const override { return false; }
  bool HasWrite() const override { return false; }
  const char* TypeName() const override { return "eventpoll"; }
  // ep_show_fdinfo(): one "tfd:" line an interest, by label.
  std::string FdInfo() const override;

  // For reports and /proc/self/fdinfo.
  struct InterestReport {
    FdLabel label;
    EventMask events;
    uint64_t data;
    FileDescription* target;
    bool candidate;  // In the ready list.
  };
  // By label, then by age.
  std::vector<InterestReport> Interests() const;
  size_t interest_count() const { return interests_.size(); }

 private:
  friend class EpollInterest;
  class NestingCheck;  // epoll/nesting.h
  // By what an interest is known. The address is the identity of a living description and is only
  // compared.
  using Key = std::pair<const void*, FdLabel>;
  // The table of interests has them by key, and the key in them alone.
  static Key KeyOf(const Key& key) { return key; }
  static Key KeyOf(const EpollInterest* interest);
  struct KeyHash {
    using is_transparent = void;
    size_t operator()(const auto& of) const { return absl::Hash<Key>()(KeyOf(of)); }
  };
  struct KeyEqual {
    using is_transparent = void;
    bool operator()(const auto& a, const auto& b) const { return KeyOf(a) == KeyOf(b); }
  };

  ~EpollInstance() override;
  void OnRelease() override;
  // `nesting` null: nobody watches this instance or is an instance, so nothing need be checked.
  Result<void> Add(FileDescription& target, FdLabel label, EventMask events, uint64_t data,
                   NestingCheck* nesting);
  void Modify(EpollInterest& interest, EventMask events, uint64_t data);
  void Erase(EpollInterest& interest);
  // A wake-up of an interest's description.
  bool OnTargetNotified(EpollInterest& interest, EventMask key);
  void MakeReady(EpollInterest& interest);
  void EndScan(ReadyLink& batch);
  // Whether another instance has an interest in this one.
  bool IsWatched() const { return DescriptionWatch::Newest(*this) != nullptr; }

  // Looked up by key; never walked where the order shows.
  absl::flat_hash_set<EpollInterest*, KeyHash, KeyEqual> interests_;
  ReadyLink ready_;
  WaitQueue wait_queue_;  // Threads in epoll_wait.
  WaitQueue poll_queue_;  // Who polls this instance itself.
  Quota* watches_quota_;
  uint64_t next_age_ = 0;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_EPOLL_EPOLL_H_
