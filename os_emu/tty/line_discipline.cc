#include "os_emu/tty/line_discipline.h"

#include <algorithm>

#include "os_emu/task/signal.h"

namespace pollux::os_emu {
namespace {

// lib/ctype.c: Latin-1.
bool IsControl(uint8_t c) { return c < 32 || c == 127; }
bool IsUpper(uint8_t c) { return (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7); }
bool IsLower(uint8_t c) { return (c >= 'a' && c <= 'z') || (c >= 0xdf && c != 0xf7); }
bool IsAlphanumeric(uint8_t c) { return (c >= '0' && c <= '9') || IsUpper(c) || IsLower(c); }
uint8_t ToLower(uint8_t c) { return IsUpper(c) ? c + 32 : c; }
uint8_t ToUpper(uint8_t c) { return IsLower(c) ? c - 32 : c; }

constexpr std::string_view kEraseOne = "\b \b";

}  // namespace

void LineDiscipline::SetTermios(const Termios& termios) {
  const uint32_t changed = termios_.local ^ termios.local;
  const bool stops_ended = Input(kIXOn) && (termios.input & kIXOn) == 0;
  termios_ = termios;
  if ((changed & (kICanon | kExtProc)) != 0) {
    for (Cell& cell : input_) cell.ends_line = false;
    lines_end_ = 0;
    if (canonical() && !input_.empty()) {
      input_.back().ends_line = true;
      lines_end_ = input_.size();
    }
    erasing_ = false;
    literal_next_ = false;
  }
  // An output that was stopped must not hang when what starts it has lost its meaning.
  if (stops_ended) host_.StartOutput();
}

void LineDiscipline::Flush() {
  input_.clear();
  lines_end_ = 0;
  literal_next_ = false;
  erasing_ = false;
}

void LineDiscipline::FlushEcho() {
  if (echo_.empty() || host_.OutputStopped()) return;
  const std::string echo = std::move(echo_);
  echo_.clear();
  host_.SendEcho(echo);
}

// ---- Input.

size_t LineDiscipline::Receive(std::string_view bytes) {
  size_t taken = 0;
  while (taken < bytes.size()) {
    // n_tty_receive_buf_common(): a line that is too long goes on over its last character, so that
    // its end can still come.
    const size_t most = kBufferBytes - 1;
    const bool endless = canonical() && lines_end_ == 0;
    if (input_.size() >= most) {
      if (!endless) break;
      if (input_.size() > most) input_.pop_back();
    }
    ReceiveOne(static_cast<uint8_t>(bytes[taken++]));
  }
  if (echo_.size() > kBufferBytes) echo_.erase(0, echo_.size() - kBufferBytes);
  FlushEcho();
  if (!canonical() && taken > 0 && !input_.empty()) host_.WakeReaders();
  return taken;
}

void LineDiscipline::ReceiveOne(uint8_t c) {
  if (Input(kIStrip)) c &= 0x7f;
  if (Input(kIUcLc) && Local(kIExten)) c = ToLower(c);
  if (literal_next_) {
    literal_next_ = false;
    return ReceiveOrdinary(c, /*ends_line=*/false);
  }
  if (Local(kExtProc)) return Put(c);
  if (ReceiveFlowControl(c) || ReceiveSignal(c)) return;
  bool ends_line = false;
  if (c == '\r') {
    if (Input(kIgnCr)) return RestartIfAny();
    if (Input(kICrNl)) {
      c = '\n';
      ends_line = true;
    }
  } else if (c == '\n' && Input(kINlCr)) {
    c = '\r';
  }
  if (canonical() && ReceiveCanonical(c)) return;
  ReceiveOrdinary(c, ends_line);
}

void LineDiscipline::RestartIfAny() {
  if (Input(kIXOn) && Input(kIXAny)) host_.StartOutput();
}

void LineDiscipline::ReceiveOrdinary(uint8_t c, bool ends_line) {
  RestartIfAny();
  if (Local(kEcho)) {
    FinishErasing();
    if (ends_line) {
      EchoRaw(c);
    } else {
      NoteLineStart();
      Echo(c);
    }
  }
  if (c == 0xff && Input(kParMrk)) Put(c);
  Put(c);
}

bool LineDiscipline::ReceiveFlowControl(uint8_t c) {
  if (!Input(kIXOn)) return false;
  if (Is(kVStart, c)) {
    host_.StartOutput();
    return true;
  }
  if (Is(kVStop, c)) {
    host_.StopOutput();
    return true;
  }
  return false;
}

// n_tty_receive_signal_char()
bool LineDiscipline::ReceiveSignal(uint8_t c) {
  if (!Local(kISig)) return false;
  const int signal = Is(kVIntr, c)   ? kSigInt
                     : Is(kVQuit, c) ? kSigQuit
                     : Is(kVSusp, c) ? kSigTstp
                                     : 0;
  if (signal == 0) return false;
  host_.RaiseSignal(signal);
  if (!Local(kNoFlsh)) {
    echo_.clear();
    host_.DropOutput();
    Flush();
  }
  if (Input(kIXOn)) host_.StartOutput();
  if (Local(kEcho)) Echo(c);
  return true;
}

void LineDiscipline::EndLine(uint8_t c) {
  input_.push_back({c, true});
  lines_end_ = input_.size();
  host_.WakeReaders();
}

// n_tty_receive_char_canon()
bool LineDiscipline::ReceiveCanonical(uint8_t c) {
  if (Is(kVErase, c) || Is(kVKill, c) || (Is(kVWErase, c) && Local(kIExten))) {
    Erase(c);
    return true;
  }
  if (Is(kVLNext, c) && Local(kIExten)) {
    literal_next_ = true;
    if (Local(kEcho)) {
      FinishErasing();
      if (Local(kEchoCtl)) {
        EchoRaw('^');
        EchoRaw('\b');
      }
    }
    return true;
  }
  if (Is(kVReprint, c) && Local(kEcho) && Local(kIExten)) {
    FinishErasing();
    Echo(c);
    EchoRaw('\n');
    for (size_t i = lines_end_; i < input_.size(); ++i) Echo(input_[i].c);
    return true;
  }
  if (c == '\n') {
    if (Local(kEcho) || Local(kEchoNl)) EchoRaw('\n');
    EndLine(c);
    return true;
  }
  if (Is(kVEof, c)) {
    EndLine(kDisabledChar);
    return true;
  }
  if (Is(kVEol, c) || (Is(kVEol2, c) && Local(kIExten))) {
    if (Local(kEcho)) {
      NoteLineStart();
      Echo(c);
    }
    if (c == 0xff && Input(kParMrk)) Put(c);
    EndLine(c);
    return true;
  }
  return false;
}

// eraser()
void LineDiscipline::Erase(uint8_t c) {
  if (input_.size() == lines_end_) return;
  enum { kOne, kWord, kLine } what = Is(kVErase, c) ? kOne : Is(kVWErase, c) ? kWord : kLine;
  if (what == kLine && (!Local(kEcho) || !Local(kEchoK) || !Local(kEchoKe) || !Local(kEchoE))) {
    input_.resize(lines_end_);
    if (!Local(kEcho)) return;
    FinishErasing();
    Echo(termios_.chars[kVKill]);
    if (Local(kEchoK)) EchoRaw('\n');
    return;
  }
  bool seen_alphanumeric = false;
  while (input_.size() > lines_end_) {
    size_t head = input_.size();
    uint8_t erased = 0;
    do {
      erased = input_[--head].c;
    } while (IsContinuation(erased) && head > lines_end_);
    if (IsContinuation(erased)) break;  // Half a character stays.
    if (what == kWord) {
      if (IsAlphanumeric(erased) || erased == '_') {
        seen_alphanumeric = true;
      } else if (seen_alphanumeric) {
        break;
      }
    }
    std::string rest;  // Of a character of several bytes.
    for (size_t i = head + 1; i < input_.size(); ++i) rest += static_cast<char>(input_[i].c);
    input_.resize(head);
    if (Local(kEcho)) {
      if (Local(kEchoPrt)) {
        if (!erasing_) EchoRaw('\\');
        erasing_ = true;
        Echo(erased);
        EchoPlain(rest);
      } else if (what == kOne && !Local(kEchoE)) {
        Echo(termios_.chars[kVErase]);
      } else if (erased == '\t') {
        EraseTab();
      } else {
        if (IsControl(erased) && Local(kEchoCtl))
          for (const char b : kEraseOne) EchoRaw(static_cast<uint8_t>(b));
        if (!IsControl(erased) || Local(kEchoCtl))
          for (const char b : kEraseOne) EchoRaw(static_cast<uint8_t>(b));
      }
    }
    if (what == kOne) break;
  }
  if (input_.size() == lines_end_ && Local(kEcho)) FinishErasing();
}

// Back to where the tab that was the last character began.
void LineDiscipline::EraseTab() {
  unsigned columns = 0;
  bool after_tab = false;
  for (size_t i = input_.size(); i > lines_end_ && !after_tab; --i) {
    const uint8_t c = input_[i - 1].c;
    if (c == '\t') {
      after_tab = true;
    } else if (IsControl(c)) {
      if (Local(kEchoCtl)) columns += 2;
    } else if (!IsContinuation(c)) {
      ++columns;
    }
  }
  if (!after_tab) columns += line_column_;
  for (unsigned left = 8 - (columns & 7); left > 0; --left) {
    echo_ += '\b';
    if (column_ > 0) --column_;
  }
}

// ---- Echo.

void LineDiscipline::NoteLineStart() {
  if (input_.size() == lines_end_) line_column_ = column_;
}

void LineDiscipline::FinishErasing() {
  if (!erasing_) return;
  EchoRaw('/');
  erasing_ = false;
}

void LineDiscipline::Echo(uint8_t c) {
  if (Local(kEchoCtl) && IsControl(c) && c != '\t') {
    echo_ += '^';
    echo_ += static_cast<char>(c ^ 0100);
    column_ += 2;
    return;
  }
  EchoRaw(c);
}

void LineDiscipline::EchoRaw(uint8_t c) {
  if (!Output(kOPost)) {
    echo_ += static_cast<char>(c);
    return;
  }
  ProcessOutput(c, 8, &echo_);
}

// ---- Output.

// do_output_char()
bool LineDiscipline::ProcessOutput(uint8_t c, size_t space, std::string* out) {
  if (space == 0) return false;
  if (!Output(kOPost)) {
    *out += static_cast<char>(c);
    return true;
  }
  switch (c) {
    case '\n':
      if (Output(kONlRet)) column_ = 0;
      if (Output(kONlCr)) {
        if (space < 2) return false;
        line_column_ = column_ = 0;
        *out += "\r\n";
        return true;
      }
      line_column_ = column_;
      break;
    case '\r':
      if (Output(kONoCr) && column_ == 0) return true;
      if (Output(kOCrNl)) {
        c = '\n';
        if (Output(kONlRet)) line_column_ = column_ = 0;
        break;
      }
      line_column_ = column_ = 0;
      break;
    case '\t': {
      const unsigned spaces = 8 - (column_ & 7);
      if ((termios_.output & kTabDly) == kTabDly) {
        if (space < spaces) return false;
        column_ += spaces;
        out->append(spaces, ' ');
        return true;
      }
      column_ += spaces;
      break;
    }
    case '\b':
      if (column_ > 0) --column_;
      break;
    default:
      if (IsControl(c)) break;
      if (Output(kOLcUc)) c = ToUpper(c);
      if (!IsContinuation(c)) ++column_;
      break;
  }
  *out += static_cast<char>(c);
  return true;
}

// ---- Reading.

bool LineDiscipline::HasInput(bool for_poll) const {
  if (canonical() && !Local(kExtProc)) return lines_end_ > 0;
  const size_t least = for_poll && termios_.chars[kVTime] == 0 && termios_.chars[kVMin] > 0
                           ? termios_.chars[kVMin]
                           : 1;
  return input_.size() >= least;
}

std::string LineDiscipline::Take(size_t room) {
  size_t copied = 0, taken = 0;
  if (canonical() && !Local(kExtProc)) {
    // canon_copy_from_read_buf(): an end of file right behind the last byte goes along.
    size_t end = 0;
    while (end < lines_end_ && !input_[end].ends_line) ++end;
    const bool found = end < lines_end_;
    if (found && input_[end].c == kDisabledChar && end <= room) {
      copied = end;
      taken = end + 1;
    } else {
      copied = taken = std::min(room, found ? end + 1 : lines_end_);
    }
    lines_end_ -= taken;
  } else {
    copied = taken = std::min(room, input_.size());
  }
  std::string bytes;
  for (size_t i = 0; i < copied; ++i) bytes += static_cast<char>(input_[i].c);
  input_.erase(input_.begin(), input_.begin() + static_cast<ptrdiff_t>(taken));
  return bytes;
}

size_t LineDiscipline::Readable() const {
  if (!canonical() || Local(kExtProc)) return input_.size();
  size_t count = lines_end_;
  for (size_t i = 0; i < lines_end_; ++i) {
    if (input_[i].ends_line && input_[i].c == kDisabledChar) --count;
  }
  return count;
}

}  // namespace pollux::os_emu
