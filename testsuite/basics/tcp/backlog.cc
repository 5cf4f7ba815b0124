// backlog: listen(2)'s queue is full: one more connection than the backlog gets in, the next one
// waits and tries again.
#include "testsuite/basics/net.h"

int main() {
  const int listener = Listener(1);
  int clients[3];
  for (int& client : clients) {
    client = Tcp();
    Show("connect", Connect(client, NameOf(listener)));
  }
  Watch watch({{'1', clients[0]}, {'2', clients[1]}, {'3', clients[2]}, {'l', listener}});
  watch.Tell("two are in");
  Show("connect goes on", Connect(clients[2], NameOf(listener)));
  std::printf("peer: %s\n", PeerAddress(clients[2]).c_str());
  ShowSent("send", clients[2], "x");
  ShowReceived("recv", clients[2], 1);
  struct tcp_info info;
  socklen_t length = sizeof info;
  Must(getsockopt(clients[2], IPPROTO_TCP, TCP_INFO, &info, &length) == 0, "TCP_INFO");
  std::printf("state %d\n", info.tcpi_state);
  Must(accept(listener, nullptr, nullptr) >= 0, "accept");
  watch.Tell("there is room");
  sleep(4);
  watch.Tell("it has tried again");
  Show("connect", Connect(clients[2], NameOf(listener)));
  Must(accept(listener, nullptr, nullptr) >= 0, "accept");
  Must(accept(listener, nullptr, nullptr) >= 0, "accept");
  Show("no more", accept(listener, nullptr, nullptr));

  const int impatient = socket(AF_INET, SOCK_STREAM, 0);
  const int narrow = Listener(0);
  const int first = Tcp();
  Connect(first, NameOf(narrow));
  Settle();
  timeval limit = {0, 50000};
  Must(setsockopt(impatient, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0, "SO_SNDTIMEO");
  Show("a blocking connect with a time limit", Connect(impatient, NameOf(narrow)));
  Show("once more", Connect(impatient, NameOf(narrow)));
  return 0;
}
