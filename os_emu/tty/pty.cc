#include "os_emu/tty/pty.h"

#include <algorithm>
#include <span>
#include <utility>

#include "os_emu/file/fd_label.h"
#include "os_emu/task/file_owner.h"

namespace pollux::os_emu {
namespace {

// TIOCPKT_*
constexpr uint8_t kPacketFlushRead = 1, kPacketFlushWrite = 2, kPacketStop = 4, kPacketStart = 8;

constexpr size_t kFewBytes = 128;  // TTY_THRESHOLD_UNTHROTTLE

std::span<const uint8_t> BytesOf(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace

PtyPair::~PtyPair() { kernel().budget().used_bytes -= kCostBytes; }

Kernel& PtyPair::kernel() { return table_.kernel(); }

void PtyPair::NotePacket(uint8_t status, uint8_t instead_of) {
  if (!packets_) return;
  packet_status_ = static_cast<uint8_t>((packet_status_ & ~instead_of) | status);
  master_readers.Notify(0);
}

void PtyPair::SetPackets(bool on) {
  if (on && !packets_) packet_status_ = 0;
  packets_ = on;
}

// ---- The master's side.

Result<size_t> PtyPair::MasterRead(memory::UserBuffer& to) {
  if (to.remaining() == 0) return size_t{0};
  if (packets_ && packet_status_ != 0) {
    const uint8_t status = std::exchange(packet_status_, 0);
    if (to.CopyTo({&status, 1}) != 1) return Errno::kFault;
    return size_t{1};
  }
  if (to_master_.empty()) return slave_gone_ ? Errno::kIo : Errno::kAgain;
  size_t copied = 0;
  if (packets_) {
    const uint8_t data = 0;  // TIOCPKT_DATA
    copied = to.CopyTo({&data, 1});
    if (copied == 0) return Errno::kFault;
  }
  const size_t readable = MasterReadable();
  const size_t bytes = std::min(readable, size_t{to.remaining()});
  const size_t moved = to.CopyTo(BytesOf(to_master_).first(bytes));
  to_master_.erase(0, bytes);  // Linux copies last: what an inaccessible buffer should get is lost.
  // n_tty_check_unthrottle(): before the read buffer is filled again from the line.
  if (readable - bytes <= kFewBytes) WakeSlaveWriters();
  if (copied + moved == 0) return Errno::kFault;
  return copied + moved;
}

Result<size_t> PtyPair::MasterWrite(memory::UserBuffer& from) {
  size_t written = 0;
  while (from.remaining() > 0) {
    const size_t room = to_slave_.size() < kLineBytes ? kLineBytes - to_slave_.size() : 0;
    if (room == 0) break;
    std::string bytes(std::min<uint64_t>(room, from.remaining()), '\0');
    const size_t taken = from.CopyFrom({reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
    to_slave_.append(bytes, 0, taken);
    written += taken;
    if (taken < bytes.size()) {
      if (written == 0) return Errno::kFault;
      break;
    }
    Deliver();
  }
  Deliver();
  if (written == 0 && from.remaining() > 0) return Errno::kAgain;
  return written;
}

void PtyPair::Deliver() {
  if (to_slave_.empty()) return;
  // The discipline may drop what is on the line (a signal).
  const std::string bytes = std::exchange(to_slave_, std::string());
  const size_t taken = discipline_.Receive(bytes);
  to_slave_.insert(0, bytes, taken);
}

EventMask PtyPair::MasterPoll() const {
  EventMask mask = 0;
  if (!to_master_.empty()) mask |= kReadable;
  if (packets_ && packet_status_ != 0) mask |= kPri | kReadable;
  if (slave_gone_) mask |= kHup;
  if (to_slave_.size() < kLineBytes) mask |= kWritable;
  return mask;
}

void PtyPair::FlushMasterInput() {
  to_master_.clear();
  WakeSlaveWriters();
}

// pty_close() of the master
void PtyPair::CloseMaster() {
  master_open_ = false;
  packets_ = false;
  table_.Remove(index_);
  slave_async_.Clear();  // __tty_hangup()
  slave_readers.Notify(0);
  slave_writers.Notify(0);
  slave_writers.Notify(kOut);
  slave_readers.Notify(kIn);
  HangUpSession();
}

// ---- The slave's side.

// n_tty_read()
Result<size_t> PtyPair::SlaveRead(memory::UserBuffer& to, bool wait_for_all,
                                  bool limit_has_passed) {
  if (hung_up() || to.remaining() == 0) return size_t{0};
  const Termios& termios = discipline_.termios();
  if (!discipline_.HasInput()) {
    const bool at_once =
        termios.chars[kVMin] == 0 && (termios.chars[kVTime] == 0 || limit_has_passed);
    if (!discipline_.canonical() && at_once) return size_t{0};
    return Errno::kAgain;
  }
  if (!discipline_.canonical() && wait_for_all &&
      discipline_.Readable() < std::min<uint64_t>(termios.chars[kVMin], to.remaining())) {
    return Errno::kAgain;
  }
  const std::string bytes = discipline_.Take(to.remaining());
  const bool few = discipline_.Waiting() <= kFewBytes;
  Deliver();
  if (few) WakeMasterWriters();
  const size_t copied = to.CopyTo(BytesOf(bytes));
  if (copied == 0 && !bytes.empty()) return Errno::kFault;
  return copied;
}

// n_tty_write()
Result<size_t> PtyPair::SlaveWrite(memory::UserBuffer& from) {
  if (hung_up()) return Errno::kIo;
  if (stopped_) return from.remaining() > 0 ? Result<size_t>(Errno::kAgain) : size_t{0};
  discipline_.FlushEcho();
  size_t written = 0;
  std::string out;
  bool full = false, fault = false;
  while (from.remaining() > 0 && !full && !fault) {
    uint8_t bytes[256];
    const size_t wanted = std::min<uint64_t>(sizeof(bytes), from.remaining());
    const size_t taken = from.CopyFrom({bytes, wanted});
    fault = taken < wanted;
    size_t used = 0;
    while (used < taken && !full) {
      const size_t room = MasterRoom();
      full = room <= out.size() || !discipline_.ProcessOutput(bytes[used], room - out.size(), &out);
      if (!full) ++used;
    }
    from.Revert(taken - used);
    written += used;
  }
  to_master_ += out;
  if (!out.empty()) WakeMasterReaders();
  if (written == 0 && fault) return Errno::kFault;
  if (written == 0 && full) return Errno::kAgain;
  return written;
}

EventMask PtyPair::SlavePoll() const {
  // hung_up_tty_poll()
  if (hung_up()) return kReadable | kWritable | kErr | kHup;
  EventMask mask = 0;
  if (discipline_.HasInput(/*for_poll=*/true)) mask |= kReadable;
  if (!stopped_ && MasterRoom() > 0) mask |= kWritable;
  return mask;
}

void PtyPair::OpenSlave() {
  ++slaves_;
  slave_gone_ = false;
}

// pty_close() of a slave
void PtyPair::CloseSlave() {
  if (--slaves_ > 0 || hung_up()) return;
  slave_gone_ = true;
  packets_ = false;
  slave_readers.Notify(0);
  slave_writers.Notify(0);
  master_readers.Notify(0);
  master_writers.Notify(0);
}

void PtyPair::SetTermios(const Termios& termios, bool flush_input) {
  if (flush_input) FlushSlaveInput();
  Termios set = termios;
  // pty_set_termios()
  set.control = (set.control & ~(kCSize | kParEnb)) | kCs8 | kCRead;
  discipline_.SetTermios(set);
  slave_writers.Notify(0);
  slave_readers.Notify(0);
  Deliver();
}

void PtyPair::FlushSlaveInput() {
  discipline_.Flush();
  NotePacket(kPacketFlushRead, 0);
}

// pty_flush_buffer(): what the master's read buffer holds stays.
void PtyPair::FlushSlaveOutput() {
  if (to_master_.size() > kReadBytes) to_master_.resize(kReadBytes);
  NotePacket(kPacketFlushWrite, 0);
}

void PtyPair::StopOutput() {
  if (stopped_) return;
  stopped_ = true;
  NotePacket(kPacketStop, kPacketStart);
}

void PtyPair::StartOutput() {
  if (!stopped_ || stopped_by_call_) return;
  stopped_ = false;
  NotePacket(kPacketStart, kPacketStop);
  WakeSlaveWriters();
  discipline_.FlushEcho();
}

void PtyPair::Suspend() {
  if (stopped_by_call_) return;
  stopped_by_call_ = true;
  StopOutput();
}

void PtyPair::Resume() {
  if (!stopped_by_call_) return;
  stopped_by_call_ = false;
  StartOutput();
}

// tty_send_xchar()
void PtyPair::SendToMaster(uint8_t c) {
  if (MasterRoom() > 0) to_master_ += static_cast<char>(c);
  slave_writers.Notify(kOut);
  WakeMasterReaders();
}

void PtyPair::SendEcho(std::string_view bytes) {
  to_master_ += bytes.substr(0, MasterRoom());
  WakeMasterReaders();
}

// pty_resize()
void PtyPair::SetWindow(const WindowSize& window) {
  if (window == window_) return;
  window_ = window;
  SignalForeground(kSigWinch);
}

// ---- Signals (tty_fasync(), n_tty_write_wakeup()).

void PtyPair::WantSpaceSignal(bool of_master) {
  if (async(of_master)->empty()) return;
  (of_master ? master_wants_space_ : slave_wants_space_) = true;
}

void PtyPair::WakeMasterWriters() {
  if (std::exchange(master_wants_space_, false)) master_async_.Signal(IoReason::kOut);
  master_writers.Notify(kOut);
}

void PtyPair::WakeSlaveWriters() {
  if (std::exchange(slave_wants_space_, false)) slave_async_.Signal(IoReason::kOut);
  slave_writers.Notify(kOut);
}

void PtyPair::GiveOwner(FileDescription& file, bool of_master) {
  SignalOwner& owner = file.MakeSignalOwner();
  const Thread* const current = kernel().current();
  if (owner.target != nullptr || current == nullptr) return;
  // Only the slave knows of groups.
  const bool has_group = !of_master && foreground_ != Tid{0};
  const Tid number = has_group ? foreground_ : current->tid();
  const auto found = FileOwner::Find(kernel(), has_group ? OwnerKind::kGroup : OwnerKind::kProcess,
                                     static_cast<int32_t>(number));
  if (found.ok()) owner.target = *found;
}

Result<bool> PtyMaster::ChangeAsync(FileDescription& file, FdLabel fd, bool on) {
  const bool is_new = pair_->async(/*of_master=*/true)->Set(file, fd, on);
  if (on && is_new) pair_->GiveOwner(file, /*of_master=*/true);
  return true;
}

Result<bool> PtySlave::ChangeAsync(FileDescription& file, FdLabel fd, bool on) {
  if (pair_->hung_up()) return Errno::kNotTy;
  const bool is_new = pair_->async(/*of_master=*/false)->Set(file, fd, on);
  if (on && is_new) pair_->GiveOwner(file, /*of_master=*/false);
  return true;
}

// ---- The descriptions.

Result<size_t> PtyMaster::Write(memory::UserBuffer& from) {
  if (from.remaining() == 0) {
    pair_->master_writers.Notify(kOut);  // tty_write_unlock()
    return size_t{0};
  }
  pair_->NoteWritten(/*by_master=*/true);
  const Result<size_t> written = pair_->MasterWrite(from);
  if (nonblocking() && from.remaining() > 0) pair_->WantSpaceSignal(/*of_master=*/true);
  return written;
}

Result<size_t> PtyMaster::ResumeWrite(memory::UserBuffer& from) { return pair_->MasterWrite(from); }

int PtyMaster::PollQueues(WaitQueue* queues[2]) {
  queues[0] = &pair_->master_readers;
  queues[1] = &pair_->master_writers;
  return 2;
}

Result<size_t> PtySlave::Write(memory::UserBuffer& from) {
  if (pair_->hung_up()) return Errno::kIo;
  if ((pair_->discipline().termios().local & kToStop) != 0)
    POLLUX_RETURN_IF_ERROR(pair_->CheckChange(kSigTtou));
  if (from.remaining() == 0) {
    pair_->slave_writers.Notify(kOut);  // tty_write_unlock()
    return size_t{0};
  }
  pair_->NoteWritten(/*by_master=*/false);
  const Result<size_t> written = pair_->SlaveWrite(from);
  if (nonblocking() && from.remaining() > 0) pair_->WantSpaceSignal(/*of_master=*/false);
  return written;
}

Result<size_t> PtySlave::ResumeWrite(memory::UserBuffer& from) { return pair_->SlaveWrite(from); }

int PtySlave::PollQueues(WaitQueue* queues[2]) {
  queues[0] = &pair_->slave_readers;
  queues[1] = &pair_->slave_writers;
  return 2;
}

WaitPlan PtySlave::ReadWait() {
  WaitPlan plan = {.queue = &pair_->slave_readers, .mode = wait_mode()};
  LineDiscipline& discipline = pair_->discipline();
  const Termios& termios = discipline.termios();
  if (discipline.canonical() || termios.chars[kVTime] == 0) return plan;
  // VTIME counts from the call where VMIN is 0, else from each character on.
  if (termios.chars[kVMin] > 0 && !discipline.HasInput()) return plan;
  plan.limit = Nanos{int64_t{termios.chars[kVTime]} * 100'000'000};
  plan.limit_restarts = true;
  return plan;
}

}  // namespace pollux::os_emu
