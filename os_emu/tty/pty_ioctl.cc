// ioctl_tty(2) of both sides of a pseudo terminal (drivers/tty/tty_io.c, tty_ioctl.c,
// tty_jobctrl.c, pty.c).
#include <cstring>

#include "os_emu/tty/pty.h"

namespace pollux::os_emu {
namespace {

enum Request : uint32_t {
  kTcGets = 0x5401,
  kTcSets = 0x5402,
  kTcSetsW = 0x5403,
  kTcSetsF = 0x5404,
  kTcSBrk = 0x5409,
  kTcXOnc = 0x540a,
  kTcFlsh = 0x540b,
  kTiocExcl = 0x540c,
  kTiocNxcl = 0x540d,
  kTiocSCtty = 0x540e,
  kTiocGPgrp = 0x540f,
  kTiocSPgrp = 0x5410,
  kTiocOutQ = 0x5411,
  kTiocSti = 0x5412,
  kTiocGWinSz = 0x5413,
  kTiocSWinSz = 0x5414,
  kFionRead = 0x541b,
  kTiocPkt = 0x5420,
  kTiocNotty = 0x5422,
  kTiocSetD = 0x5423,
  kTiocGetD = 0x5424,
  kTcSBrkP = 0x5425,
  kTiocGSid = 0x5429,
  kTcGets2 = 0x802c542a,
  kTcSets2 = 0x402c542b,
  kTcSetsW2 = 0x402c542c,
  kTcSetsF2 = 0x402c542d,
  kTiocGPtN = 0x80045430,
  kTiocSPtLck = 0x40045431,
  kTiocGPkt = 0x80045438,
  kTiocGPtLck = 0x80045439,
  kTiocGExcl = 0x80045440,
};

// One call, of either side.
class Call {
 public:
  Call(PtyPair& pair, bool master, bool readable, uint32_t request, uint64_t argument,
       memory::AddressSpace* space)
      : pair_(pair),
        master_(master),
        readable_(readable),
        request_(request),
        argument_(argument),
        space_(space) {}

  Result<int64_t> Do() {
    Result<int64_t> done = Settings();
    if (IsUnknown(done)) done = Flow();
    if (IsUnknown(done)) done = JobControl();
    if (IsUnknown(done)) done = master_ ? OfMaster() : Result<int64_t>(Errno::kNotTy);
    return done;
  }

 private:
  // ENOTTY is also an answer of requests that are known: then the others do not know it.
  static bool IsUnknown(const Result<int64_t>& result) {
    return !result.ok() && result.error() == Errno::kNotTy;
  }
  template <typename T>
  Result<int64_t> Put(const T& object) {
    if (space_ == nullptr) return Errno::kFault;
    POLLUX_RETURN_IF_ERROR(space_->WriteObject(GuestAddr{argument_}, object));
    return int64_t{0};
  }
  template <typename T>
  Result<T> Get() {
    if (space_ == nullptr) return Errno::kFault;
    return space_->ReadObject<T>(GuestAddr{argument_});
  }

  Result<int64_t> Settings();
  // tty_check_change(): of the side that is asked.
  Result<void> CheckChange() { return master_ ? Result<void>() : pair_.CheckChange(kSigTtou); }
  Result<int64_t> SetTermios(bool with_speeds, bool flush);
  Result<int64_t> Flow();
  Result<int64_t> Flush();
  Result<int64_t> JobControl();
  Result<int64_t> TakeControl(Process& process);
  Result<int64_t> SetForeground(const Process& process);
  Result<int64_t> OfMaster();

