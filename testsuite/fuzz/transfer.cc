// Steps that move bytes.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "testsuite/fuzz/scratch.h"
#include "testsuite/fuzz/walk.h"

namespace fuzz {
namespace {

constexpr uint64_t kAtPosition = 0;  // A null pointer to an offset.

}  // namespace

void Walk::Read() {
  const int fd = Number({kEventFd, kPipe, kFifo, kUnixStream, kUnixDgram, kUnixSeqPacket, kTcp,
                         kUdp, kTimerFd, kSignalFd, kInotify, kMemFd, kRegular, kPty});
  uint64_t bytes = Size();
  if (TypeOf(fd) == kSignalFd || TypeOf(fd) == kInotify)
    bytes = Choose<uint64_t>({0, 8, 15, 128, 200, 4096});
  const int64_t result =
      Call(Sys::k_read, {static_cast<uint64_t>(fd), Address(scratch_.data), bytes});
  Log(Sys::k_read, fd, {fd, static_cast<int64_t>(bytes)}, result, {DigestOfRead(fd, result)});
}

void Walk::Write() {
  const int fd = Number({kEventFd, kPipe, kPipe, kFifo, kUnixStream, kUnixDgram, kUnixSeqPacket,
                         kTcp, kUdp, kMemFd, kRegular, kPty});
  const uint64_t bytes = SizeFor(fd);
  FillData(bytes);
  const int64_t before = PtyBytes(fd);
  const int64_t result =
      Call(Sys::k_write, {static_cast<uint64_t>(fd), Address(scratch_.data), bytes});
  Log(Sys::k_write, fd, {fd, static_cast<int64_t>(bytes)}, result);
  SettlePty(fd, before, result);
}

void Walk::ReadV() {
  const int fd = Number({kPipe, kFifo, kUnixStream, kUnixDgram, kTcp, kEventFd, kRegular});
  uint64_t at = 0;
  const uint64_t count = Below(4);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t bytes = Size() % 20000;
    scratch_.vectors[i] = {Address(scratch_.data + at), bytes};
    at += bytes;
  }
  const int64_t result =
      Call(Sys::k_readv, {static_cast<uint64_t>(fd), Address(scratch_.vectors), count});
  Log(Sys::k_readv, fd, {fd, static_cast<int64_t>(count), static_cast<int64_t>(at)}, result,
      {DigestOfRead(fd, result)});
}

void Walk::WriteV() {
  const int fd = Number({kPipe, kFifo, kUnixStream, kUnixDgram, kTcp, kEventFd, kRegular, kPty});
  FillData(60000);
  uint64_t at = 0;
  const uint64_t count = Below(4);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t bytes = SizeFor(fd) % 20000;
    scratch_.vectors[i] = {Address(scratch_.data + at), bytes};
    at += bytes;
  }
  const int64_t before = PtyBytes(fd);
  const int64_t result =
      Call(Sys::k_writev, {static_cast<uint64_t>(fd), Address(scratch_.vectors), count});
  Log(Sys::k_writev, fd, {fd, static_cast<int64_t>(count), static_cast<int64_t>(at)}, result);
  SettlePty(fd, before, result);
}

void Walk::PRead() {
  const int fd = Number({kRegular, kMemFd});
  const uint64_t bytes = Size();
  const uint64_t offset = Choose<uint64_t>({0, 1, 100, 4096, 1 << 20, static_cast<uint64_t>(-1)});
  const int64_t result =
      Call(Sys::k_pread64, {static_cast<uint64_t>(fd), Address(scratch_.data), bytes, offset});
  Log(Sys::k_pread64, fd, {fd, static_cast<int64_t>(bytes), static_cast<int64_t>(offset)}, result,
      {DigestOfRead(fd, result)});
}

void Walk::PWrite() {
  const int fd = Number({kRegular, kMemFd});
  const uint64_t bytes = SizeFor(fd);
  FillData(bytes);
  const uint64_t offset = Choose<uint64_t>({0, 1, 100, 4096, 70000, static_cast<uint64_t>(-1)});
  Log(Sys::k_pwrite64, fd, {fd, static_cast<int64_t>(bytes), static_cast<int64_t>(offset)},
      Call(Sys::k_pwrite64, {static_cast<uint64_t>(fd), Address(scratch_.data), bytes, offset}));
}

