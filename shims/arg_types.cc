#include "shims/arg_types.h"

#include <algorithm>
#include <cstring>

#include "abi/errno.h"
#include "absl/strings/str_format.h"
#include "shims/arg_printing.h"
#include "shims/flag_names.h"
#include "shims/linux_abi.h"

namespace pollux::shims {

// ---- Pieces

std::string Quoted(const std::string& bytes, size_t limit, bool hex) {
  std::string out = "\"";
  const size_t shown = std::min(bytes.size(), limit);
  for (size_t i = 0; i < shown; ++i) {
    const uint8_t c = static_cast<uint8_t>(bytes[i]);
    if (hex) {
      absl::StrAppendFormat(&out, "\\x%02x", c);
      continue;
    }
    static constexpr char kEscaped[] = "\"\\\f\n\r\t\v";
    static constexpr char kLetters[] = "\"\\fnrtv";
    const char* escaped =
        c != 0 ? std::find(kEscaped, kEscaped + 7, static_cast<char>(c)) : kEscaped + 7;
    if (escaped != kEscaped + 7) {
      out += '\\';
      out += kLetters[escaped - kEscaped];
    } else if (c >= 0x20 && c < 0x7f) {
      out += static_cast<char>(c);
    } else {
      // Shortest octal, unless a digit follows that would be read as part of it.
      const bool digit_follows = i + 1 < shown && bytes[i + 1] >= '0' && bytes[i + 1] <= '7';
      if (digit_follows) {
        absl::StrAppendFormat(&out, "\\%03o", c);
      } else {
        absl::StrAppendFormat(&out, "\\%o", c);
      }
    }
  }
  out += '"';
  if (shown < bytes.size()) out += "...";
  return out;
}

std::string PointerText(uint64_t address) {
  return address == 0 ? "NULL" : absl::StrFormat("%#x", address);
}

std::string SignalText(int signal) {
  if (signal == os_emu::kSigRtMin) return "SIGRTMIN";
  if (signal > os_emu::kSigRtMin && signal <= os_emu::kSignals) {
    return absl::StrFormat("SIGRT_%d", signal - os_emu::kSigRtMin);
  }
  if (signal < 1 || signal > os_emu::kSignals) return absl::StrFormat("%d", signal);
  return os_emu::SignalName(signal);
}

std::string SigsetText(os_emu::SignalSet set) {
  // Of a set that has most signals, strace prints what is missing.
  const bool inverted = __builtin_popcountll(set) >= os_emu::kSignals * 2 / 3;
  std::string out = inverted ? "~[" : "[";
  const os_emu::SignalSet shown = inverted ? ~set : set;
  bool first = true;
  for (int signal = 1; signal <= os_emu::kSignals; ++signal) {
    if ((shown & os_emu::SignalBit(signal)) == 0) continue;
    if (!first) out += ' ';
    first = false;
    out += SignalText(signal).substr(3);
  }
  return out + "]";
}

bool ReadBytes(const PrintView& view, uint64_t address, uint64_t bytes, std::string* out) {
  out->resize(bytes);
  return view.memory().Read(GuestAddr{address}, {reinterpret_cast<uint8_t*>(out->data()), bytes}) ==
         bytes;
}

std::string DeviceText(uint64_t device) {
  const auto hex = [](uint64_t value) {
    return value == 0 ? std::string("0") : absl::StrFormat("%#x", value);
  };
  return absl::StrFormat("makedev(%s, %s)", hex((device >> 8) & 0xfff),
                         hex((device & 0xff) | ((device >> 12) & ~0xffu)));
}

std::string ModeText(uint32_t mode) {
  std::string out;
  const uint32_t type = mode & 0170000;
  if (type != 0) out = FlagText(kFileTypes, type) + "|";
  if ((mode & 04000) != 0) out += "S_ISUID|";
  if ((mode & 02000) != 0) out += "S_ISGID|";
  if ((mode & 01000) != 0) out += "S_ISVTX|";
  absl::StrAppendFormat(&out, "%#03o", mode & 0777);
  return out;
}

bool PrintPointer(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  *out += PointerText(view.args[i]);
  return true;
}

// A pointer is shown where there is nothing to read, and where a call that should fill it failed.
bool ShowsPointer(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  if (view.args[i] != 0 && !(spec.direction != Direction::kIn && view.failed())) return false;
  *out += PointerText(view.args[i]);
  return true;
}

// ---- Records

void RecordNothing(const PrintView&, const ArgSpec&, int, std::string*) {}

void RecordWord(uint64_t word, std::string* out) {
  out->append(reinterpret_cast<const char*>(&word), sizeof word);
}

void RecordMemory(const PrintView& view, uint64_t address, uint64_t bytes, std::string* out) {
  constexpr uint64_t kMost = 64 << 10;
  const size_t start = out->size() + sizeof(uint64_t);
  const uint64_t wanted = std::min(bytes, kMost);
  out->resize(start + wanted);
  const uint64_t read = view.memory().Read(
      GuestAddr{address}, {reinterpret_cast<uint8_t*>(out->data()) + start, wanted});
  out->resize(start + read);
  std::memcpy(out->data() + start - sizeof read, &read, sizeof read);
}

// ---- Numbers

namespace {

bool PrintInt(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  absl::StrAppendFormat(out, "%d", static_cast<int32_t>(view.args[i]));
  return true;
}
bool PrintUInt(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  absl::StrAppendFormat(out, "%u", static_cast<uint32_t>(view.args[i]));
  return true;
}
bool PrintLong(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  absl::StrAppendFormat(out, "%d", static_cast<int64_t>(view.args[i]));
  return true;
}
bool PrintSize(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  absl::StrAppendFormat(out, "%u", view.args[i]);
  return true;
}
bool PrintHex(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  *out += view.args[i] == 0 ? "0" : absl::StrFormat("%#x", view.args[i]);
  return true;
}
// An argument that 64-bit kernels do not look at (the upper half of an offset).
bool PrintNothing(const PrintView&, const ArgSpec&, int, std::string*) { return false; }
bool PrintDirFd(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  if (static_cast<int32_t>(view.args[i]) == -100) {
    *out += "AT_FDCWD";
    return true;
  }
  return PrintInt(view, spec, i, out);
}
// chmod's mode: octal digits, whatever is in it.
bool PrintMode(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  absl::StrAppendFormat(out, "%#03o", static_cast<uint32_t>(view.args[i]));
  return true;
}
bool PrintOpenMode(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  constexpr uint64_t kCreates = 0100 | 020000000;  // O_CREAT, __O_TMPFILE.
  if ((view.args[i - 1] & kCreates) == 0) return false;
  return PrintMode(view, spec, i, out);
}
// mknod's mode: with the file type.
bool PrintFileMode(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  *out += ModeText(static_cast<uint32_t>(view.args[i]));
  return true;
}
bool PrintDevice(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  const uint64_t type = view.args[i - 1] & 0170000;
  if (type != 0060000 && type != 0020000) return false;
  *out += DeviceText(static_cast<uint32_t>(view.args[i]));
  return true;
}
bool PrintSignal(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  *out += SignalText(static_cast<int32_t>(view.args[i]));
  return true;
}
bool PrintFlags(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  *out += FlagText(*spec.flags, static_cast<uint32_t>(view.args[i]));
  return true;
}
// An enumeration whose unknown values are plain numbers ("kill(1, 99)" is SignalText's; this is
// FUTEX ops and the like).
bool PrintOpcode(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  const char* name = NameOf(*spec.flags, static_cast<uint32_t>(view.args[i]));
  *out += name != nullptr ? std::string(name)
                          : absl::StrFormat("%d", static_cast<int32_t>(view.args[i]));
  return true;
}
// uid_t and gid_t: -1 is "leave it".
bool PrintId(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  const uint32_t id = static_cast<uint32_t>(view.args[i]);
  *out += id == UINT32_MAX ? std::string("-1") : absl::StrFormat("%u", id);
  return true;
}

// ---- Text and bytes

bool PrintPath(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  constexpr size_t kLimit = 4096;
  Result<std::string> path = view.memory().ReadString(GuestAddr{view.args[i]}, kLimit);
  if (!path.ok() && path.error() == Errno::kNameTooLong) {
    std::string start;
    ReadBytes(view, view.args[i], kLimit, &start);
    *out += Quoted(start, kLimit - 1);
    return true;
  }
  *out += path.ok() ? Quoted(*path, kLimit) : PointerText(view.args[i]);
  return true;
}

// How many bytes there are: as the argument says, or as the call returned.
uint64_t LengthOf(const PrintView& view, const ArgSpec& spec) {
  if (spec.length == ArgSpec::kLengthIsResult)
    return view.failed() ? 0 : static_cast<uint64_t>(view.result);
  return view.args[spec.length];
}

bool PrintBuffer(const PrintView& view, const ArgSpec& spec, int i, bool hex, std::string* out) {
  if (ShowsPointer(view, spec, i, out)) return true;
  const uint64_t bytes = LengthOf(view, spec);
  // One byte more than is shown, to know that there is more.
  const uint64_t wanted = std::min<uint64_t>(bytes, kTraceStringLimit + 1);
  std::string text;
  if (!ReadBytes(view, view.args[i], wanted, &text)) {
    *out += PointerText(view.args[i]);
    return true;
  }
  *out += Quoted(text, kTraceStringLimit, hex);
  return true;
}
bool PrintBytes(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  return PrintBuffer(view, spec, i, false, out);
}
bool PrintRandomBytes(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  return PrintBuffer(view, spec, i, true, out);
}

void RecordBuffer(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  if (HasContent(view, spec, i)) RecordMemory(view, view.args[i], LengthOf(view, spec), out);
}

// A path that the call writes: whole, without its NUL.
bool PrintTextOut(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  if (ShowsPointer(view, spec, i, out)) return true;
  std::string text;
  if (!ReadBytes(view, view.args[i], std::min<uint64_t>(view.result, 4096), &text)) {
    *out += PointerText(view.args[i]);
    return true;
  }
  *out += Quoted(text.substr(0, text.find('\0')), 4096);
  return true;
}

bool PrintIovec(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  const uint64_t count = view.args[spec.length];
  if (view.args[i] == 0) {
    *out += "NULL";
    return true;
  }
  const bool output = spec.direction == Direction::kOut;
  uint64_t left = output && !view.failed() ? static_cast<uint64_t>(view.result) : 0;
  std::string text = "[";
  for (uint64_t n = 0; n < count; ++n) {
    if (n > 0) text += ", ";
    if (n == kTraceStringLimit) {
      text += "...";
      break;
    }
    Result<GuestIovec> vector =
        view.memory().ReadObject<GuestIovec>(GuestAddr{view.args[i]} + n * sizeof(GuestIovec));
    if (!vector.ok()) {
      text = n == 0 ? PointerText(view.args[i]) : text + "...";
      if (n == 0) {
        *out += text;
        return true;
      }
      break;
    }
    uint64_t bytes = vector->bytes;
    if (output) {
      bytes = std::min(bytes, left);
      left -= bytes;
    }
    std::string content;
    const bool readable =
        !(output && view.failed()) && vector->start != 0 &&
        ReadBytes(view, vector->start, std::min<uint64_t>(bytes, kTraceStringLimit + 1), &content);
    absl::StrAppendFormat(
        &text, "{iov_base=%s, iov_len=%u}",
        readable ? Quoted(content, kTraceStringLimit) : PointerText(vector->start), vector->bytes);
  }
  *out += text + "]";
  return true;
}

void RecordIovec(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  // IOV_MAX: no call takes more.
  const uint64_t count = std::min<uint64_t>(view.args[spec.length], 1024);
  const bool output = spec.direction == Direction::kOut;
  uint64_t left = !output ? UINT64_MAX : view.failed() ? 0 : static_cast<uint64_t>(view.result);
  for (uint64_t n = 0; n < count; ++n) {
    Result<GuestIovec> vector =
        view.memory().ReadObject<GuestIovec>(GuestAddr{view.args[i]} + n * sizeof(GuestIovec));
    if (!vector.ok()) return;
    RecordWord(vector->start, out);
    RecordWord(vector->bytes, out);
    const uint64_t bytes = std::min(vector->bytes, left);
    if (output) left -= bytes;
    RecordMemory(view, vector->start, bytes, out);
  }
}

// ---- Pointers to numbers

template <typename T>
bool PrintNumberAt(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  if (ShowsPointer(view, spec, i, out)) return true;
  Result<T> value = view.memory().ReadObject<T>(GuestAddr{view.args[i]});
  *out += value.ok() ? absl::StrFormat("[%d]", *value) : PointerText(view.args[i]);
  return true;
}

bool PrintNumbers(const PrintView& view, const ArgSpec& spec, int i, uint64_t count,
                  std::string* out) {
  if (ShowsPointer(view, spec, i, out)) return true;
  std::string text = "[";
  for (uint64_t n = 0; n < count; ++n) {
    if (n > 0) text += ", ";
    if (n == kTraceStringLimit) {
      text += "...";
      break;
    }
    Result<int32_t> value = view.memory().ReadObject<int32_t>(GuestAddr{view.args[i]} + n * 4);
    if (!value.ok()) {
      *out += PointerText(view.args[i]);
      return true;
    }
    absl::StrAppendFormat(&text, "%d", *value);
  }
  *out += text + "]";
  return true;
}
bool PrintFdPair(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  return PrintNumbers(view, spec, i, 2, out);
}
bool PrintIdArray(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  return PrintNumbers(view, spec, i, LengthOf(view, spec), out);
}

}  // namespace

const ArgType kIntType{"int", PrintInt, false, RecordNothing};
const ArgType kUIntType{"unsigned int", PrintUInt, false, RecordNothing};
const ArgType kLongType{"long", PrintLong, false, RecordNothing};
const ArgType kSizeType{"size_t", PrintSize, false, RecordNothing};
const ArgType kHexType{"unsigned long", PrintHex, false, RecordNothing};
const ArgType kFdType{"fd", PrintInt, false, RecordNothing};
const ArgType kDirFdType{"dirfd", PrintDirFd, false, RecordNothing};
const ArgType kModeType{"mode_t", PrintMode, false, RecordNothing};
const ArgType kOpenModeType{"mode_t", PrintOpenMode, false, RecordNothing};
const ArgType kFileModeType{"mode_t", PrintFileMode, false, RecordNothing};
const ArgType kDeviceType{"dev_t", PrintDevice, false, RecordNothing};
const ArgType kIdType{"id", PrintId, false, RecordNothing};
const ArgType kSignalType{"signal", PrintSignal, false, RecordNothing};
const ArgType kFlagsType{"flags", PrintFlags, false, RecordNothing};
const ArgType kOpcodeType{"int", PrintOpcode, false, RecordNothing};
const ArgType kPointerType{"void *", PrintPointer, false, RecordNothing};
const ArgType kUnusedType{"long", PrintNothing, false, RecordNothing};
const ArgType kPathType{"path", PrintPath};
const ArgType kBytesType{"bytes", PrintBytes, false, RecordBuffer};
const ArgType kRandomBytesType{"bytes", PrintRandomBytes, false, RecordBuffer};
const ArgType kTextOutType{"char *", PrintTextOut};
const ArgType kIovecType{"struct iovec[]", PrintIovec, false, RecordIovec};
const ArgType kIntPointerType{"int *", PrintNumberAt<int32_t>, false, RecordObject<int32_t>};
const ArgType kLongPointerType{"long *", PrintNumberAt<int64_t>, false, RecordObject<int64_t>};
const ArgType kIdPointerType{"id *", PrintNumberAt<uint32_t>, false, RecordObject<uint32_t>};
const ArgType kFdPairType{"fd[2]", PrintFdPair, false, RecordObject<int32_t[2]>};
const ArgType kIdArrayType{"id[]", PrintIdArray};

}  // namespace pollux::shims
