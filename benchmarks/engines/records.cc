// Statements of systems programming in the mix that Dhrystone made known (this is not its source):
// records behind pointers, short procedures with parameters by value and by reference,
// enumerations, small arrays, comparisons and copies of short strings.
#include <cstring>

#include "benchmarks/engines/workload.h"

namespace {

enum class Kind { kParcel, kLetter, kCrate, kBarrel };

struct Record {
  Record* next;
  Kind kind;
  int32_t weight;
  int32_t shelf;
  char label[32];
};

constexpr int kShelves = 50;

// As globals, so that every procedure reads and writes memory.
struct {
  Record records[2];
  Record* current;
  bool is_heavy;
  char grade;
  int32_t total;
  int32_t shelves[kShelves];
  int32_t grid[kShelves][kShelves];
} depot;

[[gnu::noinline]] Kind KindAfter(Kind kind, char grade) {
  switch (kind) {
    case Kind::kParcel:
      return Kind::kLetter;
    case Kind::kLetter:
      return depot.total > 100 ? Kind::kParcel : Kind::kBarrel;
    case Kind::kCrate:
      return grade == 'A' ? Kind::kCrate : Kind::kBarrel;
    case Kind::kBarrel:
      return Kind::kCrate;
  }
  return kind;
}

[[gnu::noinline]] void AddWeights(int32_t one, int32_t other, int32_t* sum) {
  *sum = one + 2 + other;
}

[[gnu::noinline]] void PutOnShelf(int32_t (&shelves)[kShelves], int32_t (&grid)[kShelves][kShelves],
                                  int32_t shelf, int32_t value) {
  const int32_t place = shelf + 5;
  shelves[place] = value;
  shelves[place + 1] = shelves[place];
  shelves[place + 30 - shelf] = place;
  for (int32_t column = place; column <= place + 1; ++column) grid[place][column] = place;
  grid[place][place - 1] += 1;
  grid[(place + 20) % kShelves][place] = shelves[place];
  depot.total += 5;
}

[[gnu::noinline]] bool SameInitial(const char* one, const char* other, int at) {
  return one[at] == other[at + 1];
}

// Whether `one` sorts behind `other`.
[[gnu::noinline]] bool SortsBehind(const char* one, const char* other) {
  int at = 1;
  char found = 'Z';
  while (at <= 2) {
    if (SameInitial(one, other, at)) found = 'A';
    ++at;
  }
  if (found == 'A') depot.grade = 'A';
  if (std::strcmp(one, other) <= 0) return false;
  depot.total += at;
  return true;
}

[[gnu::noinline]] void Follow(Record* record) {
  Record* next = record->next;
  *next = *depot.current;
  next->next = record;
  record->weight = 5 + record->weight % 1000;
  next->weight = record->weight;
  if (next->kind == Kind::kParcel) {
    next->shelf = 6;
    next->kind = KindAfter(record->kind, depot.grade);
    AddWeights(next->shelf, 10, &next->shelf);
  } else {
    *record = *next;
    record->next = next;
    record->kind = KindAfter(record->kind, depot.grade);
  }
}

}  // namespace

uint64_t Work(uint64_t iterations) {
  constexpr int kRounds = 100;
  depot.current = &depot.records[0];
  depot.records[0] = {&depot.records[1], Kind::kParcel, 40, 1, "a parcel for the first floor"};
  depot.records[1] = {&depot.records[0], Kind::kLetter, 1, 2, "a letter for the 2nd floor"};
  char first[32], second[32];
  uint64_t checksum = 0;
  for (uint64_t i = 0; i < iterations; ++i) {
    for (int round = 0; round < kRounds; ++round) {
      std::strcpy(first, "THE RECORD WITH THE 1ST STRING");
      std::strcpy(second, "THE RECORD WITH THE 2ND STRING");
      second[20] = static_cast<char>('0' + round % 10);
      depot.is_heavy = !SortsBehind(second, first);
      int32_t one = 2, other = 3, sum = 0;
      while (one < other) {
        sum = 5 * one - other;
        AddWeights(one, other, &sum);
        ++one;
      }
      PutOnShelf(depot.shelves, depot.grid, one + round % 10, sum);
      Follow(depot.current);
      for (char grade = 'A'; grade <= depot.grade; ++grade) {
        if (depot.current->kind != KindAfter(Kind::kCrate, grade)) continue;
        std::strcpy(second, "THE RECORD WITH THE 3RD STRING");
        other = round;
      }
      other = other * one;
      one = other / (sum + 1);
      other = 7 * (other - sum) - one;
      depot.total = depot.is_heavy ? depot.total % 1000 : depot.total + other % 7;
    }
    checksum = Mix(checksum, static_cast<uint64_t>(depot.total));
    checksum = Mix(checksum, static_cast<uint64_t>(depot.current->kind));
    checksum = Mix(checksum, static_cast<uint64_t>(depot.current->weight));
  }
  for (int32_t value : depot.shelves) checksum = Mix(checksum, static_cast<uint64_t>(value));
  for (const auto& row : depot.grid)
    for (int32_t value : row) checksum = Mix(checksum, static_cast<uint64_t>(value));
  return Mix(checksum, static_cast<unsigned char>(second[20]));
}
