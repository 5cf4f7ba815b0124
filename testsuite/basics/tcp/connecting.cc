// connecting: a non-blocking connect(2) and accept(2), step by step: what each call returns and
// what epoll says of both sides.
#include "testsuite/basics/net.h"

int main() {
  const int listener = Listener(1), client = Tcp();
  Watch watch({{'c', client}, {'l', listener}});
  watch.Tell("a fresh socket and a listener");
  Show("connect", Connect(client, NameOf(listener)));
  watch.Tell("connected");
  Show("connect again", Connect(client, NameOf(listener)));
  Show("connect a third time", Connect(client, NameOf(listener)));
  watch.Tell("asked again");
  sockaddr_storage from = {};
  socklen_t length = sizeof from;
  const int server = accept4(listener, reinterpret_cast<sockaddr*>(&from), &length, SOCK_NONBLOCK);
  Must(server >= 0, "accept4");
  std::printf("accepted from %s, %d bytes\n", AddressText(from).c_str(), static_cast<int>(length));
  Must(reinterpret_cast<sockaddr_in*>(&from)->sin_port == NameOf(client).sin_port, "its port");
  watch.Tell("accepted");
  Show("accept when none is there", accept(listener, nullptr, nullptr));
  std::printf("client: local %s, peer %s\n", LocalAddress(client).c_str(),
              PeerAddress(client).c_str());
  std::printf("server: local %s, peer %s\n", LocalAddress(server).c_str(),
              PeerAddress(server).c_str());
  Must(PortOf(server) == PortOf(listener), "the server has the listener's port");
  std::printf("the accepted one is non-blocking: %d\n", (fcntl(server, F_GETFL) & O_NONBLOCK) != 0);
  const int blocking = socket(AF_INET, SOCK_STREAM, 0);
  Show("a blocking connect", Connect(blocking, NameOf(listener)));
  const int second = accept(listener, nullptr, nullptr);
  std::printf("without the flag it is not: %d\n", (fcntl(second, F_GETFL) & O_NONBLOCK) != 0);
  Watch accepted({{'s', server}, {'t', second}});
  accepted.Tell("two accepted ones");
  struct tcp_info info;
  length = sizeof info;
  Must(getsockopt(server, IPPROTO_TCP, TCP_INFO, &info, &length) == 0, "TCP_INFO");
  std::printf("state %d\n", info.tcpi_state);
  return 0;
}
