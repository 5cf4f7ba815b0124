// stale_events: nginx's instance bit (ngx_epoll_process_events, ngx_get_connection). The handler of
// one event closes another connection whose event is in the same batch, and a new connection takes
// its place in the table, with the same number too. The event's data tells a former use of the
// place by the bit that every use turns. Nothing is ever deleted from the instance: close(2) does
// it.
#include <string>

#include "testsuite/basics/socket_pair.h"
#include "testsuite/nginx/cycle.h"

namespace {

void Put(int fd, char byte) { Must(write(fd, &byte, 1) == 1, "write"); }

std::string log_of_reads;

void ReadAll(Connection& connection) {
  char byte;
  while (connection.read.ready && Receive(connection, &byte, 1) == 1) log_of_reads += byte;
}

}  // namespace

int main() {
  Cycle cycle(4);
  const auto turn = [&](const char* what) {
    const int stale = cycle.ProcessEvents(0);
    std::printf("%s: read \"%s\", %d stale\n", what, log_of_reads.c_str(), stale);
    log_of_reads.clear();
  };

  // Two requests in one batch; whoever comes first closes the other.
  SocketPair one, two, three;
  Connection* first = &cycle.Get(one.near);
  Connection* second = &cycle.Get(two.near);
  Connection* successor = nullptr;
  const auto close_and_replace = [&](Connection*& other) {
    return [&](Connection& self) {
      ReadAll(self);
      if (other == nullptr) return;
      Connection* const place = other;
      const int number = other->fd;
      cycle.Close(*other);
      other = nullptr;
      const int fd = dup(three.near);
      Must(fd == number, "the number is used again");
      successor = &cycle.Get(fd);
      Must(successor == place, "and so is the place");
      successor->read.handler = ReadAll;
      cycle.Add(*successor);
    };
  };
  first->read.handler = close_and_replace(second);
  second->read.handler = close_and_replace(first);
  cycle.Add(*first);
  cycle.Add(*second);
  turn("quiet");
  Put(one.far, 'r');
  Put(two.far, 'r');
  turn("two requests");
  Must(successor != nullptr, "the handler ran");
  turn("the new one");
  Put(three.far, 'n');
  turn("a byte for the new one");

  // Closed by its own reading handler, with the writing side in the same event.
  Connection* survivor = first != nullptr ? first : second;
  const int far = survivor == first ? one.far : two.far;
  bool written = false;
  survivor->read.handler = [&](Connection& self) {
    ReadAll(self);
    cycle.Close(self);
  };
  survivor->write.handler = [&](Connection&) { written = true; };
  Put(far, 's');
  turn("closed by its reader");
  Must(!written, "the writing side of a closed connection is not told");

  // A place that is free, and not used again.
  SocketPair four, five;
  Connection* fourth = &cycle.Get(four.near);
  Connection* fifth = &cycle.Get(five.near);
  const auto close_other = [&](Connection*& other) {
    return [&](Connection& self) {
      ReadAll(self);
      if (other != nullptr) cycle.Close(*other);
      other = nullptr;
    };
  };
  fourth->read.handler = close_other(fifth);
  fifth->read.handler = close_other(fourth);
  cycle.Add(*fourth);
  cycle.Add(*fifth);
  Put(four.far, 'f');
  Put(five.far, 'f');
  turn("closed by another");
  turn("quiet");
  return 0;
}
