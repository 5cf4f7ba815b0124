// A copy of a descriptor keeps a closed registration alive: events of a connection that is gone.
//
// epoll watches the open file description, and close(2) of one number ends a registration only when
// no other number refers to the description. A child between clone and execve has copies of all
// numbers, also of those with close-on-exec, so a connection that is closed in that moment goes on
// reporting events, with a pointer to what was freed. It happened to manticoresearch, which starts
// a child when its configuration is read again (manticoresearch#4057: a "narrow tick of time"), to
// h2o (h2o/h2o#1100, #1427) and, with dup and with a second process, to libuv (joyent/libuv#1099,
// libuv/libuv#1148). The remedy is the same everywhere: EPOLL_CTL_DEL comes before close.
#include <spawn.h>
#include <sys/eventfd.h>

#include <thread>

#include "testsuite/basics/tasks.h"
#include "testsuite/museum/museum.h"

namespace {

constexpr int kPings = 20;
enum Name : uint32_t { kClient, kReload };

// Until the client has quit, and the configuration is read.
void Serve(int epoll, int client) {
  bool open = true, reloaded = false;
  while (open || !reloaded) {
    epoll_event event;
    Must(TEMP_FAILURE_RETRY(epoll_wait(epoll, &event, 1, -1)) == 1, "epoll_wait");
    if (event.data.u32 == kReload) {
      reloaded = true;
      continue;
    }
    if (!open) Fail("an event of a connection that was closed");
    if (Receive(client) == '.') {
      Send(client, '.');
      continue;
    }
    if (fixed) epoll_ctl(epoll, EPOLL_CTL_DEL, client, nullptr);  // <== the fix
    close(client);
    open = false;
  }
}

// Pings, and then quits with a word more than the server wants to hear.
void Ask(int server) {
  for (int i = 0; i < kPings; ++i) {
    Send(server, '.');
    Receive(server);
  }
  Must(send(server, "q!", 2, MSG_NOSIGNAL) == 2, "send");
}

// A script makes the configuration; here there is none, so what was to execute it ends.
void Reload(int done) {
  char* const arguments[] = {nullptr};
  pid_t child;
  Must(posix_spawn(&child, "/no/such/script", nullptr, nullptr, arguments, arguments) == ENOENT,
       "posix_spawn");
  Must(eventfd_write(done, 1) == 0, "eventfd_write");
}

}  // namespace

int main(int argc, char** argv) {
  EnterExhibit(argc, argv);
  const SocketPair connection;
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  const int reload_done = eventfd(0, EFD_CLOEXEC);
  Watch(epoll, EPOLL_CTL_ADD, connection.server, EPOLLIN, kClient);
  Watch(epoll, EPOLL_CTL_ADD, reload_done, EPOLLIN | EPOLLONESHOT, kReload);
  std::thread reload(Reload, reload_done);
  std::thread client(Ask, connection.client);
  Serve(epoll, connection.server);
  reload.join();
  client.join();
  return Ok();
}
