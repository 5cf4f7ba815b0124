// Arguments of the calls on sockets, as strace prints them: addresses, message headers, options.
#include <algorithm>
#include <cstring>

#include "absl/strings/str_format.h"
#include "os_emu/socket/socket.h"
#include "shims/arg_printing.h"
#include "shims/arg_types.h"
#include "shims/flag_names.h"
#include "shims/linux_abi.h"
#include "shims/socket_arguments.h"

namespace pollux::shims {
namespace {

using os_emu::SocketAddress;

// ---- Addresses

uint32_t BigEndian(const uint8_t* bytes, int count) {
  uint32_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | bytes[i];
  return value;
}

std::string Ip6Text(const uint8_t* bytes) {
  // RFC 5952: the longest run of zeros becomes "::".
  int groups[8], best = -1, best_length = 1;
  for (int i = 0; i < 8; ++i) groups[i] = static_cast<int>(BigEndian(bytes + 2 * i, 2));
  for (int i = 0; i < 8;) {
    int end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i > best_length) {
      best = i;
      best_length = end - i;
    }
    i = std::max(end, i + 1);
  }
  std::string text;
  for (int i = 0; i < 8; ++i) {
    if (i == best) {
      text += "::";
      i += best_length - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    absl::StrAppendFormat(&text, "%x", groups[i]);
  }
  return text;
}

std::string AddressText(const std::string& bytes) {
  const auto* raw = reinterpret_cast<const uint8_t*>(bytes.data());
  if (bytes.size() < 2) return Quoted(bytes, SocketAddress::kMaxBytes);
  const int family = raw[0] | raw[1] << 8;
  std::string text = "{sa_family=" + FlagText(kSocketFamilies, static_cast<uint64_t>(family));
  const std::string rest = bytes.substr(2);
  if (family == os_emu::kAfUnix) {
    if (rest.empty()) return text + "}";
    if (rest[0] == '\0') {
      return text + ", sun_path=@" + Quoted(rest.substr(1), SocketAddress::kMaxBytes) + "}";
    }
    return text +
           ", sun_path=" + Quoted(rest.substr(0, rest.find('\0')), SocketAddress::kMaxBytes) + "}";
  }
  if (family == os_emu::kAfInet && bytes.size() >= 8) {
    return text + absl::StrFormat(", sin_port=htons(%u), sin_addr=inet_addr(\"%d.%d.%d.%d\")}",
                                  BigEndian(raw + 2, 2), raw[4], raw[5], raw[6], raw[7]);
  }
  if (family == os_emu::kAfInet6 && bytes.size() >= 24) {
    text += absl::StrFormat(
        ", sin6_port=htons(%u), sin6_flowinfo=htonl(%u), inet_pton(AF_INET6, \"%s\", &sin6_addr)",
        BigEndian(raw + 2, 2), BigEndian(raw + 4, 4), Ip6Text(raw + 8));
    if (bytes.size() >= 28) {
      uint32_t scope;
      std::memcpy(&scope, raw + 24, sizeof(scope));
      text += absl::StrFormat(", sin6_scope_id=%u", scope);
    }
    return text + "}";
  }
  if (family == os_emu::kAfNetlink && bytes.size() >= 12) {
    uint32_t pid, groups;
    std::memcpy(&pid, raw + 4, sizeof(pid));
    std::memcpy(&groups, raw + 8, sizeof(groups));
    return text + absl::StrFormat(", nl_pid=%u, nl_groups=%08x}", pid, groups);
  }
  return text + ", sa_data=" + Quoted(rest, SocketAddress::kMaxBytes) + "}";
}

std::string AddressAt(const PrintView& view, uint64_t address, int64_t bytes) {
  std::string text;
  if (address == 0 || bytes < 0 ||
      !ReadBytes(view, address, std::min<uint64_t>(bytes, SocketAddress::kMaxBytes), &text)) {
    return PointerText(address);
  }
  return AddressText(text);
}

bool PrintSockaddr(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  *out += AddressAt(view, view.args[i], static_cast<int32_t>(view.args[spec.length]));
  return true;
}

// The length is where another argument points to.
bool PrintSockaddrOut(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  if (ShowsPointer(view, spec, i, out)) return true;
  const Result<int32_t> bytes =
      view.memory().ReadObject<int32_t>(GuestAddr{view.args[spec.length]});
  *out += bytes.ok() ? AddressAt(view, view.args[i], *bytes) : PointerText(view.args[i]);
  return true;
}

// ---- Message headers

std::string ControlText(const PrintView& view, const GuestMsghdr& header) {
  if (header.control == 0 || header.control_bytes == 0) return PointerText(header.control);
  constexpr uint64_t kMostBytes = 4096;
  std::string bytes;
  if (!ReadBytes(view, header.control, std::min(header.control_bytes, kMostBytes), &bytes)) {
    return PointerText(header.control);
  }
  std::string text = "[";
  size_t at = 0;
  while (bytes.size() - at >= sizeof(GuestCmsghdr)) {
    GuestCmsghdr control;
    std::memcpy(&control, bytes.data() + at, sizeof(control));
    if (at > 0) text += ", ";
    const bool is_socket = control.level == os_emu::kSolSocket;
    const char* type = is_socket && control.type == os_emu::kScmRights        ? "SCM_RIGHTS"
                       : is_socket && control.type == os_emu::kScmCredentials ? "SCM_CREDENTIALS"
                                                                              : nullptr;
    text += absl::StrFormat("{cmsg_len=%u, cmsg_level=%s, cmsg_type=%s", control.bytes,
                            FlagText(kSocketLevels, static_cast<uint32_t>(control.level)),
                            type != nullptr ? type : absl::StrFormat("%#x", control.type));
    if (control.bytes < sizeof(control) || control.bytes > bytes.size() - at) {
      text += "}";
      break;
    }
    const std::string data = bytes.substr(at + sizeof(control), control.bytes - sizeof(control));
    if (type != nullptr && control.type == os_emu::kScmRights) {
      text += ", cmsg_data=[";
      for (size_t n = 0; n + 4 <= data.size(); n += 4) {
        int32_t fd;
        std::memcpy(&fd, data.data() + n, sizeof(fd));
        text += absl::StrFormat("%s%d", n > 0 ? ", " : "", fd);
      }
      text += "]";
    } else if (type != nullptr && data.size() == 12) {
      int32_t ids[3];
      std::memcpy(ids, data.data(), sizeof(ids));
      text += absl::StrFormat(", cmsg_data={pid=%d, uid=%u, gid=%u}", ids[0],
                              static_cast<uint32_t>(ids[1]), static_cast<uint32_t>(ids[2]));
    } else if (!data.empty()) {
      text += ", cmsg_data=" + Quoted(data, kTraceStringLimit);
    }
    text += "}";
    const uint64_t step = (control.bytes + 7) & ~uint64_t{7};
    if (step > bytes.size() - at) break;
    at += step;
  }
  return text + "]";
}

// `bytes`: how many of the vectors' are there; UINT64_MAX: all.
std::string HeaderText(const PrintView& view, const GuestMsghdr& header, uint64_t bytes) {
  std::string vectors = "[";
  for (uint64_t n = 0; n < header.vector_count; ++n) {
    if (n > 0) vectors += ", ";
    const Result<GuestIovec> vector =
        view.memory().ReadObject<GuestIovec>(GuestAddr{header.vectors} + n * sizeof(GuestIovec));
    if (n == kTraceStringLimit || !vector.ok()) {
      vectors += "...";
      break;
    }
    const uint64_t there = std::min(bytes, vector->bytes);
    if (bytes != UINT64_MAX) bytes -= there;
    std::string content;
    const bool readable =
        vector->start != 0 &&
        ReadBytes(view, vector->start, std::min<uint64_t>(there, kTraceStringLimit + 1), &content);
    vectors += absl::StrFormat(
        "{iov_base=%s, iov_len=%u}",
        readable ? Quoted(content, kTraceStringLimit) : PointerText(vector->start), vector->bytes);
  }
  vectors += "]";
  if (header.vectors == 0) vectors = "NULL";
  std::string text =
      absl::StrFormat("{msg_name=%s, msg_namelen=%d, msg_iov=%s, msg_iovlen=%u",
                      header.name_bytes == 0 ? PointerText(header.name)
                                             : AddressAt(view, header.name, header.name_bytes),
                      header.name_bytes, vectors, header.vector_count);
  if (header.control_bytes > 0) text += ", msg_control=" + ControlText(view, header);
  return text + absl::StrFormat(", msg_controllen=%u, msg_flags=%s}", header.control_bytes,
                                FlagText(kMessageFlags, header.flags));
}

bool PrintMsghdr(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  if (ShowsPointer(view, spec, i, out)) return true;
  const Result<GuestMsghdr> header = view.memory().ReadObject<GuestMsghdr>(GuestAddr{view.args[i]});
  const bool received = spec.direction != Direction::kIn;
  *out += header.ok() ? HeaderText(view, *header,
                                   received ? static_cast<uint64_t>(view.result) : UINT64_MAX)
                      : PointerText(view.args[i]);
  return true;
}

bool PrintMmsghdrs(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  if (ShowsPointer(view, spec, i, out)) return true;
  const bool received = spec.length == ArgSpec::kLengthIsResult;
  const uint64_t count =
      received ? static_cast<uint64_t>(view.result) : static_cast<uint32_t>(view.args[spec.length]);
  std::string text = "[";
  for (uint64_t n = 0; n < count; ++n) {
    if (n > 0) text += ", ";
    const Result<GuestMmsghdr> entry =
        view.memory().ReadObject<GuestMmsghdr>(GuestAddr{view.args[i]} + n * sizeof(GuestMmsghdr));
    if (n == kTraceStringLimit || !entry.ok()) {
      text += "...";
      break;
    }
    text += "{msg_hdr=" + HeaderText(view, entry->header, received ? entry->bytes : UINT64_MAX);
    if (received) text += absl::StrFormat(", msg_len=%u", entry->bytes);
    text += "}";
  }
  *out += text + "]";
  return true;
}

// ---- Options

bool PrintOption(const PrintView& view, const ArgSpec&, int i, std::string* out) {
  const uint32_t name = static_cast<uint32_t>(view.args[i]);
  const bool is_socket = static_cast<int32_t>(view.args[i - 1]) == os_emu::kSolSocket;
  *out += is_socket ? FlagText(kSocketOptions, name) : absl::StrFormat("%u", name);
  return true;
}

std::string ValueText(const PrintView& view, int i, int64_t bytes) {
  std::string value;
  if (view.args[i] == 0 || bytes < 0 ||
      !ReadBytes(view, view.args[i], std::min<uint64_t>(bytes, kTraceStringLimit + 1), &value)) {
    return PointerText(view.args[i]);
  }
  const bool is_socket = static_cast<int32_t>(view.args[i - 2]) == os_emu::kSolSocket;
  const int name = is_socket ? static_cast<int32_t>(view.args[i - 1]) : -1;
  int32_t words[4] = {};
  std::memcpy(words, value.data(), std::min(value.size(), sizeof(words)));
  if (name == os_emu::kSoLinger && bytes == 8) {
    return absl::StrFormat("{l_onoff=%d, l_linger=%d}", words[0], words[1]);
  }
  if (name == os_emu::kSoPeerCred && bytes == 12) {
    return absl::StrFormat("{pid=%d, uid=%d, gid=%d}", words[0], words[1], words[2]);
  }
  const bool is_time = name == os_emu::kSoRcvTimeo || name == os_emu::kSoSndTimeo ||
                       name == os_emu::kSoRcvTimeoNew || name == os_emu::kSoSndTimeoNew;
  if (is_time && bytes == 16) {
    int64_t time[2];
    std::memcpy(time, value.data(), sizeof(time));
    return absl::StrFormat("{tv_sec=%d, tv_usec=%d}", time[0], time[1]);
  }
  if (name == os_emu::kSoType && bytes == 4) {
    return "[" + FlagText(kSocketTypes, static_cast<uint32_t>(words[0])) + "]";
  }
  if (name == os_emu::kSoDomain && bytes == 4) {
    return "[" + FlagText(kSocketFamilies, static_cast<uint32_t>(words[0])) + "]";
  }
  if (name == os_emu::kSoError && bytes == 4 && words[0] != 0) {
    return "[" + std::string(ErrnoName(static_cast<Errno>(words[0]))) + "]";
  }
  if (bytes == 4) return absl::StrFormat("[%d]", words[0]);
  return Quoted(value, kTraceStringLimit);
}

bool PrintValue(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  *out += ValueText(view, i, static_cast<int32_t>(view.args[spec.length]));
  return true;
}

bool PrintValueOut(const PrintView& view, const ArgSpec& spec, int i, std::string* out) {
  if (ShowsPointer(view, spec, i, out)) return true;
  const Result<int32_t> bytes =
      view.memory().ReadObject<int32_t>(GuestAddr{view.args[spec.length]});
  *out += bytes.ok() ? ValueText(view, i, *bytes) : PointerText(view.args[i]);
  return true;
}

}  // namespace

const ArgType kSockaddrType{"struct sockaddr *", PrintSockaddr};
const ArgType kSockaddrOutType{"struct sockaddr *", PrintSockaddrOut};
const ArgType kMsghdrType{"struct msghdr *", PrintMsghdr};
const ArgType kMmsghdrArrayType{"struct mmsghdr[]", PrintMmsghdrs};
const ArgType kSocketOptionType{"socket option", PrintOption};
const ArgType kSocketValueType{"option value", PrintValue};
const ArgType kSocketValueOutType{"option value", PrintValueOut};

}  // namespace pollux::shims
