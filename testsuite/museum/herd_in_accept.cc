// A thundering herd: all are woken for one connection, one gets it, and the others wait in accept.
//
// Workers that wait for one listener with select, poll or epoll are woken together. Where the
// listener blocks, the one that gets the connection goes on, and the others sleep in accept, deaf
// to whatever else they serve, until more clients come. Apache httpd's documentation ("accept
// Serialization - Multiple Sockets" in Performance Tuning) tells how servers with several listeners
// starve that way, and Apache serialises accept for it; kazuho/Starlet#14 wants the same for a
// server that had learned to listen on several ports. The listeners of uWSGI (unbit/uwsgi#115) and
// gunicorn (benoitc/gunicorn#792) do not block: there the herd only costs time.
// ponylang/ponyc#5722 is a scheduler thread that may park in accept when the readiness that it acts
// on is out of date.
#include <array>
#include <thread>

#include "testsuite/basics/net.h"
#include "testsuite/museum/museum.h"

namespace {

enum Name : uint32_t { kListener, kOwnClient };

// Accepts who comes, and serves the client that it has, until that one ends.
void Work(int listener, int own_client) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  Watch(epoll, EPOLL_CTL_ADD, listener, EPOLLIN, kListener);
  Watch(epoll, EPOLL_CTL_ADD, own_client, EPOLLIN, kOwnClient);
  for (;;) {
    epoll_event event;
    Must(TEMP_FAILURE_RETRY(epoll_wait(epoll, &event, 1, -1)) == 1, "epoll_wait");
    if (event.data.u32 == kOwnClient) break;
    const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    Must(client >= 0 || errno == EAGAIN, "accept4");
    if (client < 0) continue;
    Send(client, Receive(client));
    close(client);
  }
  Send(own_client, Receive(own_client));
  close(epoll);
}

}  // namespace

int main(int argc, char** argv) {
  EnterExhibit(argc, argv);
  const int listener = Listener(4);
  Block(listener, !fixed);  // <== the fix
  const std::array<SocketPair, 2> own_clients;

  std::thread first(Work, listener, own_clients[0].server);
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Must(Connect(client, NameOf(listener)) == 0, "connect");
  std::thread second(Work, listener, own_clients[1].server);
  Send(client, '?');
  Receive(client);
  for (const auto& own : own_clients) {
    Send(own.client, '?');
    Receive(own.client);
  }
  first.join();
  second.join();
  return Ok();
}
