// Termios: the settings of a terminal, as struct termios2 of asm-generic/termbits.h lays them out;
// struct termios is its first kTermiosBytes bytes.
#ifndef POLLUX_OS_EMU_TTY_TERMIOS_H_
#define POLLUX_OS_EMU_TTY_TERMIOS_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace pollux::os_emu {

// c_cc
enum ControlChar : size_t {
  kVIntr = 0,
  kVQuit = 1,
  kVErase = 2,
  kVKill = 3,
  kVEof = 4,
  kVTime = 5,
  kVMin = 6,
  kVStart = 8,
  kVStop = 9,
  kVSusp = 10,
  kVEol = 11,
  kVReprint = 12,
  kVWErase = 14,
  kVLNext = 15,
  kVEol2 = 16,
};
// c_iflag
inline constexpr uint32_t kParMrk = 010, kIStrip = 040, kINlCr = 0100, kIgnCr = 0200, kICrNl = 0400,
                          kIUcLc = 01000, kIXOn = 02000, kIXAny = 04000, kIUtf8 = 040000;
// c_oflag
inline constexpr uint32_t kOPost = 1, kOLcUc = 2, kONlCr = 4, kOCrNl = 010, kONoCr = 020,
                          kONlRet = 040, kTabDly = 014000;
// c_cflag
inline constexpr uint32_t kCSize = 060, kCs8 = 060, kCRead = 0200, kParEnb = 0400;
// c_lflag
inline constexpr uint32_t kISig = 1, kICanon = 2, kEcho = 010, kEchoE = 020, kEchoK = 040,
                          kEchoNl = 0100, kNoFlsh = 0200, kToStop = 0400, kEchoCtl = 01000,
                          kEchoPrt = 02000, kEchoKe = 04000, kIExten = 0100000, kExtProc = 0200000;

// A control character with this value is none (__DISABLED_CHAR).
inline constexpr uint8_t kDisabledChar = 0;

struct Termios {
  // tty_std_termios: what a terminal begins with.
  uint32_t input = kICrNl | kIXOn;
  uint32_t output = kOPost | kONlCr;
  uint32_t control = 017 /* B38400 */ | kCs8 | kCRead;
  uint32_t local = kISig | kICanon | kEcho | kEchoE | kEchoK | kEchoCtl | kEchoKe | kIExten;
  uint8_t line = 0;
  std::array<uint8_t, 19> chars = {3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0};
  uint32_t input_speed = 38400;
  uint32_t output_speed = 38400;
};
inline constexpr size_t kTermiosBytes = 36;
static_assert(sizeof(Termios) == 44 && offsetof(Termios, input_speed) == kTermiosBytes);

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_TTY_TERMIOS_H_
