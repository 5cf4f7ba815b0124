// out_of_band: the urgent byte: PRI, MSG_OOB, the mark, SO_OOBINLINE, and what becomes of a byte
// that nobody took.
#include "testsuite/basics/net.h"

namespace {

void Mark(int fd) {
  int at = -1, bytes = -1;
  Must(ioctl(fd, SIOCATMARK, &at) == 0 && ioctl(fd, FIONREAD, &bytes) == 0, "ioctl");
  std::printf("at the mark: %d, bytes to it: %d\n", at, bytes);
}

}  // namespace

int main() {
  const Pair pair = Connected();
  const int server = pair.server;
  Watch watch({{'s', server}});
  ShowReceived("MSG_OOB when there is none", server, 1, MSG_OOB);
  ShowSent("send", pair.client, "ab");
  watch.Tell("two bytes");
  ShowSent("send urgent", pair.client, "cD", MSG_OOB);
  watch.Tell("an urgent one");
  Mark(server);
  ShowReceived("recv stops at it", server, 10);
  Mark(server);
  watch.Tell("at the mark");
  ShowReceived("peek MSG_OOB", server, 1, MSG_OOB | MSG_PEEK);
  ShowReceived("MSG_OOB", server, 1, MSG_OOB);
  watch.Tell("taken");
  ShowReceived("MSG_OOB again", server, 1, MSG_OOB);
  ShowReceived("recv", server, 10);
  ShowSent("send", pair.client, "ef");
  watch.Tell("two more");
  ShowReceived("recv goes on behind it", server, 10);

  ShowSent("send urgent", pair.client, "X", MSG_OOB);
  watch.Tell("an urgent one alone");
  ShowReceived("recv drops it", server, 10);
  ShowReceived("MSG_OOB", server, 1, MSG_OOB);
  watch.Tell("dropped");

  ShowSent("send urgent", pair.client, "abZ", MSG_OOB);
  ShowSent("send urgent again", pair.client, "cdW", MSG_OOB);
  ShowSent("send", pair.client, "e");
  Settle();
  Mark(server);
  ShowReceived("the first is ordinary now", server, 20);
  ShowReceived("and the second is left out", server, 20);

  SetOption(server, SOL_SOCKET, SO_OOBINLINE, 1);
  ShowSent("send urgent", pair.client, "abQ", MSG_OOB);
  watch.Tell("in line");
  ShowReceived("MSG_OOB", server, 1, MSG_OOB);
  ShowReceived("recv stops at it", server, 20);
  Mark(server);
  ShowReceived("and takes it", server, 20);
  Mark(server);
  watch.Tell("taken");

  // It comes before the data are refused.
  const Pair shut = Connected();
  Watch watch_shut({{'c', shut.client}, {'s', shut.server}});
  Show("shutdown", shutdown(shut.server, SHUT_RDWR));
  watch_shut.Tell("the server has shut both ways");
  ShowSent("send urgent", shut.client, "abU", MSG_OOB);
  watch_shut.Tell("an urgent one all the same");
  ShowReceived("MSG_OOB", shut.server, 1, MSG_OOB);
  ShowReceived("recv", shut.server, 10);
  watch_shut.Tell("read");
  return 0;
}
