// Asio as a guest: its reactor (edge-triggered epoll, a timerfd, an eventfd that interrupts), one
// io_context run by several threads, strands, thread pools, steady timers, cancellation, a TCP echo
// server and its clients in one process, coroutines.
//
// What it prints is the same under every schedule: threads print nothing, and results are printed
// when all have come.
#include <unistd.h>

#include <array>
#include <asio.hpp>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace {

using asio::ip::tcp;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kThreads = 4;

void RunByThreads(asio::io_context& context) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&context] { context.run(); });
  for (std::thread& thread : threads) thread.join();
}

std::string NameOf(const std::error_code& error) {
  if (!error) return "success";
  if (error == asio::error::operation_aborted) return "operation_aborted";
  if (error == asio::error::eof) return "eof";
  if (error == asio::error::connection_refused) return "connection_refused";
  if (error == asio::error::connection_reset) return "connection_reset";
  if (error == asio::error::bad_descriptor) return "bad_descriptor";
  return error.message();
}

// ---- A TCP echo server, and clients that send lines and read them back.

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket socket) : socket_(std::move(socket)) {}
  void Read() {
    socket_.async_read_some(asio::buffer(bytes_),
                            [self = shared_from_this()](std::error_code error, std::size_t count) {
                              if (error) return;
                              asio::async_write(self->socket_, asio::buffer(self->bytes_, count),
                                                [self](std::error_code failed, std::size_t) {
                                                  if (!failed) self->Read();
                                                });
                            });
  }

 private:
  tcp::socket socket_;
  std::array<char, 512> bytes_;
};

class Server {
 public:
  Server(asio::io_context& context, int clients)
      : context_(context),
        acceptor_(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
        left_(clients) {
    Accept();
  }
  tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }

 private:
  void Accept() {
    // Each connection's handlers are called one at a time, by whichever thread.
    acceptor_.async_accept(asio::make_strand(context_),
                           [this](std::error_code error, tcp::socket socket) {
                             if (error) return;
                             std::make_shared<Session>(std::move(socket))->Read();
                             if (--left_ > 0) Accept();
                           });
  }

  asio::io_context& context_;
  tcp::acceptor acceptor_;
  int left_;
};

class Client : public std::enable_shared_from_this<Client> {
 public:
  Client(asio::io_context& context, int number, int lines, std::atomic<int>* right)
      : socket_(asio::make_strand(context)), number_(number), left_(lines), right_(right) {}

  void Start(const tcp::endpoint& server) {
    socket_.async_connect(server, [self = shared_from_this()](std::error_code error) {
      if (!error) self->SendLine();
    });
  }

 private:
  void SendLine() {
    if (left_-- == 0) {
      std::error_code ignored;
      socket_.shutdown(tcp::socket::shutdown_both, ignored);
      return;
    }
    // From a few bytes to more than a session's buffer holds.
    sent_ = "client " + std::to_string(number_) +
            std::string(static_cast<std::size_t>(left_ * 97), 'x') + "\n";
    asio::async_write(socket_, asio::buffer(sent_),
                      [self = shared_from_this()](std::error_code error, std::size_t) {
                        if (!error) self->ReadLine();
                      });
  }
  void ReadLine() {
    received_.clear();
    asio::async_read_until(socket_, asio::dynamic_buffer(received_), '\n',
                           [self = shared_from_this()](std::error_code error, std::size_t) {
                             if (error) return;
                             if (self->received_ == self->sent_) ++*self->right_;
                             self->SendLine();
                           });
  }

  tcp::socket socket_;
  std::string sent_, received_;
  int number_;
  int left_;
  std::atomic<int>* right_;
};

void Echo() {
  constexpr int kClients = 8, kLines = 12;
  asio::io_context context(kThreads);
  Server server(context, kClients);
  std::atomic<int> right{0};
  for (int i = 0; i < kClients; ++i)
    std::make_shared<Client>(context, i, kLines, &right)->Start(server.endpoint());
  // Returns when nothing is left to wait for: every connection has been closed.
  RunByThreads(context);
  std::printf("echo: %d of %d lines came back\n", right.load(), kClients * kLines);
}

