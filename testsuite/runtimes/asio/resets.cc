// Connections that are lost at any moment: an Asio echo server that outlives them, and clients that
// connect again until all of their messages have come back, all in one process, by several threads.
//
// Without resets each message comes back at once; under pollux' `--faults=tcp_reset` a RST may come
// before any call that sends or receives: while a connection waits to be accepted, in the midst of
// a message, beside an echo that is under way. What is printed is the same.
#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace {

using asio::awaitable;
using asio::ip::tcp;

constexpr int kThreads = 3, kClients = 4, kMessages = 5;
// Who has tried in vain so often does not meet resets, but something that does not end.
constexpr int kMostTries = 200;

constexpr auto kAsTuple = asio::experimental::as_tuple(asio::use_awaitable);

void Must(bool holds, const char* what) {
  if (holds) return;
  std::printf("FAILED: %s\n", what);
  std::exit(1);
}

// What a lost connection may give, to whom reads and to whom writes.
bool IsLoss(const std::error_code& error) {
  return error == asio::error::connection_reset || error == asio::error::broken_pipe ||
         error == asio::error::eof;
}

class Server {
 public:
  explicit Server(asio::io_context& context)
      : context_(context),
        acceptor_(asio::make_strand(context), tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}
  tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }
  tcp::acceptor::executor_type executor() { return acceptor_.get_executor(); }
  int sessions() const { return sessions_; }

  awaitable<void> Accept() {
    for (;;) {
      auto [error, socket] = co_await acceptor_.async_accept(asio::make_strand(context_), kAsTuple);
      if (error == asio::error::operation_aborted) co_return;
      if (error) continue;  // That one only.
      ++sessions_;
      const auto strand = socket.get_executor();
      co_spawn(strand, Echo(std::move(socket)), asio::detached);
    }
  }
  void Stop() {
    asio::post(acceptor_.get_executor(), [this] { acceptor_.close(); });
  }

 private:
  awaitable<void> Echo(tcp::socket socket) {
    std::vector<char> bytes(700);
    std::error_code failed;
    while (!failed) {
      const auto [error, count] = co_await socket.async_read_some(asio::buffer(bytes), kAsTuple);
      failed = error;
      if (failed) break;
      const auto [unsent, _] =
          co_await asio::async_write(socket, asio::buffer(bytes, count), kAsTuple);
      failed = unsent;
    }
    Must(IsLoss(failed), failed.message().c_str());
    --sessions_;
  }

  asio::io_context& context_;
  tcp::acceptor acceptor_;
  std::atomic<int> sessions_ = 0;
};

class Client {
 public:
  Client(asio::io_context& context, tcp::endpoint server, int number)
      : strand_(asio::make_strand(context)), server_(server), socket_(strand_), number_(number) {}

  awaitable<void> Run() {
    for (int i = 0; i < kMessages; ++i) {
      const std::string message = "client " + std::to_string(number_) + ", message " +
                                  std::to_string(i) + std::string(i * i * 90, 'x');
      int tries = 0;
      while (!co_await Try(message)) {
        socket_.close();
        Must(++tries < kMostTries, "a message is lost again and again");
      }
      ++answered_;
    }
    socket_.close();
  }
  auto strand() const { return strand_; }
  int answered() const { return answered_; }

 private:
  // False: the connection was lost.
  awaitable<bool> Try(const std::string& message) {
    if (!socket_.is_open()) {
      const auto [error] = co_await socket_.async_connect(server_, kAsTuple);
      Must(!error || error == asio::error::connection_reset, "connect");
      if (error) co_return false;
    }
    const auto [unsent, _] = co_await asio::async_write(socket_, asio::buffer(message), kAsTuple);
    if (unsent) {
      Must(IsLoss(unsent), unsent.message().c_str());
      co_return false;
    }
    std::string echo(message.size(), '\0');
    const auto [error, count] = co_await asio::async_read(socket_, asio::buffer(echo), kAsTuple);
    if (error) {
      Must(IsLoss(error), error.message().c_str());
      Must(message.compare(0, count, echo, 0, count) == 0, "what came is right");
      co_return false;
    }
    Must(echo == message, "the echo");
    co_return true;
  }

  asio::strand<asio::io_context::executor_type> strand_;
  tcp::endpoint server_;
  tcp::socket socket_;
  int number_, answered_ = 0;
};

}  // namespace

int main() {
  asio::io_context context;
  Server server(context);
  co_spawn(server.executor(), server.Accept(), asio::detached);
  std::vector<std::unique_ptr<Client>> clients;
  std::atomic<int> busy = kClients;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<Client>(context, server.endpoint(), i));
    Client& client = *clients.back();
    co_spawn(client.strand(), client.Run(), [&](std::exception_ptr error) {
      Must(error == nullptr, "a client ended by an exception");
      if (--busy == 0) server.Stop();
    });
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&context] { context.run(); });
  for (std::thread& thread : threads) thread.join();
  int answered = 0;
  for (const auto& client : clients) answered += client->answered();
  // run() returns when nothing is left to wait for: each session has heard of its end.
  std::printf("messages answered: %d, sessions left: %d\n", answered, server.sessions());
  return 0;
}
