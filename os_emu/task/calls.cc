#include "os_emu/task/calls.h"

#include <deque>
#include <memory>
#include <utility>

#include "abi/check.h"
#include "os_emu/task/kernel.h"
#include "os_emu/task/time_left.h"

namespace pollux::os_emu {
namespace {

// A call that waits on one queue of one description.
class TransferCall : public BlockedCall {
 public:
  TransferCall(DescriptionRef description, memory::UserBuffer buffer)
      : description_(std::move(description)), buffer_(std::move(buffer)) {}

  void Park(Thread& thread) final {
    const WaitPlan plan = Plan();
    POLLUX_CHECK(plan.queue != nullptr) << description_->TypeName() << " blocks without a queue";
    waiter_.emplace(thread, plan.keys, ThreadWaiter::OnWake::kLeave);
    plan.queue->Add(*waiter_, plan.mode);
    set_deadline(DeadlineOf(thread, plan));
    limited_ = plan.limit != kNanosMax && !plan.limit_restarts;
  }
  void Unpark() final { waiter_.reset(); }
  // sock_intr_errno(): a limited wait is never begun again.
  OnSignal on_signal() const final { return limited_ ? OnSignal::kEintr : OnSignal::kRestart; }

 protected:
  virtual WaitPlan Plan() = 0;
  // Waits on, if a wake-up has taken the hook out of the queue.
  void Rejoin(Thread& thread) {
    if (waiter_->waiting()) return;
    const WaitPlan plan = Plan();
    plan.queue->Add(*waiter_, plan.mode);
    if (plan.limit_restarts) set_deadline(DeadlineOf(thread, plan));
  }

  DescriptionRef description_;
  memory::UserBuffer buffer_;
  std::optional<ThreadWaiter> waiter_;

 private:
  static Nanos DeadlineOf(Thread& thread, const WaitPlan& plan) {
    if (plan.limit == kNanosMax) return kNanosMax;
    return DeadlineAfter(thread.process().kernel().clock(), plan.limit);
  }
  bool limited_ = false;
};

class ReadCall final : public TransferCall {
 public:
  using TransferCall::TransferCall;

  Result<int64_t> Resume(Thread& thread, bool timed_out) override {
    waits_.reset();
    Result<size_t> bytes = description_->ResumeRead(buffer_);
    if (timed_out && !bytes.ok() && bytes.error() == Errno::kAgain)
      bytes = description_->ReadAtLimit(buffer_);
    if (bytes.ok() && *bytes > 0) description_->NoteAccess();
    if (bytes.ok()) return static_cast<int64_t>(*bytes);
    if (bytes.error() == Errno::kAgain) {
      Rejoin(thread);
      if (!waits_.has_value()) waits_.emplace(*description_);
    }
    return bytes.error();
  }
  const char* TypeName() const override { return "read"; }

 protected:
  WaitPlan Plan() override {
    if (!waits_.has_value()) waits_.emplace(*description_);
    return description_->ReadWait();
  }

 private:
  std::optional<ReaderWait> waits_;
};

void BreakPipe(Thread& thread, const FileDescription& description, bool wrote_some) {
  const BrokenPipe rule = description.broken_pipe();
  if (rule == BrokenPipe::kQuiet) return;
  if (rule == BrokenPipe::kRaisesIfNothingWasWritten && wrote_some) return;
  RaiseSigPipe(thread);
}

class WriteCall final : public TransferCall {
 public:
  WriteCall(DescriptionRef description, memory::UserBuffer buffer, int64_t progress)
      : TransferCall(std::move(description), std::move(buffer)), progress_(progress) {}

  // Writes on until all is written (a value), something else ends it (likewise), or it has to wait
  // (kAgain).
  static Result<int64_t> WriteOn(Thread& thread, FileDescription& description,
                                 memory::UserBuffer& buffer, int64_t& progress) {
    while (true) {
      const Result<size_t> bytes = description.ResumeWrite(buffer);
      if (!bytes.ok()) {
        if (bytes.error() == Errno::kAgain) return Errno::kAgain;
        if (bytes.error() == Errno::kPipe) BreakPipe(thread, description, progress > 0);
        if (progress > 0) return Ended(description, progress);
        return bytes.error();
      }
      progress += static_cast<int64_t>(*bytes);
      if (buffer.remaining() == 0 || *bytes == 0) return Ended(description, progress);
    }
  }

  Result<int64_t> Resume(Thread& thread, bool timed_out) override {
    const Result<int64_t> result = WriteOn(thread, *description_, buffer_, progress_);
    if (result.ok() || result.error() != Errno::kAgain) return result;
    if (timed_out && progress_ > 0) return Ended(*description_, progress_);
    Rejoin(thread);
    return Errno::kAgain;
  }
  Result<int64_t> Interrupt() override {
    if (progress_ > 0) return Ended(*description_, progress_);
    return Errno::kIntr;
  }
  const char* TypeName() const override { return "write"; }

