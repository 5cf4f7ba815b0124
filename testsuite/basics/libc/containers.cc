// containers: the C++ library at work: containers, strings, streams, regular expressions,
// algorithms.
#include <algorithm>
#include <deque>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

#include "testsuite/basics/check.h"

int main() {
  std::unordered_map<std::string, int> counts;
  std::istringstream text(
      "the quick brown fox jumps over the lazy dog and the fox runs over the hill");
  for (std::string word; text >> word;) ++counts[word];
  const std::map<std::string, int> sorted(counts.begin(), counts.end());
  for (const auto& [word, count] : sorted) std::cout << word << '=' << count << ' ';
  std::cout << '\n';

  std::unordered_map<int, int> squares;
  for (int i = 0; i < 50000; ++i) squares[i * 7919] = i;
  for (int i = 0; i < 50000; i += 2) squares.erase(i * 7919);
  long sum = 0;
  for (const auto& [key, value] : squares) sum += value;
  std::cout << squares.size() << " left, sum " << sum << '\n';

  std::mt19937_64 random(42);
  std::vector<uint64_t> numbers(10000);
  std::generate(numbers.begin(), numbers.end(), random);
  std::sort(numbers.begin(), numbers.end());
  Must(std::is_sorted(numbers.begin(), numbers.end()), "sorted");
  std::cout << std::hex << numbers.front() << ' ' << numbers[5000] << ' ' << numbers.back()
            << std::dec << '\n';
  std::shuffle(numbers.begin(), numbers.end(), random);
  std::nth_element(numbers.begin(), numbers.begin() + 5000, numbers.end());
  std::cout << std::hex << numbers[5000] << std::dec << '\n';

  std::deque<int> queue;
  std::set<int, std::greater<>> set;
  for (int i = 0; i < 1000; ++i) {
    i % 3 == 0 ? queue.push_front(i) : queue.push_back(i);
    set.insert(i * 37 % 101);
  }
  std::cout << queue.front() << ' ' << queue.back() << ' ' << *set.begin() << ' ' << set.size()
            << '\n';

  auto shared = std::make_shared<std::string>("shared");
  std::weak_ptr<std::string> weak = shared;
  std::cout << shared.use_count() << ' ' << weak.expired();
  shared.reset();
  std::cout << ' ' << weak.expired() << '\n';

  std::ostringstream out;
  out << std::setw(8) << std::setfill('*') << 3.14159 << ' ' << std::fixed << std::setprecision(3)
      << 2.0 / 3 << ' ' << std::scientific << 12345.678 << ' ' << std::boolalpha << true << ' '
      << std::showbase << std::hex << 255;
  std::cout << out.str() << '\n';

  const std::string call = "epoll_ctl(3, EPOLL_CTL_ADD, 4) = 0";
  std::smatch match;
  Must(std::regex_match(call, match, std::regex(R"((\w+)\((\d+), (\w+), (\d+)\) = (-?\d+))")),
       "regex_match");
  for (size_t i = 1; i < match.size(); ++i) std::cout << match[i] << ';';
  std::cout << std::regex_replace(call, std::regex("[0-9]+"), "N") << '\n';

  EnterScratchDirectory();
  {
    std::ofstream file("numbers");
    for (int i = 0; i < 5000; ++i) file << i * i << '\n';
  }
  std::ifstream file("numbers");
  long total = 0;
  for (long number; file >> number;) total += number;
  std::cout << total << ' ' << file.eof() << ' ' << std::ifstream("missing").is_open() << std::endl;
  return 0;
}
