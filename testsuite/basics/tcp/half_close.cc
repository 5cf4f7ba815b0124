// half_close: shutdown(2) one way, the other way, both ways; what the peer sees, and what goes on.
#include "testsuite/basics/net.h"

int main() {
  {
    std::printf("the client shuts for writing, then the server\n");
    const Pair pair = Connected();
    Watch watch({{'c', pair.client}, {'s', pair.server}});
    watch.Tell("connected");
    Show("shutdown", shutdown(pair.client, SHUT_WR));
    watch.Tell("client SHUT_WR");
    ShowReceived("server recv", pair.server, 10);
    ShowReceived("server recv again", pair.server, 10);
    ShowSent("client send", pair.client, "x");
    ShowSent("server send", pair.server, "late");
    watch.Tell("server sent");
    ShowReceived("client recv", pair.client, 10);
    Show("shutdown", shutdown(pair.server, SHUT_WR));
    watch.Tell("server SHUT_WR");
    ShowReceived("client recv", pair.client, 10);
    std::printf("client's peer: %s\n", PeerAddress(pair.client).c_str());
    Show("shutdown when all is over", shutdown(pair.client, SHUT_WR));
  }
  {
    std::printf("close with the end in order\n");
    const Pair pair = Connected();
    Watch watch({{'c', pair.client}});
    watch.Tell("connected");
    ShowSent("server send", pair.server, "bye");
    close(pair.server);
    watch.Tell("server closed");
    ShowReceived("client recv", pair.client, 2);
    ShowReceived("client recv", pair.client, 10);
    ShowReceived("client recv", pair.client, 10);
    watch.Tell("read to the end");
    std::printf("client's peer: %s\n", PeerAddress(pair.client).c_str());
  }
  {
    std::printf("shut for reading\n");
    const Pair pair = Connected();
    Watch watch({{'c', pair.client}, {'s', pair.server}});
    watch.Tell("connected");
    Show("shutdown", shutdown(pair.client, SHUT_RD));
    watch.Tell("client SHUT_RD");
    ShowReceived("client recv", pair.client, 10);
    ShowSent("server send", pair.server, "abc");
    watch.Tell("server sent");
    ShowReceived("client recv", pair.client, 10);
    ShowReceived("client recv", pair.client, 10);
    ShowSent("client send", pair.client, "xyz");
    ShowReceived("server recv", pair.server, 10);
  }
  {
    std::printf("shut both ways at once, then the peer closes\n");
    const Pair pair = Connected();
    Watch watch({{'c', pair.client}, {'s', pair.server}});
    watch.Tell("connected");
    Show("shutdown", shutdown(pair.client, SHUT_RDWR));
    watch.Tell("client SHUT_RDWR");
    close(pair.server);
    watch.Tell("server closed");
    std::printf("error: %s\n", PendingError(pair.client));
  }
  return 0;
}
