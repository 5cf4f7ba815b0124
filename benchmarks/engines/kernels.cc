// What small processors are compared by, in the mix that CoreMark made known (this is not its
// source): a linked list that is searched, reversed and sorted, matrices of small numbers, a state
// machine that reads text, and a CRC of all that comes out.
#include <cstddef>
#include <cstring>

#include "benchmarks/engines/workload.h"

namespace {

uint16_t AddToCrc(uint16_t crc, uint16_t value) {
  for (int bit = 0; bit < 16; ++bit) {
    const bool carry = ((crc ^ value) & 1) != 0;
    crc >>= 1;
    value >>= 1;
    if (carry) crc ^= 0xa001;
  }
  return crc;
}

// ---------------------------------------------------------------------------------------------------
// The list.

struct Node {
  Node* next;
  int16_t value;
  int16_t index;
};

constexpr int kNodes = 48;

Node* Find(Node* list, int16_t value) {
  while (list != nullptr && list->value != value) list = list->next;
  return list;
}

Node* Reverse(Node* list) {
  Node* reversed = nullptr;
  while (list != nullptr) {
    Node* next = list->next;
    list->next = reversed;
    reversed = list;
    list = next;
  }
  return reversed;
}

bool ByValue(const Node& a, const Node& b) { return a.value <= b.value; }
bool ByIndex(const Node& a, const Node& b) { return a.index <= b.index; }

// Merges runs of 1, 2, 4... nodes.
Node* Sort(Node* list, bool (*in_order)(const Node&, const Node&)) {
  for (int run = 1;; run *= 2) {
    Node* rest = list;
    Node** end = &list;
    int merges = 0;
    while (rest != nullptr) {
      ++merges;
      Node* left = rest;
      int left_size = 0, right_size = run;
      for (; left_size < run && rest != nullptr; ++left_size) rest = rest->next;
      while (left_size > 0 || (right_size > 0 && rest != nullptr)) {
        const bool take_left =
            left_size > 0 && (right_size == 0 || rest == nullptr || in_order(*left, *rest));
        Node*& source = take_left ? left : rest;
        (take_left ? left_size : right_size)--;
        *end = source;
        end = &source->next;
        source = *end;
      }
    }
    *end = nullptr;
    if (merges <= 1) return list;
  }
}

uint16_t List(uint16_t crc, Node* nodes, uint32_t seed) {
  for (int i = 0; i < kNodes; ++i) {
    nodes[i] = {i + 1 < kNodes ? &nodes[i + 1] : nullptr,
                static_cast<int16_t>((seed * 31 + static_cast<uint32_t>(i) * 2777) & 0x7f),
                static_cast<int16_t>(i)};
  }
  Node* list = nodes;
  for (int16_t value = 0; value < 16; ++value) {
    const Node* found = Find(list, value);
    crc = AddToCrc(crc, found == nullptr ? 0xffff : static_cast<uint16_t>(found->index));
    list = Reverse(list);
  }
  list = Sort(list, ByValue);
  for (const Node* node = list; node != nullptr; node = node->next)
    crc = AddToCrc(crc, static_cast<uint16_t>(node->value ^ node->index));
  list = Sort(list, ByIndex);
  return AddToCrc(crc, static_cast<uint16_t>(list->value));
}

// ---------------------------------------------------------------------------------------------------
// The matrices.

constexpr int kSize = 12;

struct Matrices {
  int16_t a[kSize][kSize], b[kSize][kSize];
  int32_t product[kSize][kSize];
};

uint16_t Multiply(uint16_t crc, Matrices& matrices, uint32_t seed) {
  for (int row = 0; row < kSize; ++row) {
    for (int column = 0; column < kSize; ++column) {
      seed = seed * 1103515245 + 12345;
      matrices.a[row][column] = static_cast<int16_t>(seed >> 16 & 0xff);
      matrices.b[row][column] = static_cast<int16_t>(seed >> 20);
    }
  }
  for (int row = 0; row < kSize; ++row) {
    for (int column = 0; column < kSize; ++column) {
      int32_t sum = 0;
      for (int k = 0; k < kSize; ++k) sum += matrices.a[row][k] * matrices.b[k][column];
      matrices.product[row][column] = sum;
    }
  }
  // Bits cut out of the elements, and how often they grow along a row.
  int32_t grows = 0, last = 0;
  for (const auto& row : matrices.product) {
    for (int32_t element : row) {
      const int32_t bits = (element >> 2 & 0xf) * (element >> 5 & 0x7f);
      grows += bits > last;
      last = bits;
    }
  }
  crc = AddToCrc(crc, static_cast<uint16_t>(matrices.product[3][5]));
  return AddToCrc(crc, static_cast<uint16_t>(grows));
}

// ---------------------------------------------------------------------------------------------------
// The state machine: which kind of number is each word?

enum State {
  kStart,
  kSign,
  kInteger,
  kPoint,
  kFraction,
  kExponent,
  kExponentSign,
  kPower,
  kWrong,
  kStates
};

State After(State state, char c) {
  const bool is_digit = c >= '0' && c <= '9', is_sign = c == '+' || c == '-';
  switch (state) {
    case kStart:
      return is_digit ? kInteger : is_sign ? kSign : c == '.' ? kPoint : kWrong;
    case kSign:
      return is_digit ? kInteger : c == '.' ? kPoint : kWrong;
    case kInteger:
      return is_digit ? kInteger : c == '.' ? kFraction : c == 'e' ? kExponent : kWrong;
    case kPoint:
    case kFraction:
      return is_digit ? kFraction : c == 'e' && state == kFraction ? kExponent : kWrong;
    case kExponent:
      return is_digit ? kPower : is_sign ? kExponentSign : kWrong;
    case kExponentSign:
    case kPower:
      return is_digit ? kPower : kWrong;
    default:
      return kWrong;
  }
}

uint16_t Classify(uint16_t crc, char* text, uint32_t seed) {
  // One letter differs each time, and the text comes back.
  const size_t at = seed % std::strlen(text);
  const char kept = text[at];
  if (kept != ' ') text[at] = "+5.e"[seed >> 5 & 3];
  uint16_t ends[kStates] = {}, steps = 0;
  State state = kStart;
  for (const char* next = text; *next != '\0'; ++next) {
    if (*next == ' ') {
      ++ends[state];
      state = kStart;
      continue;
    }
    const State after = After(state, *next);
    steps += after != state;
    state = after;
  }
  text[at] = kept;
  for (uint16_t count : ends) crc = AddToCrc(crc, count);
  return AddToCrc(crc, steps);
}

}  // namespace

uint64_t Work(uint64_t iterations) {
  static Node nodes[kNodes];
  static Matrices matrices;
  static char text[] =
      "5012 1234 -874 +122 35.54400 .1234500 -110.700 +0.64400 5.500e+3 -.123e-2 -87e+832 +0.6e-12 "
      "T0.3e-1F -T.T++Tq 1T3.4e4z 34.0e-T^ 7 . + -.e 18446744073709551615 2.718281828459045 ";
  uint64_t checksum = 0;
  for (uint64_t i = 0; i < iterations; ++i) {
    const uint32_t seed = static_cast<uint32_t>(i);
    uint16_t crc = static_cast<uint16_t>(checksum);
    crc = List(crc, nodes, seed);
    crc = Multiply(crc, matrices, seed);
    for (uint32_t part = 0; part < 8; ++part) crc = Classify(crc, text, seed * 8 + part);
    checksum = Mix(checksum, crc);
  }
  return checksum;
}
