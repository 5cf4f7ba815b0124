// random_bytes: getrandom fills what it is given, with other bytes each time.
#include <sys/random.h>

#include <cstdint>
#include <set>
#include <string>

#include "testsuite/basics/check.h"

int main() {
  unsigned char bytes[1000] = {};
  ShowCount("getrandom", getrandom(bytes, sizeof bytes, 0));
  int counts[256] = {};
  for (const unsigned char byte : bytes) ++counts[byte];
  int distinct = 0;
  for (const int count : counts) distinct += count > 0;
  Must(distinct > 200, "all kinds of bytes");
  std::set<uint64_t> numbers;
  for (int i = 0; i < 1000; ++i) {
    uint64_t number;
    Must(getrandom(&number, sizeof number, GRND_NONBLOCK) == sizeof number, "getrandom");
    Must(numbers.insert(number).second, "no number twice");
  }
  ShowCount("GRND_RANDOM", getrandom(bytes, 16, GRND_RANDOM));
  ShowCount("GRND_INSECURE", getrandom(bytes, 16, GRND_INSECURE));
  ShowCount("no bytes", getrandom(bytes, 0, 0));
  ShowCount("an unknown flag", getrandom(bytes, 16, 0x100));
  ShowCount("two that exclude each other", getrandom(bytes, 16, GRND_RANDOM | GRND_INSECURE));
  std::string large(100000, '\0');
  ShowCount("a large buffer", getrandom(large.data(), large.size(), 0));
  Show("getentropy", getentropy(bytes, 256));
  Show("getentropy of too much", getentropy(bytes, 257));
  Must(arc4random_uniform(10) < 10, "arc4random_uniform");
  return 0;
}