void Walk::Seek() {
  const int fd = Number({kRegular, kMemFd});
  const bool start_only = TypeOf(fd) == kDirectory || TypeOf(fd) == kReceived;
  const uint64_t offset =
      start_only ? 0 : Choose<uint64_t>({0, 10, 5000, static_cast<uint64_t>(-3)});
  const uint64_t whence = start_only ? 0 : Below(3);
  Log(Sys::k_lseek, fd, {fd, static_cast<int64_t>(offset), static_cast<int64_t>(whence)},
      Call(Sys::k_lseek, {static_cast<uint64_t>(fd), offset, whence}));
}

// Every piece of a stream's queue becomes a slot of its own in the pipe; pollux fills its slots
// (docs/differences.md).
uint64_t Walk::SizeToSplice(int from, int to) {
  switch (TypeOf(from)) {
    case kTcp:
    case kTcpListener:
    case kUnixListener:
    case kUnixStream:
    case kReceived:
      return Below(2);
    default:
      return SizeFor(to);
  }
}

void Walk::SendFile() {
  const int to = Number({kPipe, kFifo, kUnixStream, kTcp, kRegular, kMemFd});
  const int from = Number({kRegular, kMemFd});
  if (!MayTravel(from, to)) return;
  const uint64_t bytes = SizeToSplice(from, to);
  const bool at_offset = OneIn(2);
  scratch_.offset = Choose<int64_t>({0, 3, 4096, -1});
  const int64_t asked = scratch_.offset;
  const int64_t before = PtyBytes(to);
  const int64_t result =
      Call(Sys::k_sendfile, {static_cast<uint64_t>(to), static_cast<uint64_t>(from),
                             at_offset ? Address(&scratch_.offset) : kAtPosition, bytes});
  Log(Sys::k_sendfile, to,
      {to, from, TypeOf(from), at_offset ? asked : -2, static_cast<int64_t>(bytes)}, result,
      {static_cast<uint64_t>(scratch_.offset)});
  SettlePty(to, before, result);
}

void Walk::CopyFileRange() {
  const int from = Number({kRegular, kMemFd});
  const int to = Number({kRegular, kMemFd});
  const uint64_t bytes = Size();
  const bool offsets = OneIn(2);
  scratch_.offset = Choose<int64_t>({0, 5, 4096});
  scratch_.offset2 = Choose<int64_t>({0, 7, 8192});
  const int64_t result = Call(
      Sys::k_copy_file_range,
      {static_cast<uint64_t>(from), offsets ? Address(&scratch_.offset) : kAtPosition,
       static_cast<uint64_t>(to), offsets ? Address(&scratch_.offset2) : kAtPosition, bytes, 0});
  Log(Sys::k_copy_file_range, from, {from, to, TypeOf(to), offsets, static_cast<int64_t>(bytes)},
      result);
}

void Walk::Splice() {
  const int from = Number({kPipe, kPipe, kFifo, kRegular, kUnixStream});
  const int to = Number({kPipe, kPipe, kFifo, kRegular, kUnixStream});
  if (!MayTravel(from, to)) return;
  const uint64_t bytes = SizeToSplice(from, to);
  const uint64_t flags = SPLICE_F_NONBLOCK | (OneIn(4) ? SPLICE_F_MOVE : 0);
  const int64_t before = PtyBytes(to);
  const int64_t result = Call(
      Sys::k_splice, {static_cast<uint64_t>(from), 0, static_cast<uint64_t>(to), 0, bytes, flags});
  Log(Sys::k_splice, from, {from, to, TypeOf(to), static_cast<int64_t>(bytes)}, result);
  SettlePty(to, before, result);
}

void Walk::Tee() {
  const int from = Number({kPipe, kFifo});
  const int to = Number({kPipe, kFifo});
  const uint64_t bytes = Size();
  Log(Sys::k_tee, from, {from, to, TypeOf(to), static_cast<int64_t>(bytes)},
      Call(Sys::k_tee,
           {static_cast<uint64_t>(from), static_cast<uint64_t>(to), bytes, SPLICE_F_NONBLOCK}));
}