  PtyPair& pair_;
  bool master_;
  bool readable_;
  uint32_t request_;
  uint64_t argument_;
  memory::AddressSpace* space_;
};

// Those of the slave, whoever asks (tty_pair_get_tty()).
Result<int64_t> Call::Settings() {
  const Termios& termios = pair_.discipline().termios();
  switch (request_) {
    case kTcGets: {
      std::array<uint8_t, kTermiosBytes> bytes;
      std::memcpy(bytes.data(), &termios, bytes.size());
      return Put(bytes);
    }
    case kTcGets2:
      return Put(termios);
    case kTcSets:
    case kTcSetsW:
    case kTcSetsF:
      return SetTermios(/*with_speeds=*/false, request_ == kTcSetsF);
    case kTcSets2:
    case kTcSetsW2:
    case kTcSetsF2:
      return SetTermios(/*with_speeds=*/true, request_ == kTcSetsF2);
    case kTiocGWinSz:
      return Put(pair_.window());
    case kTiocSWinSz: {
      POLLUX_ASSIGN_OR_RETURN(const PtyPair::WindowSize window, Get<PtyPair::WindowSize>());
      pair_.SetWindow(window);
      return int64_t{0};
    }
    case kTiocGetD:
      return Put(int32_t{0});  // N_TTY
    case kTiocSetD: {
      POLLUX_RETURN_IF_ERROR(CheckChange());
      POLLUX_ASSIGN_OR_RETURN(const int32_t discipline, Get<int32_t>());
      return discipline == 0 ? Result<int64_t>(int64_t{0}) : Errno::kInval;
    }
    case kTiocExcl:
    case kTiocNxcl:
      pair_.exclusive = request_ == kTiocExcl;
      return int64_t{0};
    case kTiocGExcl:
      return Put(int32_t{pair_.exclusive});
    default:
      return Errno::kNotTy;
  }
}

Result<int64_t> Call::SetTermios(bool with_speeds, bool flush) {
  POLLUX_RETURN_IF_ERROR(pair_.CheckChange(kSigTtou));
  Termios termios = pair_.discipline().termios();
  if (with_speeds) {
    POLLUX_ASSIGN_OR_RETURN(termios, Get<Termios>());
  } else {
    using Short = std::array<uint8_t, kTermiosBytes>;
    POLLUX_ASSIGN_OR_RETURN(const Short bytes, Get<Short>());
    std::memcpy(static_cast<void*>(&termios), bytes.data(), bytes.size());
  }
  pair_.SetTermios(termios, flush);
  return int64_t{0};
}

Result<int64_t> Call::Flow() {
  switch (request_) {
    case kFionRead:
      return Put(
          static_cast<int32_t>(master_ ? pair_.MasterReadable() : pair_.discipline().Readable()));
    case kTiocOutQ:
      return Put(int32_t{0});
    case kTcSBrk:  // There is no line to break.
    case kTcSBrkP:
      POLLUX_RETURN_IF_ERROR(CheckChange());
      return int64_t{0};
    case kTcFlsh:
      POLLUX_RETURN_IF_ERROR(CheckChange());
      return Flush();
    case kTcXOnc: {
      POLLUX_RETURN_IF_ERROR(CheckChange());
      const Termios& termios = pair_.discipline().termios();
      if (argument_ > 3) return Errno::kInval;
      if (master_) return Errno::kOpNotSupp;  // Loud: what the master would stop is its own output.
      if (argument_ == 0) pair_.Suspend();
      if (argument_ == 1) pair_.Resume();
      if (argument_ == 2 && termios.chars[kVStop] != kDisabledChar)
        pair_.SendToMaster(termios.chars[kVStop]);
      if (argument_ == 3 && termios.chars[kVStart] != kDisabledChar)
        pair_.SendToMaster(termios.chars[kVStart]);
      return int64_t{0};
    }
    case kTiocSti:
      return Errno::kIo;  // dev.tty.legacy_tiocsti is 0.
    default:
      return Errno::kNotTy;
  }
}

// __tty_perform_flush()
Result<int64_t> Call::Flush() {
  constexpr uint64_t kInput = 0, kOutput = 1, kBoth = 2;
  if (argument_ > kBoth) return Errno::kInval;
  if (argument_ != kOutput) {
    if (master_) {
      pair_.FlushMasterInput();
    } else {
      pair_.FlushSlaveInput();
      pair_.WakeMasterWriters();  // tty_unthrottle()
    }
  }
  if (argument_ != kInput && !master_) pair_.FlushSlaveOutput();
  return int64_t{0};
}

Result<int64_t> Call::JobControl() {
  Thread* current = pair_.kernel().current();
  if (current == nullptr) return Errno::kNotTy;
  Process& process = current->process();
  const bool controls = pair_.Controls(process);
  switch (request_) {
    case kTiocSCtty:
      return TakeControl(process);
    case kTiocNotty:
      if (master_ || !controls) return Errno::kNotTy;
      if (process.LeadsSession()) {
        pair_.LeaveSession(/*ends=*/false);
      } else {
        process.terminal.reset();
      }
      return int64_t{0};
    case kTiocGPgrp:
      if (!master_ && !controls) return Errno::kNotTy;
      return Put(static_cast<int32_t>(pair_.foreground()));
    case kTiocSPgrp:
      return SetForeground(process);
    case kTiocGSid:
      if ((!master_ && !controls) || pair_.session() == Tid{0}) return Errno::kNotTy;
      return Put(static_cast<int32_t>(pair_.session()));
    default:
      return Errno::kNotTy;
  }
}

// tiocsctty(): of the slave, whichever side is asked.
Result<int64_t> Call::TakeControl(Process& process) {
  const Thread* const caller = process.kernel().current();
  const bool privileged = caller != nullptr && caller->credentials().Has(Capability::kSysAdmin);
  if (process.LeadsSession() && pair_.session() == process.session) return int64_t{0};
  if (!process.LeadsSession() || process.terminal != nullptr) return Errno::kPerm;
  if (pair_.session() != Tid{0}) {
    if (argument_ != 1 || !privileged) return Errno::kPerm;
    pair_.TakeAway();
  }
  if (!readable_ && !privileged) return Errno::kPerm;
  pair_.Control(process);
  return int64_t{0};
}

// tiocspgrp()
Result<int64_t> Call::SetForeground(const Process& process) {
  const Result<void> may = pair_.CheckChange(kSigTtou);
  if (!may.ok()) return may.error() == Errno::kIo ? Errno::kNotTy : may.error();
  POLLUX_ASSIGN_OR_RETURN(const int32_t number, Get<int32_t>());
  if (number < 0) return Errno::kInval;
  if (!pair_.Controls(process) || pair_.session() != process.session) return Errno::kNotTy;
  const Tid group{number};
  // find_vpid(): whatever has the number; session_of_pgrp(): a group, or else a process.
  Kernel& kernel = pair_.kernel();
  const Process* member = nullptr;
  bool is_session = false;
  for (const auto& [pid, candidate] : kernel.processes()) {
    if (candidate->group == group && member == nullptr) member = candidate.get();
    is_session = is_session || candidate->session == group;
  }
  if (member == nullptr) member = kernel.FindProcess(group);
  if (member == nullptr)
    return is_session || kernel.FindThread(group) != nullptr ? Errno::kPerm : Errno::kSrch;
  if (member->session != process.session) return Errno::kPerm;
  pair_.SetForeground(group);
  return int64_t{0};
}

Result<int64_t> Call::OfMaster() {
  switch (request_) {
    case kTiocGPtN:
      return Put(static_cast<uint32_t>(pair_.index()));
    case kTiocSPtLck: {
      POLLUX_ASSIGN_OR_RETURN(const int32_t lock, Get<int32_t>());
      pair_.locked = lock != 0;
      return int64_t{0};
    }
    case kTiocGPtLck:
      return Put(int32_t{pair_.locked});
    case kTiocPkt: {
      POLLUX_ASSIGN_OR_RETURN(const int32_t on, Get<int32_t>());
      pair_.SetPackets(on != 0);
      return int64_t{0};
    }
    case kTiocGPkt:
      return Put(int32_t{pair_.packets()});
    default:
      return Errno::kNotTy;
  }
}

}  // namespace

Result<int64_t> PtyMaster::Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space) {
  return Call(*pair_, /*master=*/true, readable(), request, argument, space).Do();
}

Result<int64_t> PtySlave::Ioctl(uint32_t request, uint64_t argument, memory::AddressSpace* space) {
  // hung_up_tty_ioctl()
  if (pair_->hung_up()) return request == kTiocSPgrp ? Errno::kNotTy : Errno::kIo;
  return Call(*pair_, /*master=*/false, readable(), request, argument, space).Do();
}

}  // namespace pollux::os_emu
