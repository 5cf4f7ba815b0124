// time_stamps: SO_TIMESTAMP and its kin: when a message came, as a control message, and SIOCGSTAMP.
// Of UDP, of datagrams and packets of AF_UNIX, and of TCP; never of streams of AF_UNIX.
#include <linux/net_tstamp.h>
#include <time.h>

#include "testsuite/basics/net.h"

namespace {

constexpr int kTimestamp = 29, kTimestampNs = 35, kTimestamping = 37, kTimestampNew = 63,
              kTimestampNsNew = 64, kTimestampingNew = 65;
constexpr int kNames[] = {kTimestamp, kTimestampNs, kTimestampNew, kTimestampNsNew};
constexpr unsigned long kGstampOld = 0x8906, kGstampNsOld = 0x8907, kGstampNew = 0x80108906,
                        kGstampNsNew = 0x80108907;

double RealTime() {
  timespec now;
  Must(clock_gettime(CLOCK_REALTIME, &now) == 0, "clock_gettime");
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}
struct Pair64 {
  int64_t seconds, fraction;
};
double TimeOf(const Pair64& pair, bool nanoseconds) {
  return static_cast<double>(pair.seconds) +
         static_cast<double>(pair.fraction) / (nanoseconds ? 1e9 : 1e6);
}

void ShowOptions(int fd) {
  for (const int name : kNames) std::printf(" %d", Option(fd, SOL_SOCKET, name));
  for (const int name : {kTimestamping, kTimestampingNew}) {
    uint32_t value[4] = {};
    socklen_t length = sizeof value;
    Must(getsockopt(fd, SOL_SOCKET, name, value, &length) == 0, "SO_TIMESTAMPING");
    std::printf(" %x/%u", value[0], length);
  }
  std::printf("\n");
}

// Receives one message, and prints its control messages. Those with a time: whether it lies between
// `start` and now.
void ShowMessage(const char* what, int fd, double start, size_t bytes = 100, int flags = 0,
                 size_t room = 400) {
  char data[100];
  alignas(cmsghdr) char control[400] = {};
  iovec part = {data, bytes};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = room;
  const ssize_t count = recvmsg(fd, &message, flags);
  std::printf("%s: %zd%s", what, count, (message.msg_flags & MSG_CTRUNC) != 0 ? ", cut" : "");
  Must(count >= 0, "recvmsg");
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    std::printf(" [%d %d, %zu bytes", c->cmsg_level, c->cmsg_type, c->cmsg_len - CMSG_LEN(0));
    Pair64 pair;
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type >= kTimestamp &&
        c->cmsg_len >= CMSG_LEN(sizeof pair)) {
      memcpy(&pair, CMSG_DATA(c), sizeof pair);
      const bool nanoseconds = c->cmsg_type != kTimestamp && c->cmsg_type != kTimestampNew;
      const double time = TimeOf(pair, nanoseconds);
      // A timeval is cut to microseconds.
      std::printf(", %s", time > start - 2e-6 && time < RealTime() + 2e-6 ? "right" : "wrong");
    }
    std::printf("]");
  }
  std::printf("\n");
}

void Set(int fd, int name, int value) {
  std::printf(
      "%d to %#x: %s\n", name, value,
      setsockopt(fd, SOL_SOCKET, name, &value, sizeof value) == 0 ? "ok" : ErrorName(errno));
}

Pair UdpPair() {
  Pair pair = {Udp(), Udp()};
  Must(Bind(pair.server, V4(INADDR_LOOPBACK)) == 0, "bind");
  Must(Connect(pair.client, NameOf(pair.server)) == 0, "connect");
  return pair;
}

void ShowStamp(const char* what, int fd, unsigned long request, double from, double to) {
  Pair64 pair = {};
  if (ioctl(fd, request, &pair) != 0) {
    std::printf("%s: %s\n", what, ErrorName(errno));
    return;
  }
  const double time = TimeOf(pair, request == kGstampNsOld || request == kGstampNsNew);
  std::printf("%s: %s\n", what, time > from - 2e-6 && time < to + 2e-6 ? "right" : "wrong");
}

void Options() {
  for (const int name : kNames) {
    for (const int other : kNames) {
      const int fd = Udp();
      SetOption(fd, SOL_SOCKET, name, 1);
      SetOption(fd, SOL_SOCKET, other, 1);
      std::printf("%d and %d:", name, other);
      ShowOptions(fd);
      SetOption(fd, SOL_SOCKET, name, 0);
      std::printf("  without %d:", name);
      ShowOptions(fd);
      close(fd);
    }
  }
  const int fd = Udp();
  const char byte = 1;
  Show("a short value", setsockopt(fd, SOL_SOCKET, kTimestamp, &byte, 1));
  for (const int name : {kTimestamping, kTimestampingNew}) {
    Set(fd, name, SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE);
    ShowOptions(fd);
    Set(fd, name, 1 << 25);
    Set(fd, name, 0);
  }
}

