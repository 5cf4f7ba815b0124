// MakeSocket: which folder makes a socket of which kind: the one table behind socket(2).
#ifndef POLLUX_SHIMS_SOCKET_FACTORY_H_
#define POLLUX_SHIMS_SOCKET_FACTORY_H_

#include <cstdint>
#include <utility>

#include "shims/context.h"

namespace pollux::shims {

// __sock_create(): kAfNoSupport, kInval (no such type), and what the family says: kSockTNoSupport,
// kProtoNoSupport, kPerm. `flags`: kONonBlock or 0.
Result<DescriptionRef> MakeSocket(SyscallContext& context, int domain, int type, int protocol,
                                  uint32_t flags);
// The same for two that are connected with each other. kOpNotSupp: the family has no pairs.
Result<std::pair<DescriptionRef, DescriptionRef>> MakeSocketPair(SyscallContext& context,
                                                                 int domain, int type, int protocol,
                                                                 uint32_t flags);

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_SOCKET_FACTORY_H_
