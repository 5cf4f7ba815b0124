// AddressSpaceTest: an empty address space with short names for what its tests do all the time.
#ifndef POLLUX_MEMORY_ADDRESS_SPACE_FIXTURE_H_
#define POLLUX_MEMORY_ADDRESS_SPACE_FIXTURE_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "memory/address_space.h"

namespace pollux::memory {

inline constexpr uint64_t kBase = 0x40000000;
inline constexpr uint64_t kPage = kPageBytes;
inline constexpr uint32_t kRw = kProtRead | kProtWrite;
inline constexpr uint32_t kRx = kProtRead | kProtExec;

class AddressSpaceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto space = AddressSpace::Create(&budget_);
    ASSERT_TRUE(space.ok());
    space_ = *std::move(space);
  }

  uint64_t MapAt(uint64_t start, uint64_t bytes, uint32_t prot) {
    AddressSpace::MapRequest request;
    request.hint = GuestAddr{start};
    request.length = bytes;
    request.prot = prot;
    request.fixed = true;
    auto result = space_->Map(request);
    EXPECT_TRUE(result.ok()) << ErrnoName(result.error());
    return result.ok() ? result->value : 0;
  }

  Result<GuestAddr> MapAnywhere(uint64_t bytes, uint64_t hint = 0) {
    AddressSpace::MapRequest request;
    request.hint = GuestAddr{hint};
    request.length = bytes;
    request.prot = kRw;
    return space_->Map(request);
  }

  uint64_t MapFileAt(uint64_t start, uint64_t bytes, const std::vector<uint8_t>& contents,
                     uint32_t prot = kRw) {
    AddressSpace::MapRequest request;
    request.hint = GuestAddr{start};
    request.length = bytes;
    request.prot = prot;
    request.fixed = true;
    request.from_file = true;
    request.contents = contents;
    request.inode = 7;
    request.name = "/data";
    auto result = space_->Map(request);
    EXPECT_TRUE(result.ok());
    return result.ok() ? result->value : 0;
  }

  // "start-end prot" of each mapping, relative to kBase in pages.
  std::vector<std::string> Layout() const {
    std::vector<std::string> lines;
    for (const Mapping& mapping : space_->Mappings()) {
      lines.push_back(std::to_string((mapping.start - kBase) / kPage) + "-" +
                      std::to_string((mapping.end - kBase) / kPage) + " " +
                      ((mapping.prot & kProtRead) ? "r" : "-") +
                      ((mapping.prot & kProtWrite) ? "w" : "-") +
                      ((mapping.prot & kProtExec) ? "x" : "-"));
    }
    return lines;
  }

  bool Store(uint64_t addr, uint64_t value, uint64_t size = 8) {
    if (!space_->Prepare(Access::kStore, GuestAddr{addr}, size, &fault_)) return false;
    std::memcpy(space_->base() + addr, &value, size);
    return true;
  }

  uint64_t Load(uint64_t addr) {
    const auto value = space_->ReadObject<uint64_t>(GuestAddr{addr});
    EXPECT_TRUE(value.ok()) << std::hex << addr;
    return value.ok() ? *value : 0;
  }

  bool Faults(Access access, uint64_t addr, uint64_t size = 1) {
    return !space_->Prepare(access, GuestAddr{addr}, size, &fault_);
  }

  uint8_t Flags(uint64_t addr) const { return space_->flags()[addr >> kPageShift]; }

  MemoryBudget budget_;
  std::unique_ptr<AddressSpace> space_;
  Fault fault_;
};

}  // namespace pollux::memory

#endif  // POLLUX_MEMORY_ADDRESS_SPACE_FIXTURE_H_
