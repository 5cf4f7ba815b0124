// cork: TCP_CORK and MSG_MORE hold small pieces back: until they are let go, for 200 milliseconds,
// or until the end.
#include "testsuite/basics/net.h"

int main() {
  const Pair pair = Connected();
  Watch watch({{'s', pair.server}});
  SetOption(pair.client, IPPROTO_TCP, TCP_CORK, 1);
  ShowSent("send", pair.client, "a");
  ShowSent("send", pair.client, "b");
  watch.Tell("corked");
  SetOption(pair.client, IPPROTO_TCP, TCP_CORK, 0);
  watch.Tell("let go");
  ShowReceived("recv", pair.server, 10);
  ShowSent("MSG_MORE", pair.client, "c", MSG_MORE);
  watch.Tell("there is more");
  ShowSent("send", pair.client, "d");
  watch.Tell("there was more");
  ShowReceived("recv", pair.server, 10);
  ShowSent("MSG_MORE", pair.client, "e", MSG_MORE);
  watch.Tell("there is more");
  usleep(500000);
  watch.Tell("not for ever");
  ShowReceived("recv", pair.server, 10);
  ShowSent("MSG_MORE", pair.client, "f", MSG_MORE);
  SetOption(pair.client, IPPROTO_TCP, TCP_NODELAY, 1);
  Settle();
  ShowReceived("TCP_NODELAY lets it go", pair.server, 10);
  ShowSent("MSG_MORE", pair.client, "g", MSG_MORE);
  shutdown(pair.client, SHUT_WR);
  watch.Tell("the end");
  ShowReceived("recv", pair.server, 10);
  ShowReceived("recv", pair.server, 10);
  return 0;
}
