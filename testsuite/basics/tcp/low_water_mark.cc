// low_water_mark: SO_RCVLOWAT: readiness and edges come when that many bytes are there.
#include "testsuite/basics/net.h"

int main() {
  const Pair pair = Connected();
  Watch watch({{'s', pair.server}});
  SetOption(pair.server, SOL_SOCKET, SO_RCVLOWAT, 5);
  ShowSent("send", pair.client, "abc");
  watch.Tell("three of five");
  ShowReceived("they can be read", pair.server, 1);
  ShowSent("send", pair.client, "def");
  watch.Tell("five of five");
  SetOption(pair.server, SOL_SOCKET, SO_RCVLOWAT, 10);
  watch.Tell("five of ten");
  SetOption(pair.server, SOL_SOCKET, SO_RCVLOWAT, 2);
  watch.Tell("five of two");
  SetOption(pair.server, SOL_SOCKET, SO_RCVLOWAT, 0);
  std::printf("0 is %d\n", Option(pair.server, SOL_SOCKET, SO_RCVLOWAT));
  SetOption(pair.server, SOL_SOCKET, SO_RCVLOWAT, 100);
  watch.Tell("five of a hundred");
  shutdown(pair.client, SHUT_WR);
  watch.Tell("and the end");
  SetOption(pair.server, SOL_SOCKET, SO_RCVLOWAT, 100);
  watch.Tell("the same mark again");
  ShowReceived("recv", pair.server, 10);
  ShowReceived("recv at the end", pair.server, 10);
  watch.Tell("all was read");
  SetOption(pair.server, SOL_SOCKET, SO_RCVLOWAT, 1);
  watch.Tell("nothing is there but the end");

  const Pair quiet = Connected();
  Watch watch_quiet({{'q', quiet.server}});
  watch_quiet.Tell("connected");
  SetOption(quiet.server, SOL_SOCKET, SO_RCVLOWAT, 3);
  watch_quiet.Tell("a mark, and nothing to read");
  ShowSent("send", quiet.client, "abcd");
  watch_quiet.Tell("enough");
  SetOption(quiet.server, SOL_SOCKET, SO_RCVLOWAT, 3);
  watch_quiet.Tell("the same mark again");

  const Pair other = Connected();
  Block(other.server, true);
  SetOption(other.server, SOL_SOCKET, SO_RCVLOWAT, 5);
  timeval limit = {0, 50000};
  Must(setsockopt(other.server, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0, "SO_RCVTIMEO");
  ShowSent("send", other.client, "abc");
  ShowReceived("a blocking recv waits for five", other.server, 10);
  ShowSent("send", other.client, "abc");
  ShowReceived("or for what it wants", other.server, 3);
  return 0;
}
