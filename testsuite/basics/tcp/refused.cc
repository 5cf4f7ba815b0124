// refused: connecting to a port that nobody listens at, blocking and not, and how the error is
// told.
#include "testsuite/basics/net.h"

int main() {
  const sockaddr_in closed = ClosedPort();
  {
    const int client = Tcp();
    Watch watch({{'c', client}});
    watch.Tell("fresh");
    Show("connect", Connect(client, closed));
    watch.Tell("refused");
    std::printf("SO_ERROR: %s\n", PendingError(client));
    watch.Tell("the error was taken");
    std::printf("SO_ERROR again: %s\n", PendingError(client));
    Show("connect again", Connect(client, closed));
    watch.Tell("aborted");
    ShowReceived("recv", client, 10);
    ShowSent("send", client, "x");
  }
  {
    const int client = Tcp();
    Watch watch({{'c', client}});
    Show("connect", Connect(client, closed));
    Show("connect again takes the error", Connect(client, closed));
    watch.Tell("as new");
    Show("and begins again", Connect(client, closed));
    ShowReceived("recv takes it", client, 10);
    ShowReceived("recv again", client, 10);
  }
  {
    const int client = Tcp();
    Show("connect", Connect(client, closed));
    ShowSent("send takes it", client, "x");
    ShowSent("send again", client, "x");
  }
  {
    const int client = Tcp();
    Show("connect", Connect(client, closed));
    Show("shutdown of what was refused", shutdown(client, SHUT_RD));
    Show("connect", Connect(client, closed));
    Show("listen", listen(client, 1));
    Show("shutdown again", shutdown(client, SHUT_RDWR));
    std::printf("SO_ERROR: %s\n", PendingError(client));
    Show("connect", Connect(client, closed));
    Show("disconnect", Disconnect(client));
    Show("connect", Connect(client, closed));
  }
  const int blocking = socket(AF_INET, SOCK_STREAM, 0);
  Show("a blocking connect", Connect(blocking, closed));
  Watch watch({{'b', blocking}});
  watch.Tell("after it");
  Show("another", Connect(blocking, closed));
  const int listener = Listener(1);
  Show("to one that listens", Connect(blocking, NameOf(listener)));
  return 0;
}
