// PtyPair: a pseudo terminal (drivers/tty/pty.c): a line between PtyMaster (what opens /dev/ptmx)
// and PtySlave (what opens /dev/pts/N, any number of times), with the line discipline on the
// slave's side. PtyTable: all of one machine.
//
// What the master writes is received by the line discipline; what the slave writes is processed and
// waits for the master, 4095 bytes in its read buffer and kLineBytes more on the line, as in Linux.
// All of it happens at once, where Linux leaves it to a worker. Who is woken with which key is
// Linux's, measured on 6.18: each write is an OUT edge for who writes, each read one for the other
// side while little waits, and a change of the settings one for both queues.
// Without the last slave the master reads kIo, after what is left. Without the master, slaves read
// the end, write kIo, and the leader of the session gets SIGHUP and SIGCONT.
// A process whose terminal it is reads and changes it only while its group is in front, and writes
// it only then where TOSTOP is set (drivers/tty/tty_jobctrl.c): else its group gets SIGTTIN or
// SIGTTOU (kRestartSys), or it fails with kIo if nobody could bring it to the front.
#ifndef POLLUX_OS_EMU_TTY_PTY_H_
#define POLLUX_OS_EMU_TTY_PTY_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "abi/result.h"
#include "abi/types.h"
#include "absl/status/status.h"
#include "os_emu/file/description.h"
#include "os_emu/task/controlling_terminal.h"
#include "os_emu/task/kernel.h"
#include "os_emu/tty/line_discipline.h"
#include "os_emu/vfs/special_file.h"