// A transfer that fills the socket's buffers: the writer waits for the reader.
void Bulk() {
  constexpr std::size_t kBytes = 3'000'000;
  asio::io_context context;
  tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  tcp::socket writer(context), reader(context);
  std::vector<std::uint8_t> data(kBytes), got(kBytes);
  for (std::size_t i = 0; i < kBytes; ++i) data[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
  std::size_t written = 0, read = 0;
  std::string end;
  acceptor.async_accept(reader, [&](std::error_code) {
    asio::async_read(reader, asio::buffer(got), [&](std::error_code, std::size_t count) {
      read = count;
      reader.async_read_some(asio::buffer(got, 1),
                             [&](std::error_code error, std::size_t) { end = NameOf(error); });
    });
  });
  writer.async_connect(acceptor.local_endpoint(), [&](std::error_code) {
    asio::async_write(writer, asio::buffer(data), [&](std::error_code, std::size_t count) {
      written = count;
      writer.close();
    });
  });
  RunByThreads(context);
  std::printf("bulk: %zu written, %zu read, %s, then %s\n", written, read,
              got == data ? "the same" : "not the same", end.c_str());
}

// ---- Timers.

void Timers() {
  asio::io_context context;
  const steady_clock::time_point begin = steady_clock::now();
  std::vector<std::unique_ptr<asio::steady_timer>> timers;
  std::string order;
  bool early = false;
  // Run by one thread: they expire in the order of their times, whatever the order in which they
  // were started.
  for (const int tenths : {5, 1, 4, 2, 3}) {
    timers.push_back(
        std::make_unique<asio::steady_timer>(context, begin + milliseconds(tenths * 10)));
    timers.back()->async_wait([&, tenths](std::error_code error) {
      order += " " + std::to_string(tenths) + (error ? " failed" : "");
      early |= steady_clock::now() < begin + milliseconds(tenths * 10);
    });
  }
  context.run();
  std::printf("timers:%s%s\n", order.c_str(), early ? ", too early" : "");

  // One that starts itself again.
  context.restart();
  asio::steady_timer periodic(context, milliseconds(1));
  int ticks = 0;
  std::function<void(std::error_code)> tick = [&](std::error_code error) {
    if (error || ++ticks == 50) return;
    periodic.expires_at(periodic.expiry() + milliseconds(1));
    periodic.async_wait(tick);
  };
  periodic.async_wait(tick);
  context.run();
  std::printf("periodic: %d ticks\n", ticks);

  // Not run_for's time: it returns as soon as nothing is left to do, or the time is up.
  context.restart();
  asio::steady_timer far(context, std::chrono::hours(1));
  far.async_wait([](std::error_code) {});
  const std::size_t handlers = context.run_for(milliseconds(20));
  std::printf("run_for: %zu handlers, stopped: %d\n", handlers, context.stopped());
}

// ---- Cancellation.

void Cancellation() {
  asio::io_context context;
  asio::steady_timer timer(context, std::chrono::hours(1));
  std::vector<std::string> ends(3);
  timer.async_wait([&](std::error_code error) { ends[0] = NameOf(error); });
  timer.async_wait([&](std::error_code error) { ends[1] = NameOf(error); });
  tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  acceptor.async_accept([&](std::error_code error, tcp::socket) { ends[2] = NameOf(error); });
  std::size_t cancelled = 0;
  // From another thread, while the others wait in epoll_wait.
  std::thread canceller([&] {
    asio::post(context, [&] {
      cancelled = timer.cancel();
      acceptor.cancel();
    });
  });
  RunByThreads(context);
  canceller.join();
  std::printf("cancelled: %zu; %s, %s, %s\n", cancelled, ends[0].c_str(), ends[1].c_str(),
              ends[2].c_str());

  // A read that a timer takes back, and one that the other end's close ends.
  context.restart();
  tcp::socket one(context), other(context);
  one.async_connect(acceptor.local_endpoint(), [](std::error_code) {});
  acceptor.async_accept(other, [](std::error_code) {});
  context.run();
  context.restart();
  char byte = 0;
  std::string taken_back, ended;
  one.async_read_some(asio::buffer(&byte, 1), [&](std::error_code error, std::size_t) {
    taken_back = NameOf(error);
    one.async_read_some(asio::buffer(&byte, 1),
                        [&](std::error_code again, std::size_t) { ended = NameOf(again); });
    other.close();
  });
  asio::steady_timer patience(context, milliseconds(10));
  patience.async_wait([&](std::error_code) { one.cancel(); });
  context.run();
  std::printf("read: %s, then %s\n", taken_back.c_str(), ended.c_str());

  // Nobody listens there any more.
  const tcp::endpoint gone = acceptor.local_endpoint();
  acceptor.close();
  context.restart();
  tcp::socket late(context);
  std::string refused;
  late.async_connect(gone, [&](std::error_code error) { refused = NameOf(error); });
  context.run();
  std::error_code error;
  acceptor.accept(error);
  std::printf("connect: %s, accept: %s\n", refused.c_str(), NameOf(error).c_str());
}

// ---- Work for threads.

void Pools() {
  constexpr int kJobs = 500;
  // Jobs that all threads share, and one strand in which they take turns.
  asio::thread_pool pool(kThreads);
  auto strand = asio::make_strand(pool);
  std::atomic<int> done{0};
  int in_turn = 0;  // Guarded by the strand.
  bool overlapping = false, in_order = true, inside = false;
  int last = -1;
  for (int i = 0; i < kJobs; ++i) {
    asio::post(pool, [&] { ++done; });
    asio::post(strand, [&, i] {
      overlapping |= inside;
      inside = true;
      in_order &= last == i - 1;
      last = i;
      ++in_turn;
      inside = false;
    });
  }
  pool.join();
  std::printf("pool: %d and %d jobs, %s, %s\n", done.load(), in_turn,
              overlapping ? "overlapping" : "one at a time",
              in_order ? "in order" : "out of order");

  // A job that hands itself on between two contexts, each with threads of its own.
  asio::io_context here, there;
  auto work_here = asio::make_work_guard(here);
  auto work_there = asio::make_work_guard(there);
  std::thread runner_here([&] { here.run(); }), runner_there([&] { there.run(); });
  std::atomic<int> hops{0};
  std::function<void()> hop = [&] {
    if (++hops == 200) {
      work_here.reset();
      work_there.reset();
      return;
    }
    asio::post(hops % 2 == 0 ? here : there, hop);
  };
  asio::post(here, hop);
  runner_here.join();
  runner_there.join();
  std::printf("hops: %d\n", hops.load());

  // dispatch in a strand's own handler is called at once, post later.
  asio::io_context context;
  auto turns = asio::make_strand(context);
  std::string order;
  asio::post(turns, [&] {
    asio::post(turns, [&] { order += " posted"; });
    asio::dispatch(turns, [&] { order += " dispatched"; });
    order += " first";
  });
  RunByThreads(context);
  std::printf("turns:%s\n", order.c_str());

  // A context that is stopped leaves its work undone.
  asio::io_context stopped;
  auto guard = asio::make_work_guard(stopped);
  std::thread stopper([&] { asio::post(stopped, [&] { stopped.stop(); }); });
  RunByThreads(stopped);
  stopper.join();
  std::printf("stopped: %d, a poll does %zu\n", stopped.stopped(), stopped.poll());
}

// ---- A signal, which Asio takes with a pipe.

void Signals() {
  asio::io_context context;
  asio::signal_set signals(context, SIGUSR1, SIGUSR2);
  std::string got;
  std::function<void(std::error_code, int)> take = [&](std::error_code error, int number) {
    got += error ? " " + NameOf(error) : number == SIGUSR1 ? " SIGUSR1" : " SIGUSR2";
    if (error) return;
    if (number == SIGUSR2) signals.cancel();
    signals.async_wait(take);
    if (number == SIGUSR1) {
      asio::post(context, [] { std::raise(SIGUSR2); });
    } else {
      asio::post(context, [&] { signals.cancel(); });
    }
  };
  signals.async_wait(take);
  asio::post(context, [] { std::raise(SIGUSR1); });
  context.run();
  std::printf("signals:%s\n", got.c_str());
}

// ---- Datagrams, and names that need no network.

void Datagrams() {
  asio::io_context context;
  using asio::ip::udp;
  udp::socket receiver(context, udp::endpoint(asio::ip::address_v4::loopback(), 0));
  udp::socket sender(context, udp::endpoint(asio::ip::address_v4::loopback(), 0));
  std::array<char, 64> bytes;
  udp::endpoint from;
  std::string got;
  int left = 3;
  std::function<void(std::error_code, std::size_t)> receive = [&](std::error_code error,
                                                                  std::size_t count) {
    got += " " + (error ? NameOf(error) : std::string(bytes.data(), count));
    got += from == sender.local_endpoint() ? "" : " from elsewhere";
    if (--left > 0) receiver.async_receive_from(asio::buffer(bytes), from, receive);
  };
  receiver.async_receive_from(asio::buffer(bytes), from, receive);
  for (const char* text : {"one", "two", "three"}) {
    asio::post(context, [&, text] {
      sender.send_to(asio::buffer(std::string(text)), receiver.local_endpoint());
    });
  }
  context.run();
  std::printf("datagrams:%s\n", got.c_str());
}

// ---- Coroutines, over a pair of AF_UNIX sockets and a pipe.

asio::awaitable<void> Answer(asio::local::stream_protocol::socket socket) {
  std::string line;
  for (;;) {
    std::error_code error;
    const std::size_t count = co_await asio::async_read_until(
        socket, asio::dynamic_buffer(line), '\n', asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
    const std::string answer(line.rend() - static_cast<std::ptrdiff_t>(count) + 1, line.rend());
    line.erase(0, count);
    co_await asio::async_write(socket, asio::buffer(answer + "\n"), asio::use_awaitable);
  }
}

asio::awaitable<void> Ask(asio::local::stream_protocol::socket socket, std::string* got) {
  std::string line;
  asio::steady_timer pause(co_await asio::this_coro::executor);
  for (const char* question : {"abc\n", "defg\n", "h\n"}) {
    pause.expires_after(milliseconds(1));
    co_await pause.async_wait(asio::use_awaitable);
    co_await asio::async_write(socket, asio::buffer(std::string(question)), asio::use_awaitable);
    line.clear();
    co_await asio::async_read_until(socket, asio::dynamic_buffer(line), '\n', asio::use_awaitable);
    *got += " " + line.substr(0, line.size() - 1);
  }
}

asio::awaitable<void> ReadPipe(asio::posix::stream_descriptor pipe, std::size_t* bytes,
                               std::string* end) {
  std::array<char, 1000> part;
  for (;;) {
    std::error_code error;
    *bytes += co_await pipe.async_read_some(asio::buffer(part),
                                            asio::redirect_error(asio::use_awaitable, error));
    if (!error) continue;
    *end = NameOf(error);
    co_return;
  }
}

asio::awaitable<void> FillPipe(asio::posix::stream_descriptor pipe, std::size_t bytes) {
  const std::vector<char> data(bytes, 'x');
  co_await asio::async_write(pipe, asio::buffer(data), asio::use_awaitable);
}

void Coroutines() {
  asio::io_context context(kThreads);
  asio::local::stream_protocol::socket one(context), other(context);
  asio::local::connect_pair(one, other);
  std::string got, end;
  std::size_t bytes = 0;
  asio::co_spawn(asio::make_strand(context), Answer(std::move(one)), asio::detached);
  asio::co_spawn(asio::make_strand(context), Ask(std::move(other), &got), asio::detached);
  int ends[2];
  if (pipe(ends) != 0) return;
  asio::co_spawn(asio::make_strand(context),
                 ReadPipe(asio::posix::stream_descriptor(context, ends[0]), &bytes, &end),
                 asio::detached);
  asio::co_spawn(asio::make_strand(context),
                 FillPipe(asio::posix::stream_descriptor(context, ends[1]), 500'000),
                 asio::detached);
  RunByThreads(context);
  std::printf("coroutines:%s; %zu bytes through a pipe, %s\n", got.c_str(), bytes, end.c_str());
}

}  // namespace

int main() {
  Echo();
  Bulk();
  Timers();
  Cancellation();
  Pools();
  Signals();
  Datagrams();
  Coroutines();
  return 0;
}
