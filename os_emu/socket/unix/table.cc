#include "os_emu/socket/unix/table.h"

#include <deque>
#include <memory>

#include "os_emu/socket/unix/message.h"
#include "os_emu/socket/unix/unix_socket.h"

namespace pollux::os_emu {
namespace {

std::string Key(const SocketAddress& name) {
  return std::string(name.bytes.begin(), name.bytes.begin() + name.length);
}

}  // namespace

UnixSocket* UnixTable::FindName(const SocketAddress& name, int type) const {
  const auto found = names_.find({type, Key(name)});
  return found == names_.end() ? nullptr : found->second;
}
void UnixTable::AddName(const SocketAddress& name, int type, UnixSocket& socket) {
  names_[{type, Key(name)}] = &socket;
}
void UnixTable::RemoveName(const SocketAddress& name, int type) { names_.erase({type, Key(name)}); }

UnixSocket* UnixTable::FindNode(uint64_t device, uint64_t inode) const {
  const auto found = nodes_.find({device, inode});
  return found == nodes_.end() ? nullptr : found->second;
}
void UnixTable::AddNode(uint64_t device, uint64_t inode, UnixSocket& socket) {
  nodes_[{device, inode}] = &socket;
}
void UnixTable::RemoveNode(uint64_t device, uint64_t inode) { nodes_.erase({device, inode}); }

void UnixTable::InFlight(FileDescription& right, uint32_t uid, int change) {
  uint64_t& count = by_uid_[uid];
  count += static_cast<uint64_t>(static_cast<int64_t>(change));
  UnixSocket* socket = dynamic_cast<UnixSocket*>(&right);
  if (socket == nullptr) return;
  auto& [entry, references] = sockets_[socket->inode()];
  entry = socket;
  references += static_cast<uint32_t>(change);
  if (references == 0) sockets_.erase(socket->inode());
}

uint64_t UnixTable::InFlightOf(uint32_t uid) const {
  const auto found = by_uid_.find(uid);
  return found == by_uid_.end() ? 0 : found->second;
}

struct UnixTable::Candidate {
  UnixSocket* socket;
  uint32_t from_outside;  // References from queues that are none of the candidates'.
  bool reachable = false;
};

void UnixTable::Collect() {
  if (sockets_.empty()) return;
  // Those that nothing but messages refers to.
  std::map<uint64_t, Candidate> candidates;
  for (const auto& [inode, entry] : sockets_) {
    const auto& [socket, in_flight] = entry;
    if (socket->references() == in_flight) candidates[inode] = {socket, in_flight};
  }
  const auto for_each_in_queue = [&](UnixSocket& socket, auto&& act) {
    socket.ForEachRight([&](FileDescription& right) {
      UnixSocket* held = dynamic_cast<UnixSocket*>(&right);
      if (held == nullptr) return;
      const auto found = candidates.find(held->inode());
      if (found != candidates.end()) act(found->second);
    });
  };
  for (auto& [inode, candidate] : candidates) {
    for_each_in_queue(*candidate.socket, [](Candidate& held) { --held.from_outside; });
  }
  std::deque<Candidate*> reached;
  for (auto& [inode, candidate] : candidates) {
    if (candidate.from_outside == 0) continue;
    candidate.reachable = true;
    reached.push_back(&candidate);
  }
  while (!reached.empty()) {
    Candidate& candidate = *reached.front();
    reached.pop_front();
    for_each_in_queue(*candidate.socket, [&](Candidate& held) {
      if (held.reachable) return;
      held.reachable = true;
      reached.push_back(&held);
    });
  }
  // All queues are emptied before the first message goes, so that nobody sees a half.
  std::deque<std::unique_ptr<UnixMessage>> garbage;
  for (auto& [inode, candidate] : candidates) {
    if (!candidate.reachable) candidate.socket->GiveUpQueue(garbage);
  }
  while (!garbage.empty()) garbage.pop_front();
}

}  // namespace pollux::os_emu
