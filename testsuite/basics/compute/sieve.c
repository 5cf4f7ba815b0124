// sieve: primes below ten million: a loop over memory that is larger than any cache of decoded
// pages.
#include "testsuite/basics/check.h"

enum { kLimit = 10000000 };
static unsigned char composite[kLimit];

int main(void) {
  for (long i = 2; i * i < kLimit; ++i) {
    if (composite[i]) continue;
    for (long j = i * i; j < kLimit; j += i) composite[j] = 1;
  }
  long count = 0, last = 0;
  unsigned long sum = 0;
  for (long i = 2; i < kLimit; ++i) {
    if (composite[i]) continue;
    ++count;
    last = i;
    sum += i;
  }
  printf("%ld primes, the last is %ld, sum %lu\n", count, last, sum);
  Must(count == 664579, "there are 664579 primes below ten million");
  return 0;
}
