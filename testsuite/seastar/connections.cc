// A server on Seastar's cores without SO_REUSEPORT: core 0 accepts and hands connections round, and
// from then on the descriptor is its core's alone (src/net/posix-stack.cc:
// posix_server_socket_impl::accept and move_connected_socket). Each call is tried first; only when
// it would block is the descriptor given to epoll.
#include <string>

#include "testsuite/basics/net.h"
#include "testsuite/seastar/reactor.h"

namespace {

constexpr int kCores = 3, kClients = 6;
constexpr size_t kBytes = 20000;

// One connection, on the core that it belongs to. Goes with its connection.
class Echo {
 public:
  Echo(int fd, Task done) : fd_(fd), done_(std::move(done)) {}
  void Read() {
    const ssize_t count = read(fd_.fd, bytes_, sizeof bytes_);
    if (count < 0) {
      Must(errno == EAGAIN, "read");
      return Reactor::Current().WhenReadable(fd_, [this] { Read(); });
    }
    if (count == 0) return Finish();
    end_ = count;
    begin_ = 0;
    Write();
  }

 private:
  void Write() {
    const ssize_t count = send(fd_.fd, bytes_ + begin_, end_ - begin_, MSG_NOSIGNAL);
    if (count < 0) {
      Must(errno == EAGAIN, "send");
      return Reactor::Current().WhenWritable(fd_, [this] { Write(); });
    }
    begin_ += count;
    if (begin_ < end_) return Write();
    Reactor::Current().AddTask([this] { Read(); });
  }
  void Finish() {
    Reactor::Current().Forget(fd_);
    close(fd_.fd);
    done_();
    delete this;
  }

  PollableFd fd_;
  Task done_;
  char bytes_[3000];
  size_t begin_ = 0, end_ = 0;
};

struct Server {
  explicit Server(Smp& smp) : smp(smp), listener(Listener(kClients)) {}

  void Accept() {
    const int fd = accept4(listener.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      Must(errno == EAGAIN, "accept4");
      return Reactor::Current().WhenReadable(listener, [this] { Accept(); });
    }
    SetOption(fd, SOL_SOCKET, SO_SNDBUF, 4096);
    const int core = accepted++ % kCores;
    Reactor::Current().SubmitTo(core, [this, fd, core] {
      ++served[core];
      (new Echo(fd, [this] { Reactor::Current().SubmitTo(0, [this] { OneDone(); }); }))->Read();
    });
    if (accepted < kClients) return Reactor::Current().AddTask([this] { Accept(); });
    Reactor::Current().Forget(listener);
    close(listener.fd);
  }
  void OneDone() {
    if (++finished == kClients) smp.Stop();
  }

  Smp& smp;
  PollableFd listener;
  int accepted = 0, finished = 0;
  int served[kCores] = {};
};

// A client outside of it all.
void RunClient(const sockaddr_in& server, int index) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  SetOption(fd, SOL_SOCKET, SO_RCVBUF, 4096);
  Must(Connect(fd, server) == 0, "connect");
  std::string sent(kBytes, '\0'), received;
  for (size_t i = 0; i < kBytes; ++i) sent[i] = static_cast<char>('a' + (i * 5 + index) % 26);
  std::thread writer([&] {
    Must(send(fd, sent.data(), sent.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(kBytes), "send");
    Must(shutdown(fd, SHUT_WR) == 0, "shutdown");
  });
  char bytes[2000];
  ssize_t count;
  while ((count = read(fd, bytes, sizeof bytes)) > 0) received.append(bytes, count);
  writer.join();
  Must(count == 0 && received == sent, "everything came back");
  close(fd);
}

}  // namespace

int main() {
  Smp smp(kCores);
  Server server(smp);
  const sockaddr_in name = NameOf(server.listener.fd);
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) clients.emplace_back([&, i] { RunClient(name, i); });
  smp.Run([&] { server.Accept(); });
  for (std::thread& client : clients) client.join();
  for (int core = 0; core < kCores; ++core) {
    std::printf("core %d served %d\n", core, server.served[core]);
  }
  std::printf("bytes echoed: %zu\n", kClients * kBytes);
  return 0;
}
