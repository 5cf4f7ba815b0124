// shut_before: shutdown(2) of a socket that is not connected fails and marks it all the same: what
// becomes of its connection, to a listener and to itself.
#include "testsuite/basics/net.h"

namespace {

void ToItself(int how) {
  const int fd = Tcp();
  Must(Bind(fd, V4(INADDR_LOOPBACK)) == 0, "bind");
  Show("shutdown", shutdown(fd, how));
  Watch watch({{'x', fd}});
  watch.Tell("before");
  Show("connect to itself", Connect(fd, NameOf(fd)));
  watch.Tell("connected");
  Show("connect again", Connect(fd, NameOf(fd)));
  ShowReceived("recv", fd, 10);
  ShowSent("send", fd, "abc");
  ShowReceived("recv", fd, 10);
  watch.Tell("sent");
  std::printf("error: %s, peer: %s\n", PendingError(fd), PeerAddress(fd).c_str());
}

void ToAListener(int how) {
  const int listener = Listener(1), fd = Tcp();
  Show("shutdown", shutdown(fd, how));
  Watch watch({{'x', fd}});
  watch.Tell("before");
  Show("connect", Connect(fd, NameOf(listener)));
  watch.Tell("connected");
  Show("connect again", Connect(fd, NameOf(listener)));
  const int accepted = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
  ShowReceived("recv", fd, 10);
  ShowSent("send", fd, "abc");
  ShowReceived("recv of the other", accepted, 10);
  ShowSent("send of the other", accepted, "abc");
  watch.Tell("sent");
  ShowReceived("recv", fd, 10);
}

void OfAListener(int how) {
  const int listener = Tcp(), fd = Tcp();
  Must(Bind(listener, V4(INADDR_LOOPBACK)) == 0, "bind");
  Show("shutdown", shutdown(listener, how));
  Show("listen", listen(listener, 1));
  Watch watch({{'c', fd}, {'l', listener}});
  watch.Tell("before");
  Show("connect", Connect(fd, NameOf(listener)));
  watch.Tell("connected");
  Show("connect again", Connect(fd, NameOf(listener)));
  const int accepted = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
  Show("accept", accepted);
  Watch watch_accepted({{'a', accepted}});
  watch_accepted.Tell("accepted");
  ShowReceived("recv", fd, 10);
  ShowSent("send of the other", accepted, "abc");
  ShowSent("send", fd, "abc");
  watch.Tell("sent");
  watch_accepted.Tell("sent");
  ShowReceived("recv of the other", accepted, 10);
  ShowReceived("recv", fd, 10);
}

}  // namespace

int main() {
  for (const int how : {SHUT_RD, SHUT_WR, SHUT_RDWR}) {
    std::printf("shutdown %d, to itself\n", how);
    ToItself(how);
    std::printf("shutdown %d, to a listener\n", how);
    ToAListener(how);
    std::printf("shutdown %d, of a listener\n", how);
    OfAListener(how);
  }
  return 0;
}
