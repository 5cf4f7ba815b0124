#include "benchmarks/epoll_wait/cell_list.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace pollux::benchmarks {
namespace {

constexpr uint32_t kFewRegistered = 10, kMostRegistered = 1'000'000;
constexpr uint32_t kRegistered[] = {1, kFewRegistered, 100, 1000, 10'000, 100'000, kMostRegistered};
constexpr uint32_t kReady[] = {0, 1, 10, 100, 1000};
constexpr uint32_t kTimers = 10'000;

std::string LevelName(uint32_t ready, uint32_t registered) {
  return absl::StrCat("level/", registered, "/", ready);
}

// About as many events in each batch, and not too many calls without.
uint32_t CallsFor(uint32_t ready) { return std::clamp<uint32_t>(5000 / (ready + 4), 10, 1000); }

}  // namespace

std::vector<Cell> AllCells(bool tiny) {
  std::vector<Cell> cells;
  for (const uint32_t registered : kRegistered) {
    for (const uint32_t ready : kReady) {
      if (ready > registered) continue;
      cells.push_back({LevelName(ready, registered), SceneKind::kRegistered, registered,
                       Loop::kLevel, ready, CallsFor(ready)});
    }
  }
  for (const uint32_t ready : {1, 10, 100, 1000}) {
    cells.push_back({absl::StrCat("edge/1000/", ready), SceneKind::kRegistered, 1000, Loop::kEdge,
                     ready, CallsFor(ready)});
  }
  for (const uint32_t ready : {1, 10, 100, 1000}) {
    cells.push_back({absl::StrCat("oneshot/1000/", ready), SceneKind::kRegistered, 1000,
                     Loop::kOneShot, ready, CallsFor(ready)});
  }
  const struct {
    const char* name;
    Loop loop;
  } kControls[] = {{"ctl/add", Loop::kAdd}, {"ctl/mod", Loop::kModify}, {"ctl/del", Loop::kDelete}};
  for (const auto& [name, loop] : kControls)
    cells.push_back({name, SceneKind::kRegistered, 1000, loop, 0, kExtraDescriptors});
  for (const uint32_t registered : {1u, 1000u, kMostRegistered}) {
    cells.push_back({absl::StrCat("write+wait+read/", registered), SceneKind::kRegistered,
                     registered, Loop::kRoundTrip, 0, 500});
  }
  cells.push_back({"ping-pong", SceneKind::kPair, 2, Loop::kPingPong, 0, 200});
  cells.push_back({"64-waiters", SceneKind::kWaiters, 64, Loop::kWakeOne, 0, 200});
  for (const uint32_t depth : {1, 2, 3, 4}) {
    cells.push_back({absl::StrCat("nested/", depth, "/wait"), SceneKind::kNested, depth,
                     Loop::kNestedWait, 0, 500});
    cells.push_back({absl::StrCat("nested/", depth, "/write+wait+read"), SceneKind::kNested, depth,
                     Loop::kNestedRoundTrip, 0, 300});
  }
  cells.push_back({"timerfd/arm", SceneKind::kTimers, kTimers, Loop::kArm, 0, 1000});
  cells.push_back({"timerfd/expire", SceneKind::kTimers, kTimers, Loop::kExpire, 0, 300});
  cells.push_back(
      {"timerfd/expire_all", SceneKind::kTimers, kTimers, Loop::kExpireAll, 0, kTimers});
  if (!tiny) return cells;

  constexpr uint32_t kTinySize = 1000;
  for (Cell& cell : cells) {
    cell.size = std::min(cell.size, kTinySize);
    if (cell.loop == Loop::kAdd || cell.loop == Loop::kDelete) continue;
    cell.calls = cell.loop == Loop::kExpireAll ? cell.size : 3;
  }
  return cells;
}

uint32_t MostRegistered() { return kMostRegistered; }
std::string FewRegisteredName() { return LevelName(1, kFewRegistered); }
std::string MostRegisteredName() { return LevelName(1, kMostRegistered); }

}  // namespace pollux::benchmarks
