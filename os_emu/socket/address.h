// SocketAddress: the bytes of a sockaddr as bind(2), connect(2) and sendto(2) take them, and as the
// kernel gives them back (struct sockaddr_storage, at most 128 bytes).
#ifndef POLLUX_OS_EMU_SOCKET_ADDRESS_H_
#define POLLUX_OS_EMU_SOCKET_ADDRESS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace pollux::os_emu {

// AF_* of socket(2).
inline constexpr int kAfUnspec = 0, kAfUnix = 1, kAfInet = 2, kAfInet6 = 10, kAfNetlink = 16;

struct SocketAddress {
  static constexpr size_t kMaxBytes = 128;

  std::array<uint8_t, kMaxBytes> bytes{};
  uint32_t length = 0;  // 0: no address (an unbound AF_UNIX peer gives none at all).

  SocketAddress() = default;
  // At most kMaxBytes.
  explicit SocketAddress(std::span<const uint8_t> from)
      : length(static_cast<uint32_t>(from.size())) {
    std::memcpy(bytes.data(), from.data(), from.size());
  }
  std::span<const uint8_t> span() const { return {bytes.data(), length}; }
  // sa_family; kAfUnspec where the address is shorter than that.
  int family() const { return length < 2 ? kAfUnspec : bytes[0] | bytes[1] << 8; }
};

}  // namespace pollux::os_emu

#endif  // POLLUX_OS_EMU_SOCKET_ADDRESS_H_