namespace pollux::os_emu {

class PtyTable;

class PtyPair final : public ControllingTerminal,
                      public std::enable_shared_from_this<PtyPair>,
                      private LineDiscipline::Host {
 public:
  static constexpr size_t kReadBytes = LineDiscipline::kBufferBytes - 1;
  // What Linux's 8 KiB of line buffers hold when they are filled by large writes.
  static constexpr size_t kLineBytes = 11265;
  // What a pair is charged for.
  static constexpr uint64_t kCostBytes = 64 << 10;

  PtyPair(PtyTable& table, int index) : table_(table), index_(index), discipline_(*this) {}
  ~PtyPair() override;
  PtyPair(const PtyPair&) = delete;
  PtyPair& operator=(const PtyPair&) = delete;

  int index() const { return index_; }
  LineDiscipline& discipline() { return discipline_; }
  bool hung_up() const { return !master_open_; }
  Kernel& kernel();

  // ---- The master's side.
  Result<size_t> MasterRead(memory::UserBuffer& to);
  Result<size_t> MasterWrite(memory::UserBuffer& from);
  EventMask MasterPoll() const;
  size_t MasterReadable() const { return std::min(to_master_.size(), kReadBytes); }
  void FlushMasterInput();
  void CloseMaster();
  bool locked = true;        // TIOCSPTLCK
  void SetPackets(bool on);  // TIOCPKT
  bool packets() const { return packets_; }
  bool exclusive = false;  // TIOCEXCL

  // ---- The slave's side.
  Result<size_t> SlaveRead(memory::UserBuffer& to, bool wait_for_all, bool limit_has_passed);
  Result<size_t> SlaveWrite(memory::UserBuffer& from);
  EventMask SlavePoll() const;
  void OpenSlave();
  void CloseSlave();
  void SetTermios(const Termios& termios, bool flush_input);
  void FlushSlaveInput();
  void FlushSlaveOutput();
  void Suspend();                // TCOOFF
  void Resume();                 // TCOON
  void SendToMaster(uint8_t c);  // TCIOFF, TCION

  // ---- Both.
  using WindowSize = std::array<uint16_t, 4>;
  const WindowSize& window() const { return window_; }
  void SetWindow(const WindowSize& window);
  // tty_write_unlock(): every write ends with this.
  void NoteWritten(bool by_master) { (by_master ? master_writers : slave_writers).Notify(kOut); }
  WaitQueue master_readers, master_writers, slave_readers, slave_writers;
  // A writer without room does not wait for it: a signal says when there is some
  // (TTY_DO_WRITE_WAKEUP, which n_tty_write() sets).
  void WantSpaceSignal(bool of_master);
  // tty_fasync() of a side: who is signalled is by default the group in front, or who asks.
  AsyncList* async(bool of_master) { return of_master ? &master_async_ : &slave_async_; }
  void GiveOwner(FileDescription& file, bool of_master);
  // tty_wakeup(): there is room again.
  void WakeMasterWriters();

  // ---- The session that it controls (tty_jobctrl.c).
  Tid session() const { return session_; }  // 0: none.
  Tid foreground() const override { return foreground_; }
  void SetForeground(Tid group) { foreground_ = group; }
  bool Controls(const Process& process) const { return process.terminal.get() == this; }
  // The process leads a session that has no terminal: it has this one now (__proc_set_tty()).
  void Control(Process& leader);
  // From the session that it controls, if any (session_clear_tty()).
  void TakeAway();
  void LeaveSession(bool ends) override;
  uint64_t device() const override;
  // __tty_check_change(): whether the calling thread may go on, or else `signal` for its group.
  // kRestartSys, kIo.
  Result<void> CheckChange(int signal);
  void SignalForeground(int signal);

 private:
  void SendEcho(std::string_view bytes) override;
  void RaiseSignal(int signal) override { SignalForeground(signal); }
  void WakeReaders() override {
    slave_readers.Notify(kReadable);
    slave_async_.Signal(IoReason::kIn);
  }
  void StopOutput() override;
  void StartOutput() override;
  bool OutputStopped() const override { return stopped_; }
  void DropOutput() override { FlushSlaveOutput(); }

  size_t MasterRoom() const {
    const size_t most = kReadBytes + kLineBytes;
    return to_master_.size() < most ? most - to_master_.size() : 0;
  }
  void WakeMasterReaders() {
    master_readers.Notify(kReadable);
    master_async_.Signal(IoReason::kIn);
  }
  void WakeSlaveWriters();  // tty_wakeup()
  // Gives the line discipline what it has room for.
  void Deliver();
  // tty_signal_session_leader()
  void HangUpSession();
  void NotePacket(uint8_t status, uint8_t instead_of);

  PtyTable& table_;
  const int index_;
  Tid session_{0};
  Tid foreground_{0};
  LineDiscipline discipline_;
  std::string to_slave_;   // Written by the master, not received yet.
  std::string to_master_;  // Written by the slave, and echo.
  WindowSize window_{};
  uint32_t slaves_ = 0;
  bool slave_gone_ = false;  // TTY_OTHER_CLOSED
  bool master_open_ = true;
  bool stopped_ = false;          // By a STOP character or TCOOFF.
  bool stopped_by_call_ = false;  // By TCOOFF.
  bool packets_ = false;
  uint8_t packet_status_ = 0;
  AsyncList master_async_, slave_async_;
  bool master_wants_space_ = false, slave_wants_space_ = false;
};

class PtyMaster final : public FileDescription {
 public:
  PtyMaster(std::shared_ptr<PtyPair> pair, uint32_t status_flags)
      : FileDescription(status_flags), pair_(std::move(pair)) {}
  PtyPair& pair() { return *pair_; }

  Result<size_t> Read(memory::UserBuffer& to) override { return pair_->MasterRead(to); }
  Result<size_t> Write(memory::UserBuffer& from) override;
  Result<size_t> ResumeWrite(memory::UserBuffer& from) override;
  EventMask Poll() override { return pair_->MasterPoll(); }
  int PollQueues(WaitQueue* queues[2]) override;
  WaitQueue* WriteQueue() override { return &pair_->master_writers; }
  Result<int64_t> Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space) override;
  bool CanSpliceFrom() const override { return true; }
  bool CanSpliceTo() const override { return true; }
  const char* TypeName() const override { return "pty master"; }
  // tty_show_fdinfo()
  std::string FdInfo() const override {
    return "tty-index:\t" + std::to_string(pair_->index()) + "\n";
  }

