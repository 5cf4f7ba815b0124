// closing_under_waiters: a descriptor is closed while another thread waits through it: the wait
// goes on, for it holds the description, not the number; the number may be given away meanwhile.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "testsuite/basics/tasks.h"
#include "testsuite/basics/threads/waiter.h"

namespace {

// Makes `number` another description: that of an eventfd with something in it.
void GiveAway(int number) {
  const int other = eventfd(1, 0);
  Must(dup2(other, number) == number && close(other) == 0, "dup2");
}

}  // namespace

int main() {
  int ends[2];
  char byte = 0;
  Must(pipe(ends) == 0, "pipe");
  {
    Waiter reader([&] { return read(ends[0], &byte, 1); });
    close(ends[0]);
    Must(write(ends[1], "a", 1) == 1, "there is a reader still");
    reader.Join("read of a closed number");
  }
  Must(byte == 'a' && pipe(ends) == 0, "pipe");
  {
    Waiter reader([&] { return read(ends[0], &byte, 1); });
    GiveAway(ends[0]);
    Must(write(ends[1], "b", 1) == 1, "there is a reader still");
    reader.Join("read of a number given away");
    Must(byte == 'b', "of the pipe, not of the eventfd");
    close(ends[0]);
  }
  Must(pipe(ends) == 0, "pipe");
  {
    Waiter reader([&] { return read(ends[0], &byte, 1); });
    close(ends[1]);
    reader.Join("read, and the writer closes");
    close(ends[0]);
  }
  Must(pipe(ends) == 0, "pipe");
  {
    const int size = fcntl(ends[1], F_GETPIPE_SZ);
    const std::string many(static_cast<size_t>(size) * 2, 'x');
    Waiter writer([&] { return write(ends[1], many.data(), many.size()) / size; });
    close(ends[1]);
    std::string got(many.size(), ' ');
    size_t all = 0;
    ssize_t count;
    while ((count = read(ends[0], got.data(), got.size())) > 0) all += static_cast<size_t>(count);
    writer.Join("write of a closed number, in pipes full");
    Must(all == many.size(), "all is read, and the end seen");
    close(ends[0]);
  }
  // An epoll instance whose only number is closed lives as long as somebody waits in it.
  Must(pipe(ends) == 0, "pipe");
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = 7;
  const auto watch = [&] {
    const int epoll = epoll_create1(0);
    Must(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event) == 0, "epoll_ctl");
    return epoll;
  };
  {
    const int epoll = watch();
    epoll_event got = {};
    Waiter waiter([&] { return epoll_wait(epoll, &got, 1, -1); });
    close(epoll);
    Show("its number is free", epoll_ctl(epoll, EPOLL_CTL_DEL, ends[0], nullptr));
    GiveAway(epoll);
    Must(write(ends[1], "c", 1) == 1, "write");
    waiter.Join("epoll_wait of a closed number");
    std::printf("data %d\n", static_cast<int>(got.data.u64));
    Must(read(ends[0], &byte, 1) == 1, "read");
    close(epoll);
  }
  {
    // What it watches goes away: nothing wakes it for that.
    const int epoll = watch(), other = eventfd(0, 0);
    epoll_event got = {};
    Waiter waiter([&] { return epoll_wait(epoll, &got, 1, -1); });
    close(ends[0]);
    Must(signal(SIGPIPE, SIG_IGN) != SIG_ERR, "signal");
    Show("write without a reader", write(ends[1], "d", 1));
    event.data.u64 = 8;
    Must(epoll_ctl(epoll, EPOLL_CTL_ADD, other, &event) == 0, "epoll_ctl");
    const uint64_t one = 1;
    Must(write(other, &one, 8) == 8, "write");
    waiter.Join("epoll_wait when what it watched has gone");
    std::printf("data %d\n", static_cast<int>(got.data.u64));
    close(ends[1]);
    close(epoll);
    close(other);
  }
  Must(pipe(ends) == 0, "pipe");
  {
    pollfd watched = {ends[0], POLLIN, 0};
    Waiter waiter([&] { return poll(&watched, 1, -1); });
    close(ends[0]);
    Must(write(ends[1], "e", 1) == 1, "there is a reader still");
    waiter.Join("poll of a closed number");
    // Alone of all, poll looks the number up again when it is woken.
    std::printf("events %x\n", watched.revents);
    close(ends[1]);
  }
  Must(pipe(ends) == 0, "pipe");
  {
    pollfd watched = {ends[0], POLLIN | POLLOUT, 0};
    Waiter waiter([&] { return poll(&watched, 1, -1); });
    GiveAway(ends[0]);
    Must(write(ends[1], "f", 1) == 1, "there is a reader still");
    waiter.Join("poll of a number given away");
    std::printf("events %x\n", watched.revents);
    close(ends[0]);
    close(ends[1]);
  }
  {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path + 1, 30, "closing_under_waiters.%d", getpid());
    const auto* name = reinterpret_cast<const sockaddr*>(&address);
    const int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    Must(bind(listener, name, sizeof address) == 0 && listen(listener, 1) == 0, "listen");
    Waiter waiter([&] { return accept(listener, nullptr, nullptr) >= 0 ? 1 : -1; });
    close(listener);
    Show("connect to a listener that is closed", connect(client, name, sizeof address));
    waiter.Join("accept of a closed number");
    Show("connect afterwards", connect(socket(AF_UNIX, SOCK_STREAM, 0), name, sizeof address));
  }
  int pair[2];
  Must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
  {
    Waiter waiter([&] { return recv(pair[0], &byte, 1, 0); });
    Must(shutdown(pair[0], SHUT_RD) == 0, "shutdown");
    waiter.Join("recv, and the same end is shut");
  }
  return 0;
}
