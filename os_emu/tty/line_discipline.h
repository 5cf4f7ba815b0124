// LineDiscipline: N_TTY (drivers/tty/n_tty.c): what becomes of bytes between a terminal's line and
// the programs that have it open: lines and their editing, echo, signals, flow control, and the
// processing of output.
//
// Plain state without wait queues: the terminal that owns it (Host) sends the echo, raises signals
// and wakes readers. At most kBufferBytes characters wait to be read; Receive() leaves the rest to
// its caller.
#ifndef POLLUX_OS_EMU_TTY_LINE_DISCIPLINE_H_
#define POLLUX_OS_EMU_TTY_LINE_DISCIPLINE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "os_emu/tty/termios.h"

namespace pollux::os_emu {

class LineDiscipline {
 public:
  static constexpr size_t kBufferBytes = 4096;  // N_TTY_BUF_SIZE

  class Host {
   public:
    virtual ~Host() = default;
    // Echo, processed already.
    virtual void SendEcho(std::string_view bytes) = 0;
    // To the foreground process group.
    virtual void RaiseSignal(int signal) = 0;
    virtual void WakeReaders() = 0;
    // IXON's characters.
    virtual void StopOutput() = 0;
    virtual void StartOutput() = 0;
    virtual bool OutputStopped() const = 0;
    // Before a signal, unless NOFLSH says otherwise.
    virtual void DropOutput() = 0;
  };
  explicit LineDiscipline(Host& host) : host_(host) {}

  const Termios& termios() const { return termios_; }
  // n_tty_set_termios(): what waits becomes a line, or is no longer in lines.
  void SetTermios(const Termios& termios);
  bool canonical() const { return Local(kICanon); }

  // What came in over the line; returns how many bytes were taken.
  size_t Receive(std::string_view bytes);
  // Forgets all input.
  void Flush();
  // Sends the echo that waited while output was stopped.
  void FlushEcho();

  // Whether a read finds something; of a poll: at least VMIN characters unless VTIME is set.
  bool HasInput(bool for_poll = false) const;
  // What one read of at most `room` bytes takes: a line or a part of one (an end of file may make
  // that nothing), or, without lines, what there is.
  std::string Take(size_t room);
  // FIONREAD.
  size_t Readable() const;
  // What counts for telling the writer that there is room again.
  size_t Waiting() const { return canonical() ? lines_end_ : input_.size(); }

  // Output processing: appends to `out` what becomes of the character. False: that does not fit
  // into `space`.
  bool ProcessOutput(uint8_t c, size_t space, std::string* out);

 private:
  struct Cell {
    uint8_t c;
    bool ends_line;
  };
  bool Input(uint32_t flag) const { return (termios_.input & flag) != 0; }
  bool Output(uint32_t flag) const { return (termios_.output & flag) != 0; }
  bool Local(uint32_t flag) const { return (termios_.local & flag) != 0; }
  bool Is(ControlChar which, uint8_t c) const {
    return termios_.chars[which] == c && c != kDisabledChar;
  }
  bool IsContinuation(uint8_t c) const { return Input(kIUtf8) && (c & 0xc0) == 0x80; }

  void ReceiveOne(uint8_t c);
  // `ends_line`: a newline that was a carriage return; others echo as ^J.
  void ReceiveOrdinary(uint8_t c, bool ends_line);
  bool ReceiveFlowControl(uint8_t c);
  bool ReceiveSignal(uint8_t c);
  bool ReceiveCanonical(uint8_t c);
  void RestartIfAny();
  void EndLine(uint8_t c);
  void Put(uint8_t c) { input_.push_back({c, false}); }

  void Erase(uint8_t c);
  void EraseTab();
  void Echo(uint8_t c);     // Control characters as ^X, with ECHOCTL.
  void EchoRaw(uint8_t c);  // Through output processing.
  void EchoPlain(std::string_view bytes) { echo_ += bytes; }
  void FinishErasing();
  void NoteLineStart();

  Host& host_;
  Termios termios_;
  std::deque<Cell> input_;
  size_t lines_end_ = 0;  // In lines: what is before it may be read (canon_head).
  bool literal_next_ = false;
  bool erasing_ = false;  // Within ECHOPRT's "\...".
  unsigned column_ = 0;
  unsigned line_column_ = 0;  // Where the line that is being typed began.
  std::string echo_;
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TTY_LINE_DISCIPLINE_H_
