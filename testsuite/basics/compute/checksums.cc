// checksums: CRC-32 by table, Adler-32, MD5 and FNV over the same megabyte.
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "testsuite/basics/check.h"

namespace {

uint32_t Crc32(const std::string& text) {
  uint32_t table[256];
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value & 1 ? value >> 1 ^ 0xedb88320 : value >> 1;
    table[i] = value;
  }
  uint32_t crc = ~0u;
  for (const unsigned char byte : text) crc = crc >> 8 ^ table[(crc ^ byte) & 255];
  return ~crc;
}

uint32_t Adler32(const std::string& text) {
  uint32_t a = 1, b = 0;
  for (const unsigned char byte : text) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

uint64_t Fnv1a(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const unsigned char byte : text) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

// RFC 1321.
std::string Md5(std::string text) {
  uint32_t constants[64];
  for (int i = 0; i < 64; ++i)
    constants[i] = static_cast<uint32_t>(std::floor(std::fabs(std::sin(i + 1)) * 4294967296.0));
  const int shifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
  const uint64_t bits = text.size() * 8;
  text += '\x80';
  while (text.size() % 64 != 56) text += '\0';
  for (int i = 0; i < 8; ++i) text += static_cast<char>(bits >> (8 * i));
  uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  for (size_t at = 0; at < text.size(); at += 64) {
    uint32_t words[16];
    std::memcpy(words, text.data() + at, sizeof words);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    for (int i = 0; i < 64; ++i) {
      uint32_t f;
      int word;
      switch (i / 16) {
        case 0:
          f = (b & c) | (~b & d), word = i;
          break;
        case 1:
          f = (d & b) | (~d & c), word = (5 * i + 1) % 16;
          break;
        case 2:
          f = b ^ c ^ d, word = (3 * i + 5) % 16;
          break;
        default:
          f = c ^ (b | ~d), word = 7 * i % 16;
          break;
      }
      f += a + constants[i] + words[word];
      a = d, d = c, c = b;
      const int shift = shifts[i / 16][i % 4];
      b += f << shift | f >> (32 - shift);
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
  }
  std::string digest;
  char digits[3];
  for (int i = 0; i < 16; ++i) {
    std::snprintf(digits, sizeof digits, "%02x", state[i / 4] >> (8 * (i % 4)) & 255);
    digest += digits;
  }
  return digest;
}

}  // namespace

int main() {
  Must(Crc32("123456789") == 0xcbf43926, "CRC-32's check value");
  Must(Adler32("Wikipedia") == 0x11e60398, "Adler-32's example");
  Must(Md5("abc") == "900150983cd24fb0d6963f7d28e17f72", "RFC 1321's example");
  std::string text;
  uint64_t state = 88172645463325252;
  while (text.size() < 1 << 20) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    text += static_cast<char>(state >> 32);
  }
  std::printf("%08x %08x %016llx %s\n", Crc32(text), Adler32(text),
              static_cast<unsigned long long>(Fnv1a(text)), Md5(text).c_str());
  return 0;
}
