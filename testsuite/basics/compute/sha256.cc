// sha256: FIPS 180-4, over the standard's own examples and a few megabytes: rotations, additions,
// loads in every size.
#include <cstdint>
#include <string>

#include "testsuite/basics/check.h"

namespace {

class Sha256 {
 public:
  Sha256() {
    // Fractional parts of the roots of the first primes, computed rather than copied.
    int count = 0;
    for (uint64_t n = 2; count < 64; ++n) {
      bool prime = true;
      for (uint64_t d = 2; d * d <= n; ++d) prime = prime && n % d != 0;
      if (!prime) continue;
      if (count < 8) state_[count] = Fraction(n, 2);
      constants_[count++] = Fraction(n, 3);
    }
  }
  void Add(const unsigned char* bytes, size_t size) {
    length_ += size;
    for (size_t i = 0; i < size; ++i) {
      block_[filled_++] = bytes[i];
      if (filled_ == 64) Block();
    }
  }
  std::string Finish() {
    const uint64_t bits = length_ * 8;
    const unsigned char one = 0x80, zero = 0;
    Add(&one, 1);
    while (filled_ != 56) Add(&zero, 1);
    for (int i = 0; i < 8; ++i) block_[56 + i] = static_cast<unsigned char>(bits >> (56 - 8 * i));
    Block();
    std::string text;
    char digits[9];
    for (const uint32_t word : state_) {
      std::snprintf(digits, sizeof digits, "%08x", word);
      text += digits;
    }
    return text;
  }

 private:
  // The first 32 bits of the fractional part of n's square or cube root: the largest x with (x /
  // 2^32)^degree <= n.
  static uint32_t Fraction(uint64_t n, int degree) {
    uint64_t x = 0;
    for (int bit = 38; bit >= 0; --bit) {
      const uint64_t next = x | uint64_t{1} << bit;
      // next is below 2^39: powers are compared in 128 bits, shifted down where they would not fit.
      const unsigned __int128 square = static_cast<unsigned __int128>(next) * next;
      const bool small = degree == 2 ? square <= static_cast<unsigned __int128>(n) << 64
                                     : square <= (static_cast<unsigned __int128>(n) << 96) / next;
      if (small) x = next;
    }
    return static_cast<uint32_t>(x);
  }
  static uint32_t Rotate(uint32_t x, int by) { return x >> by | x << (32 - by); }
  void Block() {
    filled_ = 0;
    uint32_t w[64];
    for (int i = 0; i < 16; ++i) {
      w[i] = static_cast<uint32_t>(block_[4 * i]) << 24 | block_[4 * i + 1] << 16 |
             block_[4 * i + 2] << 8 | block_[4 * i + 3];
    }
    for (int i = 16; i < 64; ++i) {
      const uint32_t s0 = Rotate(w[i - 15], 7) ^ Rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
      const uint32_t s1 = Rotate(w[i - 2], 17) ^ Rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t v[8];
    for (int i = 0; i < 8; ++i) v[i] = state_[i];
    for (int i = 0; i < 64; ++i) {
      const uint32_t s1 = Rotate(v[4], 6) ^ Rotate(v[4], 11) ^ Rotate(v[4], 25);
      const uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
      const uint32_t first = v[7] + s1 + choice + constants_[i] + w[i];
      const uint32_t s0 = Rotate(v[0], 2) ^ Rotate(v[0], 13) ^ Rotate(v[0], 22);
      const uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
      for (int j = 7; j > 0; --j) v[j] = v[j - 1];
      v[4] += first;
      v[0] = first + s0 + majority;
    }
    for (int i = 0; i < 8; ++i) state_[i] += v[i];
  }

  uint32_t state_[8], constants_[64];
  unsigned char block_[64];
  size_t filled_ = 0;
  uint64_t length_ = 0;
};

std::string Hash(const std::string& text) {
  Sha256 hash;
  hash.Add(reinterpret_cast<const unsigned char*>(text.data()), text.size());
  return hash.Finish();
}

}  // namespace

int main() {
  Must(Hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
       "the standard's first example");
  std::printf("%s\n%s\n", Hash("").c_str(), Hash(std::string(1000000, 'a')).c_str());
  Sha256 hash;
  unsigned char bytes[1024];
  uint32_t state = 1;
  for (int i = 0; i < 2048; ++i) {
    for (unsigned char& byte : bytes) {
      state = state * 1664525 + 1013904223;
      byte = static_cast<unsigned char>(state >> 24);
    }
    hash.Add(bytes, sizeof bytes);
  }
  std::printf("%s\n", hash.Finish().c_str());
  return 0;
}
