// Machine: everything behind it happens in the arena, and what is given back is outside.
#include "machine/machine.h"

#include <string>
#include <utility>

#include "abi/check.h"
#include "machine/machine_impl.h"
#include "memory/arena.h"
#include "memory/snapshot.h"
#include "os_emu/vfs/host_fd.h"

namespace pollux::machine {

namespace {

absl::Status CopyOf(const absl::Status& status) {
  const memory::OutsideArena outside;
  return status.ok() ? absl::OkStatus()
                     : absl::Status(status.code(), std::string(status.message()));
}

}  // namespace

Machine::Machine() : arena_(memory::Arena::Create()) {}

Machine::~Machine() {
  const memory::Arena::Scope scope(arena_.get());
  snapshot_.reset();
  impl_.reset();
  host_fds_.reset();
}

absl::StatusOr<std::unique_ptr<Machine>> Machine::Create(Options options) {
  std::unique_ptr<Machine> machine(new Machine);
  {
    const memory::Arena::Scope scope(machine->arena_.get());
    machine->impl_ = std::make_unique<Impl>(Options(options));
    if (const absl::Status status = machine->impl_->SetUp(); !status.ok()) return CopyOf(status);
  }
  return machine;
}

absl::Status Machine::Load(std::string_view file, std::string_view name,
                           const std::vector<std::string>& arguments) {
  const memory::Arena::Scope scope(arena_.get());
  return CopyOf(impl_->Load(file, name, arguments));
}

Outcome Machine::Run() {
  std::optional<Outcome> outcome = RunUntil(UINT64_MAX);
  POLLUX_CHECK(outcome.has_value()) << "a run has an end";
  return *std::move(outcome);
}

std::optional<Outcome> Machine::RunUntil(uint64_t instructions) {
  const memory::Arena::Scope scope(arena_.get());
  const std::optional<Outcome> outcome = impl_->RunUntil(instructions);
  const memory::OutsideArena outside;
  return std::optional<Outcome>(outcome);
}

std::optional<Outcome> Machine::RunToForkPoint() {
  const memory::Arena::Scope scope(arena_.get());
  const std::optional<Outcome> outcome = impl_->RunToForkPoint();
  const memory::OutsideArena outside;
  return std::optional<Outcome>(outcome);
}

bool Machine::holds_choices() const { return impl_->holds_choices(); }

void Machine::SetStacks(bool stacks) { impl_->SetStacks(stacks); }

void Machine::SetStrategy(Strategy* strategy) { impl_->SetStrategy(strategy); }

uint64_t Machine::instructions() const { return impl_->instructions(); }

absl::Status Machine::Save() {
  const memory::Arena::Scope scope(arena_.get());
  if (const absl::Status may = impl_->MayBeSaved(); !may.ok()) return CopyOf(may);
  if (arena_ == nullptr)
    return absl::ResourceExhaustedError("the host has no room for a machine that can be put back");
  if (snapshot_ != nullptr) {
    snapshot_.reset();
    impl_->EndSave();
  }
  snapshot_ = impl_->SaveMemory();
  image_ = arena_->Save();
  const memory::OutsideArena outside;
  host_fds_.reset();
  host_fds_ = std::make_unique<os_emu::KeptHostFds>(*arena_);
  return absl::OkStatus();
}

void Machine::Restore() {
  POLLUX_CHECK(image_ != nullptr) << "Restore() without Save()";
  const memory::Arena::Scope scope(arena_.get());
  impl_->BeforeArena(*snapshot_);
  arena_->Restore(*image_);
  host_fds_->Restore();
  impl_->AfterArena(*snapshot_);
}

}  // namespace pollux::machine