void Walk::VmSplice() {
  const int fd = Number({kPipe, kFifo});
  // What is given is part of the pipe from then on, so it is never written again: the last part of
  // the memory, which is all zeros.
  const uint64_t bytes = std::min<uint64_t>(Size(), 100000);
  scratch_.vectors[0] = {Address(kernel_.memory() + Kernel::kMemoryBytes - 200000), bytes};
  const int64_t result = Call(Sys::k_vmsplice, {static_cast<uint64_t>(fd),
                                                Address(scratch_.vectors), 1, SPLICE_F_NONBLOCK});
  Log(Sys::k_vmsplice, fd, {fd, static_cast<int64_t>(bytes)}, result);
  // A reading end has written there.
  std::memset(kernel_.memory() + Kernel::kMemoryBytes - 200000, 0, 100000);
}

// How much a connection holds is the kernel's business; that it becomes full, and has room again
// once all was read, is not.
void Walk::FillTcp() {
  if (!OneIn(8)) return;  // It takes some milliseconds.
  // Connections of its own: others may wait to be accepted at a listener of the walk.
  const int64_t listener = Call(Sys::k_socket, {AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0});
  if (listener < 0) return;
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::memcpy(scratch_.address, &address, sizeof(address));
  scratch_.address_bytes = sizeof(address);
  const uint64_t server = static_cast<uint64_t>(listener);
  Call(Sys::k_bind, {server, Address(scratch_.address), sizeof(address)});
  Call(Sys::k_listen, {server, 8});
  Call(Sys::k_getsockname, {server, Address(scratch_.address), Address(&scratch_.address_bytes)});
  FillConnection(listener);
  Call(Sys::k_close, {server});
}

void Walk::FillConnection(int64_t listener) {
  const int64_t client = Call(Sys::k_socket, {AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0});
  if (client < 0) return;
  const uint64_t writer = static_cast<uint64_t>(client);
  Call(Sys::k_connect, {writer, Address(scratch_.address), scratch_.address_bytes});
  Settle(static_cast<int>(client), EPOLLOUT);
  const int64_t accepted =
      Call(Sys::k_accept4, {static_cast<uint64_t>(listener), 0, 0, SOCK_NONBLOCK});
  const auto poll = [&](int64_t fd) {
    scratch_.poll[0] = {static_cast<int32_t>(fd), EPOLLIN | EPOLLOUT, 0};
    scratch_.timeout = {0, 0};
    Call(Sys::k_ppoll, {Address(scratch_.poll), 1, Address(&scratch_.timeout), 0, 8});
    return static_cast<uint64_t>(scratch_.poll[0].returned);
  };
  if (accepted >= 0) {
    const uint64_t reader = static_cast<uint64_t>(accepted);
    uint64_t before = poll(client);
    int64_t written = 0;
    // Natively the buffers grow while they are filled.
    for (int tries = 0; tries < 3; ++tries) {
      while ((written = Call(Sys::k_write, {writer, Address(scratch_.data), 65536})) > 0) {
      }
      scratch_.timeout = {0, 1000000};
      Call(Sys::k_ppoll, {0, 0, Address(&scratch_.timeout), 0, 8});
    }
    const uint64_t full = poll(client) & ~uint64_t{EPOLLOUT};
    int64_t read = 0;
    for (int tries = 0; tries < 20; ++tries) {
      while ((read = Call(Sys::k_read, {reader, Address(scratch_.data), 65536})) > 0) {
      }
      if ((poll(client) & EPOLLOUT) != 0 && poll(accepted) == EPOLLOUT) break;
      scratch_.timeout = {0, 1000000};
      Call(Sys::k_ppoll, {0, 0, Address(&scratch_.timeout), 0, 8});
    }
    Log(Sys::k_write, -1, {}, written, {before, full, poll(client), static_cast<uint64_t>(read)});
    Call(Sys::k_close, {reader});
  }
  Call(Sys::k_close, {writer});
}

}  // namespace fuzz
