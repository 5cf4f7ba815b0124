// Strings and memory as the C and C++ libraries handle them: words are made, joined, searched,
// copied, compared and sorted.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/engines/workload.h"

namespace {

std::string MakeWord(Numbers& numbers) {
  constexpr std::string_view kConsonants = "bcdfghklmnprstvz", kVowels = "aeiou";
  std::string word;
  // Now and then longer than what a std::string holds without an allocation.
  for (uint32_t syllables = 1 + numbers.Below(10); syllables > 0; --syllables) {
    word += kConsonants[numbers.Below(kConsonants.size())];
    word += kVowels[numbers.Below(kVowels.size())];
  }
  return word;
}

uint64_t MixText(uint64_t checksum, std::string_view text) {
  for (; text.size() >= 8; text.remove_prefix(8)) {
    uint64_t part;
    std::memcpy(&part, text.data(), sizeof(part));
    checksum = Mix(checksum, part);
  }
  for (char letter : text) checksum = Mix(checksum, static_cast<unsigned char>(letter));
  return checksum;
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> words;
  size_t from = 0;
  for (size_t at; (at = text.find(separator, from)) != std::string::npos; from = at + 1)
    words.push_back(text.substr(from, at - from));
  words.push_back(text.substr(from));
  return words;
}

}  // namespace

uint64_t Work(uint64_t iterations) {
  constexpr int kWords = 300;
  Numbers numbers(7);
  uint64_t checksum = 0;
  std::vector<char> copies(1 << 16);
  for (uint64_t i = 0; i < iterations; ++i) {
    std::string text;
    for (int word = 0; word < kWords; ++word) {
      if (word > 0) text += ' ';
      text += MakeWord(numbers);
    }
    // The same text many times over, and moved by a little.
    size_t filled = 0;
    for (; filled + text.size() + 1 < copies.size() - 16; filled += text.size())
      std::memcpy(&copies[filled], text.data(), text.size());
    std::memmove(&copies[i % 16], copies.data(), filled);
    copies[filled] = '\0';
    checksum = Mix(checksum, std::strlen(copies.data() + i % 16));
    const char* found = std::strstr(copies.data() + text.size(), "zuz");
    checksum = Mix(checksum, found == nullptr ? 0 : static_cast<uint64_t>(found - copies.data()));

    std::vector<std::string> words = Split(text, ' ');
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    std::stable_sort(words.begin(), words.end(), [](const std::string& a, const std::string& b) {
      return a.size() < b.size();
    });
    checksum = Mix(checksum, words.size());
    for (const std::string& word : words) checksum = MixText(checksum, word);
  }
  return checksum;
}
