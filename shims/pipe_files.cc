#include "shims/pipe_files.h"

#include <optional>
#include <utility>

#include "os_emu/pipe/pipe.h"
#include "os_emu/task/kernel.h"

namespace pollux::shims {
namespace {

using os_emu::DescriptionRef;
using os_emu::Fd;
using os_emu::PipeEnd;
using os_emu::Thread;

struct FifoState final : os_emu::SpecialFileState {
  std::weak_ptr<os_emu::Pipe> pipe;
};

// open(2) of a FIFO, until the partner comes. The number is reserved, as on Linux: nobody else can
// mean anything by it.
class OpenFifoCall final : public os_emu::BlockedCall {
 public:
  OpenFifoCall(std::shared_ptr<os_emu::FdTable> fds, Fd fd, DescriptionRef file, bool close_on_exec)
      : fds_(std::move(fds)), fd_(fd), file_(std::move(file)), close_on_exec_(close_on_exec) {}
  ~OpenFifoCall() override {
    if (file_) Abandon();
  }

  Result<int64_t> Resume(Thread&, bool) override {
    if (!End().IsOpen()) {
      if (!waiter_->waiting()) End().PartnerQueue().AddBack(*waiter_);
      return Errno::kAgain;
    }
    fds_->Fill(fd_, std::exchange(file_, {}), close_on_exec_);
    return static_cast<int64_t>(fd_);
  }
  void Park(Thread& thread) override {
    waiter_.emplace(thread, os_emu::EventMask{0}, os_emu::ThreadWaiter::OnWake::kLeave);
    End().PartnerQueue().AddBack(*waiter_);
  }
  void Unpark() override { waiter_.reset(); }
  Result<int64_t> Interrupt() override {
    waiter_.reset();
    // wait_for_partner() looks once more.
    if (End().IsOpen()) {
      fds_->Fill(fd_, std::exchange(file_, {}), close_on_exec_);
      return static_cast<int64_t>(fd_);
    }
    Abandon();
    return Errno::kIntr;
  }
  const char* TypeName() const override { return "open"; }

 private:
  PipeEnd& End() { return *PipeEnd::From(*file_); }
  void Abandon() {
    waiter_.reset();
    End().AbandonOpen();
    file_ = {};
    fds_->Cancel(fd_);
  }

  std::shared_ptr<os_emu::FdTable> fds_;
  Fd fd_;
  DescriptionRef file_;  // Empty once it is over.
  bool close_on_exec_;
  std::optional<os_emu::ThreadWaiter> waiter_;
};

}  // namespace

Result<DescriptionRef> PipeFiles::Open(os_emu::SpecialFile& file, uint32_t flags) {
  if (!file.state) file.state = std::make_unique<FifoState>();
  return PipeEnd::OpenFifo(&static_cast<FifoState&>(*file.state).pipe, flags, budget_);
}

Result<DescriptionRef> PipeFiles::Reopen(os_emu::FileDescription& description, uint32_t flags) {
  const PipeEnd* end = PipeEnd::From(description);
  if (end == nullptr) return Errno::kNxio;
  return end->Reopen(flags);
}

os_emu::CallResult FinishOpen(Thread& thread, Fd fd, DescriptionRef file, bool close_on_exec) {
  const PipeEnd* end = PipeEnd::From(*file);
  if (end == nullptr || end->IsOpen()) {
    thread.fds().Fill(fd, std::move(file), close_on_exec);
    return static_cast<int64_t>(fd);
  }
  return std::unique_ptr<os_emu::BlockedCall>(
      std::make_unique<OpenFifoCall>(thread.shared_fds(), fd, std::move(file), close_on_exec));
}

}  // namespace pollux::shims
