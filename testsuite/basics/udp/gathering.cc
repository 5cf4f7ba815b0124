// gathering: MSG_MORE and UDP_CORK: several sends become one datagram, which goes where the first
// one said.
#include <netinet/udp.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "testsuite/basics/net.h"

namespace {

char bytes[70000];

int Bound() {
  const int fd = Udp();
  Must(Bind(fd, V4(INADDR_LOOPBACK)) == 0, "bind");
  return fd;
}

void Send(const char* what, int fd, size_t count, int flags, int to = -1) {
  sockaddr_in name = {};
  if (to >= 0) name = NameOf(to);
  ShowCount(what, sendto(fd, bytes, count, flags,
                         to >= 0 ? reinterpret_cast<const sockaddr*>(&name) : nullptr,
                         to >= 0 ? sizeof name : 0));
}

}  // namespace

int main() {
  std::memset(bytes, 'a', sizeof bytes);
  const int one = Bound(), other = Bound(), sender = Bound();
  Send("MSG_MORE", sender, 3, MSG_MORE, one);
  ShowReceived("nothing yet", one, 100);
  Send("more of it, to nobody", sender, 2, MSG_MORE);
  Send("the end, to another", sender, 1, 0, other);
  ShowReceived("it goes where the first said", one, 100);
  ShowReceived("and not to the other", other, 100);

  Send("MSG_MORE of nothing", sender, 0, MSG_MORE, one);
  ShowReceived("nothing yet", one, 100);
  Send("and a byte", sender, 1, 0);
  ShowReceived("a byte", one, 100);

  SetOption(sender, IPPROTO_UDP, UDP_CORK, 1);
  std::printf("UDP_CORK is %d\n", Option(sender, IPPROTO_UDP, UDP_CORK));
  Send("corked", sender, 3, 0, one);
  Send("corked", sender, 3, 0, one);
  ShowReceived("nothing yet", one, 100);
  SetOption(sender, IPPROTO_UDP, UDP_CORK, 0);
  ShowReceived("uncorked", one, 100);

  Send("MSG_MORE", sender, 60000, MSG_MORE, one);
  Send("too many at once", sender, 65536, 0);
  Send("together too many", sender, 10000, 0);
  ShowReceived("nothing is left of it", one, 100);
  Send("to nobody", sender, 1, 0);
  Send("MSG_MORE of the most", sender, 65507, MSG_MORE, one);
  Send("and one more", sender, 1, 0);

  Send("MSG_MORE", sender, 1, MSG_MORE, one);
  Send("MSG_OOB", sender, 1, MSG_OOB);
  char* volatile nowhere = nullptr;
  Show("from nowhere", send(sender, nowhere + 16, 10, MSG_MORE));
  Send("to nobody", sender, 1, 0);

  Send("MSG_MORE", sender, 3, MSG_MORE, one);
  Must(Connect(sender, NameOf(one)) == 0, "connect");
  Show("shutdown", shutdown(sender, SHUT_WR));
  Send("what was begun goes on", sender, 1, 0);
  ShowReceived("all", one, 100);
  Send("another one does not begin", sender, 1, MSG_MORE);

  const int closed = Bound();
  Send("MSG_MORE", closed, 3, MSG_MORE, one);
  close(closed);
  ShowReceived("closing throws it away", one, 100);

  // sendfile(2) of more than there is: over IPv6 what was sent waits for company.
  const int file = memfd_create("file", 0);
  Must(write(file, bytes, 100) == 100, "write");
  const int six = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  const int from_six = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  Must(Bind(six, V6("::1")) == 0 && Connect(from_six, V6("::1", PortOf(six))) == 0, "IPv6");
  const int four = Bound(), from_four = Udp();
  Must(Connect(from_four, NameOf(four)) == 0, "connect");
  for (const auto& [from, to] : {std::pair{from_four, four}, std::pair{from_six, six}}) {
    off_t offset = 0;
    ShowCount("sendfile of all", sendfile(from, file, &offset, 100));
    ShowCount("received", recv(to, bytes, sizeof bytes, 0));
    offset = 0;
    ShowCount("sendfile of more", sendfile(from, file, &offset, 1000));
    ShowCount("received", recv(to, bytes, sizeof bytes, 0));
    Send("and a byte", from, 1, 0);
    ShowCount("received", recv(to, bytes, sizeof bytes, 0));
  }

  const int value = 1;
  Show("a short value", setsockopt(one, IPPROTO_UDP, UDP_CORK, &value, 3));
  Show("an unknown option", setsockopt(one, IPPROTO_UDP, 77, &value, sizeof value));
  return 0;
}
