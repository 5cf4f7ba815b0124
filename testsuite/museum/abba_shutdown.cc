// Two locks in two orders: a shutdown from above meets one from below.
//
// In ZeroC Ice for C#, destroying a communicator took the mutex of the connection factory and then
// a connection's lock, to close it; a connection that closed itself held its lock and then wanted
// the factory's, to take itself out of the list. Both at once stand still: zeroc-ice/ice#961,
// "shutdown deadlock". There the closing was moved to a thread that holds no lock; here Destroy
// lets go of the factory's.
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "testsuite/museum/museum.h"

namespace {

class Factory;

class Connection {
 public:
  explicit Connection(Factory& factory) : factory_(factory) {}
  // The owner's wish: no more calls.
  void Close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  // The peer has hung up.
  void OnHangup();

 private:
  Factory& factory_;
  std::mutex mutex_;
  bool closed_ = false;
};

class Factory {
 public:
  std::shared_ptr<Connection> Connect() {
    std::lock_guard lock(mutex_);
    return connections_.emplace_back(std::make_shared<Connection>(*this));
  }
  void Remove(Connection* connection) {
    std::lock_guard lock(mutex_);
    std::erase_if(connections_, [&](const auto& each) { return each.get() == connection; });
  }
  void Destroy() {
    std::unique_lock lock(mutex_);
    const auto connections = connections_;
    if (fixed) lock.unlock();  // <== the fix
    for (const auto& connection : connections) connection->Close();
  }

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<Connection>> connections_;
};

void Connection::OnHangup() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  factory_.Remove(this);
}

}  // namespace

int main(int argc, char** argv) {
  EnterExhibit(argc, argv);
  Factory factory;
  const auto connection = factory.Connect();
  std::thread peer([&] { connection->OnHangup(); });
  factory.Destroy();
  peer.join();
  return Ok();
}
