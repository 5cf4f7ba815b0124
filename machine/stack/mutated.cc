// A program with inlined functions, templates, several files and exceptions in its DWARF: what
// mutation_test damages. Never run.
#include <algorithm>
#include <cstdio>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

template <typename T>
struct Stack {
  std::vector<T> items;
  void Push(T item) { items.push_back(std::move(item)); }
  T Pop() {
    if (items.empty()) throw std::out_of_range("empty");
    T item = std::move(items.back());
    items.pop_back();
    return item;
  }
};

inline int Twice(int value) { return value * 2; }

__attribute__((noinline)) int Sum(std::vector<int> numbers) {
  std::sort(numbers.begin(), numbers.end(), [](int a, int b) { return Twice(a) > Twice(b); });
  return std::accumulate(numbers.begin(), numbers.end(), 0);
}

}  // namespace

int main(int argc, char** argv) {
  Stack<std::string> names;
  Stack<int> lengths;
  for (int i = 0; i < argc; ++i) {
    names.Push(argv[i]);
    lengths.Push(Twice(static_cast<int>(names.items.back().size())));
  }
  try {
    for (;;) std::printf("%s %d\n", names.Pop().c_str(), lengths.Pop());
  } catch (const std::out_of_range&) {
    return Sum(lengths.items);
  }
}