 protected:
  WaitPlan Plan() override { return description_->WriteWait(); }

 private:
  static int64_t Ended(FileDescription& description, int64_t progress) {
    if (progress > 0) description.NoteModify();
    return progress;
  }
  int64_t progress_;
};

// poll and select: waits on the queues of many descriptions, and asks all of them after a wake-up.
class MultiWaitCall : public BlockedCall {
 public:
  MultiWaitCall(Thread& thread, GuestAddr remaining) : thread_(thread), remaining_(remaining) {}

  Result<int64_t> Resume(Thread&, bool timed_out) final {
    const int64_t ready = Scan();
    if (ready == 0 && !timed_out) return Errno::kAgain;
    return End(ready);
  }
  void Unpark() final { waiters_.clear(); }
  OnSignal on_signal() const final { return OnSignal::kNoHandler; }

  // Asks all; returns how many answers there are.
  virtual int64_t Scan() = 0;
  Result<int64_t> End(int64_t ready) {
    const Result<int64_t> result = Report(ready);
    WriteTimeLeft();
    return result;
  }

 protected:
  void WriteTimeLeft() {
    if (remaining_.IsNull() || deadline() == kNanosMax) return;
    // A timeout in memory that is not writable is legal: poll_select_finish() ignores the failure.
    (void)WriteTimeTo(thread_, remaining_, thread_.process().kernel().clock(), deadline());
  }
  // Tells the guest.
  virtual Result<int64_t> Report(int64_t ready) = 0;
  void Hook(FileDescription& description, EventMask wanted) {
    WaitQueue* queues[2];
    const int count = description.PollQueues(queues);
    for (int i = 0; i < count; ++i) queues[i]->Add(waiters_.emplace_back(thread_, wanted));
  }
  memory::AddressSpace& memory() { return *thread_.process().memory; }

  Thread& thread_;

 private:
  GuestAddr remaining_;
  std::deque<ThreadWaiter> waiters_;
};

// Ends `call` at once if anything is ready or it shall not wait.
CallResult ScanOrWait(Thread& thread, std::unique_ptr<MultiWaitCall> call,
                      const PollTimeout& timeout) {
  const int64_t ready = call->Scan();
  const bool wait = !timeout.span.has_value() || *timeout.span > Nanos{0};
  if (wait) {
    call->set_deadline(DeadlineAfter(thread.process().kernel().clock(), timeout.span));
  }
  if (ready > 0 || !wait) return call->End(ready);
  return std::unique_ptr<BlockedCall>(std::move(call));
}

class PollCall final : public MultiWaitCall {
 public:
  PollCall(Thread& thread, std::vector<PollEntry> entries, GuestAddr pollfds, GuestAddr remaining)
      : MultiWaitCall(thread, remaining), entries_(std::move(entries)), pollfds_(pollfds) {
    ready_.resize(entries_.size());
  }

  void Park(Thread&) override {
    for (PollEntry& entry : entries_) {
      if (entry.description) Hook(*entry.description, entry.wanted | kErr | kHup);
    }
  }
  int64_t Scan() override {
    int64_t count = 0;
    for (size_t i = 0; i < entries_.size(); ++i) {
      PollEntry& entry = entries_[i];
      EventMask mask = entry.closed ? kNval : 0;
      if (entry.description)
        mask = entry.description->PollFor(entry.wanted) & (entry.wanted | kErr | kHup);
      ready_[i] = static_cast<uint16_t>(mask);
      if (ready_[i] != 0) ++count;
    }
    return count;
  }
  Result<int64_t> Interrupt() override {
    const Result<int64_t> result = End(0);
    if (!result.ok()) return result;
    return Errno::kIntr;
  }
  const char* TypeName() const override { return "poll"; }

 protected:
  Result<int64_t> Report(int64_t ready) override {
    constexpr uint64_t kPollfdBytes = 8, kReventsOffset = 6;
    for (size_t i = 0; i < ready_.size(); ++i) {
      POLLUX_RETURN_IF_ERROR(
          memory().WriteObject(pollfds_ + (i * kPollfdBytes + kReventsOffset), ready_[i]));
    }
    return ready;
  }

 private:
  std::vector<PollEntry> entries_;
  std::vector<uint16_t> ready_;  // revents
  GuestAddr pollfds_;
};

class SelectCall final : public MultiWaitCall {
 public:
  SelectCall(Thread& thread, std::vector<SelectEntry> entries, const SelectSets& sets,
             GuestAddr remaining)
      : MultiWaitCall(thread, remaining), entries_(std::move(entries)), sets_(sets) {}