 private:
  Result<bool> ChangeAsync(FileDescription& file, FdLabel fd, bool on) override;
  void OnRelease() override { pair_->CloseMaster(); }
  std::shared_ptr<PtyPair> pair_;
};

class PtySlave final : public FileDescription {
 public:
  PtySlave(std::shared_ptr<PtyPair> pair, uint32_t status_flags)
      : FileDescription(status_flags), pair_(std::move(pair)) {
    pair_->OpenSlave();
  }
  PtyPair& pair() { return *pair_; }

  Result<size_t> Read(memory::UserBuffer& to) override {
    POLLUX_RETURN_IF_ERROR(pair_->CheckChange(kSigTtin));
    return pair_->SlaveRead(to, !nonblocking(), false);
  }
  // Who waits already is not asked again whether it is in front (n_tty_read()).
  Result<size_t> ResumeRead(memory::UserBuffer& to) override {
    return pair_->SlaveRead(to, !nonblocking(), false);
  }
  Result<size_t> ReadAtLimit(memory::UserBuffer& to) override {
    return pair_->SlaveRead(to, false, true);
  }
  Result<size_t> Write(memory::UserBuffer& from) override;
  Result<size_t> ResumeWrite(memory::UserBuffer& from) override;
  EventMask Poll() override { return pair_->SlavePoll(); }
  int PollQueues(WaitQueue* queues[2]) override;
  WaitQueue* WriteQueue() override { return &pair_->slave_writers; }
  WaitPlan ReadWait() override;  // With VTIME.
  Result<int64_t> Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space) override;
  // hung_up_tty_fops has neither.
  bool CanSpliceFrom() const override { return !pair_->hung_up(); }
  bool CanSpliceTo() const override { return !pair_->hung_up(); }
  const char* TypeName() const override { return "pty slave"; }

 private:
  Result<bool> ChangeAsync(FileDescription& file, FdLabel fd, bool on) override;
  void OnRelease() override { pair_->CloseSlave(); }
  std::shared_ptr<PtyPair> pair_;
};

// A part of the Kernel (Kernel::Part). Opens /dev/ptmx, /dev/pts/N and /dev/tty.
class PtyTable {
 public:
  static constexpr int kMaxPtys = 4096;  // kernel.pty.max
  static constexpr uint64_t kPtmxDevice = 0x502, kTtyDevice = 0x500;

  explicit PtyTable(Kernel& kernel);
  ~PtyTable();
  PtyTable(const PtyTable&) = delete;
  PtyTable& operator=(const PtyTable&) = delete;

  // Makes /dev/ptmx and /dev/pts, and gives /dev/tty its meaning.
  absl::Status Install();
  Kernel& kernel() { return kernel_; }

  // ioctl(TIOCGPTPEER): another description of the slave, whatever its path is. kIo: locked.
  Result<DescriptionRef> OpenPeer(PtyPair& pair, uint32_t flags);

 private:
  friend class PtyPair;
  class PtmxOpener;
  class SlaveOpener;
  class TtyOpener;

  Result<DescriptionRef> OpenMaster(uint32_t flags);
  Result<DescriptionRef> OpenSlave(int index, uint32_t flags);
  Result<DescriptionRef> OpenTty(uint32_t flags);
  // The master has gone: nobody finds it any more.
  void Remove(int index);

  Kernel& kernel_;
  std::map<int, std::weak_ptr<PtyPair>> pairs_;
  std::unique_ptr<SpecialFileOpener> ptmx_opener_, slave_opener_, tty_opener_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TTY_PTY_H_
