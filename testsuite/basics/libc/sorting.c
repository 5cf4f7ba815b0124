// sorting: qsort and bsearch, with calls back from the library into the program.
#include <stdint.h>

#include "testsuite/basics/check.h"

enum { kCount = 20000 };

struct Entry {
  uint32_t key;
  uint32_t place;
};

static int comparisons;
static int CompareEntries(const void* a, const void* b) {
  const struct Entry* left = a;
  const struct Entry* right = b;
  ++comparisons;
  if (left->key != right->key) return left->key < right->key ? -1 : 1;
  return left->place < right->place ? -1 : left->place > right->place;
}
static int CompareStrings(const void* a, const void* b) {
  return strcmp(*(const char* const*)a, *(const char* const*)b);
}
static int CompareDoubles(const void* a, const void* b) {
  const double left = *(const double*)a, right = *(const double*)b;
  return (left > right) - (left < right);
}

int main(void) {
  static struct Entry entries[kCount];
  uint32_t state = 1;
  for (uint32_t i = 0; i < kCount; ++i) {
    state = state * 1664525 + 1013904223;
    entries[i] = (struct Entry){(state >> 8) % 5000, i};
  }
  qsort(entries, kCount, sizeof entries[0], CompareEntries);
  uint64_t sum = 0;
  for (uint32_t i = 0; i < kCount; ++i) {
    if (i > 0) Must(CompareEntries(&entries[i - 1], &entries[i]) < 0, "entries are in order");
    sum = sum * 31 + entries[i].place;
  }
  printf("order %016llx\n", (unsigned long long)sum);
  Must(comparisons > kCount, "the comparison was called");

  const struct Entry wanted = entries[1234];
  Must(bsearch(&wanted, entries, kCount, sizeof entries[0], CompareEntries) == &entries[1234],
       "bsearch finds");
  const struct Entry missing = {6000, 0};
  Must(bsearch(&missing, entries, kCount, sizeof entries[0], CompareEntries) == NULL,
       "bsearch misses");

  const char* words[] = {"epoll", "eventfd", "pipe", "accept", "", "poll", "Epoll", "epoll_wait"};
  qsort(words, 8, sizeof words[0], CompareStrings);
  for (int i = 0; i < 8; ++i) printf("[%s] ", words[i]);
  double numbers[] = {3.5, -0.0, 1e300, -1e300, 2.25, 1e-300};
  qsort(numbers, 6, sizeof numbers[0], CompareDoubles);
  for (int i = 0; i < 6; ++i) printf("%g ", numbers[i]);
  printf("\n");
  return 0;
}