  void Park(Thread&) override {
    for (SelectEntry& entry : entries_) {
      Hook(*entry.description, Wanted(entry));
    }
  }
  int64_t Scan() override {
    int64_t count = 0;
    const size_t words = (size_t{sets_.bits} + 63) / 64;
    for (std::vector<uint64_t>& set : results_) set.assign(words, 0);
    for (SelectEntry& entry : entries_) {
      const EventMask mask = entry.description->PollFor(Wanted(entry));
      const bool ready[3] = {entry.read && (mask & kReadSet) != 0,
                             entry.write && (mask & kWriteSet) != 0,
                             entry.exceptional && (mask & kExceptionalSet) != 0};
      for (int i = 0; i < 3; ++i) {
        if (!ready[i]) continue;
        results_[i][entry.bit / 64] |= uint64_t{1} << (entry.bit % 64);
        ++count;
      }
    }
    return count;
  }
  // The sets stay as they were; what is left of the timeout is told all the same.
  Result<int64_t> Interrupt() override {
    WriteTimeLeft();
    return Errno::kIntr;
  }
  const char* TypeName() const override { return "select"; }

 protected:
  Result<int64_t> Report(int64_t ready) override {
    const GuestAddr to[3] = {sets_.read, sets_.write, sets_.exceptional};
    for (int i = 0; i < 3; ++i) {
      if (to[i].IsNull()) continue;
      for (size_t word = 0; word < results_[i].size(); ++word) {
        POLLUX_RETURN_IF_ERROR(memory().WriteObject(to[i] + word * 8, results_[i][word]));
      }
    }
    return ready;
  }

 private:
  // wait_key_set()
  static EventMask Wanted(const SelectEntry& entry) {
    return kExceptionalSet | (entry.read ? kReadSet : 0) | (entry.write ? kWriteSet : 0);
  }

  // POLLIN_SET and its like of fs/select.c.
  static constexpr EventMask kReadSet = kRdNorm | kRdBand | kIn | kHup | kErr;
  static constexpr EventMask kWriteSet = kWrBand | kWrNorm | kOut | kErr;
  static constexpr EventMask kExceptionalSet = kPri;

  std::vector<SelectEntry> entries_;
  SelectSets sets_;
  std::vector<uint64_t> results_[3];
};

}  // namespace

void SignalItself(Thread& thread, int signal) {
  Process& process = thread.process();
  SignalInfo info;
  info.signal = signal;
  info.code = kSiUser;
  info.sender_pid = static_cast<int32_t>(process.pid());
  info.sender_uid = thread.credentials().uid;
  process.kernel().RaiseSignal(thread, info);
}

Nanos DeadlineAfter(const Clock& clock, std::optional<Nanos> timeout) {
  if (!timeout.has_value()) return kNanosMax;
  const Nanos now = clock.Monotonic();
  if (*timeout <= Nanos{0}) return now;
  return *timeout >= kNanosMax - now ? kNanosMax : now + *timeout;
}

CallResult StartRead(Thread&, DescriptionRef description, memory::UserBuffer&& to) {
  if (!description->readable()) return Errno::kBadF;
  const Result<size_t> bytes = description->Read(to);
  if (bytes.ok() && *bytes > 0) description->NoteAccess();
  if (bytes.ok() || bytes.error() != Errno::kAgain || description->nonblocking()) return bytes;
  return std::unique_ptr<BlockedCall>(
      std::make_unique<ReadCall>(std::move(description), std::move(to)));
}

CallResult StartWrite(Thread& thread, DescriptionRef description, memory::UserBuffer&& from) {
  if (!description->writable()) return Errno::kBadF;
  const Result<size_t> bytes = description->Write(from);
  if (!bytes.ok()) {
    if (bytes.error() == Errno::kPipe) BreakPipe(thread, *description, false);
    if (bytes.error() != Errno::kAgain || description->nonblocking()) return bytes;
  }
  int64_t progress = bytes.ok() ? static_cast<int64_t>(*bytes) : 0;
  if (bytes.ok()) {
    if (from.remaining() == 0 || progress == 0 || description->nonblocking()) {
      if (progress > 0) description->NoteModify();
      return bytes;
    }
    // A part: what stops the rest shows on the next try.
    const Result<int64_t> rest = WriteCall::WriteOn(thread, *description, from, progress);
    if (rest.ok() || rest.error() != Errno::kAgain) return rest;
  }
  return std::unique_ptr<BlockedCall>(
      std::make_unique<WriteCall>(std::move(description), std::move(from), progress));
}

CallResult StartPoll(Thread& thread, std::vector<PollEntry> entries, GuestAddr pollfds,
                     PollTimeout timeout) {
  return ScanOrWait(
      thread, std::make_unique<PollCall>(thread, std::move(entries), pollfds, timeout.remaining),
      timeout);
}

CallResult StartSelect(Thread& thread, std::vector<SelectEntry> entries, const SelectSets& sets,
                       PollTimeout timeout) {
  return ScanOrWait(
      thread, std::make_unique<SelectCall>(thread, std::move(entries), sets, timeout.remaining),
      timeout);
}

}  // namespace pollux::os_emu
