#include "machine/fingerprint.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "absl/hash/hash.h"

namespace pollux::machine {
namespace {

// Of a stack, from its top.
constexpr size_t kWords = 256;

bool IsCode(memory::AddressSpace& memory, uint64_t addr) {
  uint16_t halfwords[2];
  memory::Fault fault;
  return (addr & 1) == 0 && memory.Fetch(GuestAddr{addr}, halfwords, &fault) > 0;
}

}  // namespace

uint64_t FingerprintOf(std::span<const StackSubject> subjects) {
  size_t hash = subjects.size();
  for (const StackSubject& subject : subjects) {
    hash = absl::HashOf(hash, subject.cpu->pc);
    if (subject.memory == nullptr) continue;
    std::array<uint8_t, kWords * 8> bytes;
    size_t read = 0;
    if (subject.then != nullptr) {
      read = std::min(bytes.size(), subject.then->bytes.size());
      std::memcpy(bytes.data(), subject.then->bytes.data(), read);
    } else {
      read = subject.memory->Read(GuestAddr{subject.cpu->x[interp::kSp] & ~uint64_t{7}}, bytes);
    }
    for (size_t at = 0; at + 8 <= read; at += 8) {
      uint64_t word;
      std::memcpy(&word, bytes.data() + at, 8);
      if (IsCode(*subject.memory, word)) hash = absl::HashOf(hash, word);
    }
  }
  return hash;
}

}  // namespace pollux::machine
