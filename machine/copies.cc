// What a machine does to be kept at a moment and put back to it.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "machine/machine_impl.h"

namespace pollux::machine {

absl::Status Machine::Impl::MayBeSaved() const {
  const auto refuse = [](std::string_view what) {
    return absl::FailedPreconditionError(absl::StrCat(
        "a machine with ", absl::string_view(what.data(), what.size()), " cannot be put back"));
  };
  if (outside_ != nullptr) return refuse("the host's clock");
  if (historian_ != nullptr) return refuse("a history");
  for (const std::string& mount : options_.mounts)
    if (!mount.ends_with(":ro")) return refuse("a directory of the host that it may write to");
  return absl::OkStatus();
}

std::unique_ptr<memory::Snapshot> Machine::Impl::SaveMemory() {
  ReleaseEnded();
  std::vector<memory::AddressSpace*> spaces;
  for (const auto& [pid, process] : kernel_.processes()) {
    memory::AddressSpace* const space = process->memory.get();
    if (space != nullptr && std::find(spaces.begin(), spaces.end(), space) == spaces.end())
      spaces.push_back(space);
  }
  engines_.Keep();
  return memory::Snapshot::Take(&kernel_.budget(), spaces);
}

void Machine::Impl::BeforeArena(memory::Snapshot& snapshot) {
  engines_.DropNewer();
  snapshot.RestoreHost();
}

void Machine::Impl::AfterArena(memory::Snapshot& snapshot) {
  engines_.AfterArena(snapshot.AfterArena());
  host_poller_.WatchAgain();
}

}  // namespace pollux::machine
