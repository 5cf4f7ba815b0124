#include "os_emu/socket/interface_ioctls.h"

#include <array>
#include <cstring>
#include <string_view>

#include "os_emu/socket/address.h"

namespace pollux::os_emu {
namespace {

// asm-generic and linux/sockios.h.
constexpr uint32_t kSiocGifName = 0x8910, kSiocGifConf = 0x8912, kSiocGifFlags = 0x8913,
                   kSiocSifFlags = 0x8914, kSiocGifAddr = 0x8915, kSiocSifAddr = 0x8916,
                   kSiocGifDstAddr = 0x8917, kSiocSifDstAddr = 0x8918, kSiocGifBrdAddr = 0x8919,
                   kSiocSifBrdAddr = 0x891a, kSiocGifNetmask = 0x891b, kSiocSifNetmask = 0x891c,
                   kSiocGifMetric = 0x891d, kSiocGifMtu = 0x8921, kSiocSifMtu = 0x8922,
                   kSiocGifHwAddr = 0x8927, kSiocGifIndex = 0x8933, kSiocGifTxQueueLength = 0x8942,
                   kSiocGifMap = 0x8970;
// IFF_UP | IFF_LOOPBACK | IFF_RUNNING
constexpr uint16_t kLoopbackFlags = 0x49;
constexpr uint16_t kHardwareLoopback = 772;  // ARPHRD_LOOPBACK
constexpr int32_t kTxQueueLength = 1000, kLoopbackIndex = 1, kLoopbackMtu = 65536;

// struct ifreq of a 64-bit machine.
struct InterfaceRequest {
  std::array<char, 16> name;
  std::array<uint8_t, 24> value;
};
static_assert(sizeof(InterfaceRequest) == 40);

// struct ifconf.
struct InterfaceList {
  int32_t bytes;
  int32_t padding;
  uint64_t buffer;
};

template <typename T>
void Put(InterfaceRequest& request, const T& value) {
  std::memcpy(request.value.data(), &value, sizeof(value));
}

void PutAddress(InterfaceRequest& request, uint32_t host_order) {
  request.value = {};
  request.value[0] = kAfInet;
  for (int i = 0; i < 4; ++i) {
    request.value[4 + i] = static_cast<uint8_t>(host_order >> (24 - 8 * i));
  }
}

constexpr std::array<char, 16> kLoopbackName = {'l', 'o'};

// inet_gifconf(): one entry an IPv4 address, as many as fit; without a buffer the bytes needed.
Result<int64_t> ListInterfaces(uint64_t argument, memory::AddressSpace* space) {
  POLLUX_ASSIGN_OR_RETURN(InterfaceList list,
                          space->ReadObject<InterfaceList>(GuestAddr{argument}));
  InterfaceRequest entry{.name = kLoopbackName, .value = {}};
  PutAddress(entry, 0x7f000001);
  if (list.buffer == 0) {
    list.bytes = sizeof(entry);
  } else if (list.bytes >= static_cast<int32_t>(sizeof(entry))) {
    POLLUX_RETURN_IF_ERROR(space->WriteObject(GuestAddr{list.buffer}, entry));
    list.bytes = sizeof(entry);
  } else {
    list.bytes = 0;
  }
  POLLUX_RETURN_IF_ERROR(space->WriteObject(GuestAddr{argument}, list));
  return int64_t{0};
}

}  // namespace

Result<int64_t> InterfaceIoctl(int domain, uint32_t request, uint64_t argument,
                               memory::AddressSpace* space) {
  bool asks_address = false;
  switch (request) {
    case kSiocGifConf:
      return ListInterfaces(argument, space);
    case kSiocGifAddr:
    case kSiocGifDstAddr:
    case kSiocGifBrdAddr:
    case kSiocGifNetmask:
      asks_address = true;
      [[fallthrough]];
    case kSiocSifAddr:
    case kSiocSifDstAddr:
    case kSiocSifBrdAddr:
    case kSiocSifNetmask:
      if (domain != kAfInet) return Errno::kNotTy;
      if (!asks_address) return Errno::kPerm;
      break;
    case kSiocGifName:
    case kSiocGifFlags:
    case kSiocGifMetric:
    case kSiocGifMtu:
    case kSiocGifHwAddr:
    case kSiocGifIndex:
    case kSiocGifTxQueueLength:
    case kSiocGifMap:
      break;
    case kSiocSifFlags:
    case kSiocSifMtu:
      return Errno::kPerm;
    default:
      return Errno::kNotTy;
  }

  POLLUX_ASSIGN_OR_RETURN(InterfaceRequest object,
                          space->ReadObject<InterfaceRequest>(GuestAddr{argument}));
  object.name.back() = '\0';
  if (request == kSiocGifName) {
    int32_t index;
    std::memcpy(&index, object.value.data(), sizeof(index));
    if (index != kLoopbackIndex) return Errno::kNoDev;
    object.name = kLoopbackName;
  } else {
    const std::string_view name(object.name.data());
    if (name != "lo") {
      // An alias of lo would be an address of it.
      return asks_address && name.starts_with("lo:") ? Errno::kAddrNotAvail : Errno::kNoDev;
    }
  }
  switch (request) {
    case kSiocGifFlags:
      Put(object, kLoopbackFlags);
      break;
    case kSiocGifAddr:
    case kSiocGifDstAddr:
      PutAddress(object, 0x7f000001);
      break;
    case kSiocGifBrdAddr:
      PutAddress(object, 0);
      break;
    case kSiocGifNetmask:
      PutAddress(object, 0xff000000);
      break;
    case kSiocGifMetric:
      Put(object, int32_t{0});
      break;
    case kSiocGifMtu:
      Put(object, kLoopbackMtu);
      break;
    case kSiocGifHwAddr:
      object.value = {};
      Put(object, kHardwareLoopback);
      break;
    case kSiocGifIndex:
      Put(object, kLoopbackIndex);
      break;
    case kSiocGifTxQueueLength:
      Put(object, kTxQueueLength);
      break;
    case kSiocGifMap:
      object.value = {};
      break;
    default:
      break;
  }
  POLLUX_RETURN_IF_ERROR(space->WriteObject(GuestAddr{argument}, object));
  return int64_t{0};
}

}  // namespace pollux::os_emu