void Datagrams() {
  const Pair pair = UdpPair();
  for (const int name : kNames) {
    SetOption(pair.server, SOL_SOCKET, name, 1);
    const double start = RealTime();
    ShowSent("send", pair.client, "abc");
    ShowMessage("message", pair.server, start);
  }
  for (const int name : {kTimestamping, kTimestampingNew}) {
    SetOption(pair.server, SOL_SOCKET, kTimestamp, 0);
    SetOption(pair.server, SOL_SOCKET, name,
              SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE);
    usleep(100000);  // Until all processors note the time.
    const double start = RealTime();
    ShowSent("send", pair.client, "abc");
    ShowMessage("message", pair.server, start);
    SetOption(pair.server, SOL_SOCKET, kTimestampNs, 1);
    ShowSent("send", pair.client, "abc");
    ShowMessage("both", pair.server, start);
    SetOption(pair.server, SOL_SOCKET, name, SOF_TIMESTAMPING_RX_SOFTWARE);
    SetOption(pair.server, SOL_SOCKET, kTimestamp, 0);
    ShowSent("send", pair.client, "abc");
    ShowMessage("nobody wants to be told", pair.server, start);
    SetOption(pair.server, SOL_SOCKET, name, 0);
  }
  SetOption(pair.server, SOL_SOCKET, kTimestamp, 1);
  SetOption(pair.server, SOL_IP, IP_PKTINFO, 1);
  SetOption(pair.server, SOL_IP, IP_RECVTTL, 1);
  const double start = RealTime();
  ShowSent("send", pair.client, "abc");
  Settle();
  const double sent = RealTime();
  ShowMessage("peeked", pair.server, start, 100, MSG_PEEK);
  usleep(20000);
  SetOption(pair.server, SOL_SOCKET, kTimestampNs, 1);
  ShowMessage("peeked by another name", pair.server, start, 100, MSG_PEEK);
  ShowMessage("no room for all of it", pair.server, start, 100, 0, CMSG_LEN(4));
  Must(RealTime() > sent, "time passes");
  const int v6 = socket(AF_INET6, SOCK_DGRAM, 0);
  Must(Bind(v6, V6("::1")) == 0, "bind");
  SetOption(v6, SOL_SOCKET, kTimestampNs, 1);
  const int from = socket(AF_INET6, SOCK_DGRAM, 0);
  Must(Connect(from, V6("::1", PortOf(v6))) == 0, "connect");
  ShowSent("send", from, "abc");
  ShowMessage("IPv6", v6, start);
}

void Local() {
  for (const int type : {SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM}) {
    int pair[2];
    Must(socketpair(AF_UNIX, type, 0, pair) == 0, "socketpair");
    const double start = RealTime();
    ShowSent("send", pair[0], "before");
    usleep(20000);
    const double asked = RealTime();
    SetOption(pair[1], SOL_SOCKET, kTimestampNs, 1);
    SetOption(pair[1], SOL_SOCKET, SO_PASSCRED, 1);
    // What came before has the time of the look.
    ShowMessage("AF_UNIX", pair[1], type == SOCK_STREAM ? start : asked);
    SetOption(pair[1], SOL_SOCKET, kTimestamp, 1);
    const double again = RealTime();
    Must(SendControl(pair[0], "with rights", SOL_SOCKET, SCM_RIGHTS, 1, 1) == 11, "sendmsg");
    ShowMessage("with rights", pair[1], again);
    Pair64 stamp;
    Show("SIOCGSTAMP", ioctl(pair[1], kGstampNsOld, &stamp));
  }
}

void Streams() {
  for (const int name : kNames) {
    const Pair pair = Connected();
    SetOption(pair.server, SOL_SOCKET, name, 1);
    usleep(100000);
    const double start = RealTime();
    ShowSent("send", pair.client, "abcdef");
    Settle();
    ShowMessage("TCP", pair.server, start, 2, MSG_PEEK);
    ShowMessage("TCP", pair.server, start, 2);
    ShowMessage("the rest", pair.server, start);
    shutdown(pair.client, SHUT_WR);
    Settle();
    ShowMessage("the end", pair.server, start);
    Pair64 stamp;
    Show("SIOCGSTAMP", ioctl(pair.server, kGstampOld, &stamp));
  }
  const int listener = Listener(1);
  SetOption(listener, SOL_SOCKET, kTimestampNs, 1);
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  Must(Connect(client, NameOf(listener)) == 0, "connect");
  const int server = accept(listener, nullptr, nullptr);
  std::printf("inherited:");
  ShowOptions(server);
}

void Requests() {
  const unsigned long requests[] = {kGstampOld, kGstampNsOld, kGstampNew, kGstampNsNew};
  for (const unsigned long request : requests) {
    const Pair pair = UdpPair();
    ShowStamp("nothing came", pair.server, request, 0, 0);
    ShowSent("send", pair.client, "abc");
    ShowStamp("nothing was received", pair.server, request, 0, 0);
    ShowReceived("recv", pair.server, 10);
    double start = RealTime();
    ShowSent("send", pair.client, "abc");
    Settle();
    double end = RealTime();
    usleep(20000);
    ShowReceived("recv", pair.server, 10, MSG_PEEK);
    ShowStamp("peeked", pair.server, request, start, end);
    start = RealTime();
    ShowReceived("recv", pair.server, 10);
    ShowStamp("received: the same", pair.server, request, 0, end);
    SetOption(pair.server, SOL_SOCKET, kTimestamp, 1);
    ShowSent("send", pair.client, "abc");
    ShowReceived("recv", pair.server, 10);
    ShowStamp("with SO_TIMESTAMP: the one before", pair.server, request, 0, end);
    Show("nowhere to put it", ioctl(pair.server, request, nullptr));
  }
  const Pair pair = UdpPair();
  ShowSent("send", pair.client, "abc");
  ShowReceived("recv", pair.server, 10);
  usleep(20000);
  const double start = RealTime();
  Pair64 first, second;
  Must(ioctl(pair.server, kGstampNsOld, &first) == 0, "SIOCGSTAMPNS");
  std::printf("asked later: the time of the question: %d\n", TimeOf(first, true) > start - 2e-6);
  usleep(20000);
  Must(ioctl(pair.server, kGstampNsOld, &second) == 0, "SIOCGSTAMPNS");
  std::printf("and that stays: %d\n", memcmp(&first, &second, sizeof first) == 0);
}

}  // namespace

int main() {
  Options();
  Datagrams();
  Local();
  Streams();
  Requests();
  return 0;
}
