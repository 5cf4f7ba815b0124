// input: standard input read by every means in turn: read(2), getline, fgets, scanf, iostream, to
// the end, and after it.
#include <iostream>
#include <string>

#include "testsuite/basics/check.h"

int main() {
  char bytes[6] = "";
  ShowCount("read of 5 bytes", read(STDIN_FILENO, bytes, 5));
  std::printf("[%s]\n", bytes);

  char* line = nullptr;
  size_t room = 0;
  const ssize_t length = getline(&line, &room, stdin);
  std::printf("getline: %zd [%.*s]\n", length, static_cast<int>(length - 1), line);
  std::free(line);
  char text[64];
  Must(std::fgets(text, sizeof text, stdin) != nullptr, "fgets");
  std::printf("fgets: %zu characters\n", std::strlen(text));
  int a = 0, b = 0;
  std::printf("scanf: %d", std::scanf("%d + %d", &a, &b));
  std::printf(" %d %d\n", a, b);
  std::printf("getchar: %d\n", std::getchar());

  std::string word;
  std::cin >> word;
  std::cout << "cin: " << word << std::endl;
  int lines = 0;
  long sum = 0;
  while (std::getline(std::cin, word)) {
    ++lines;
    for (const char c : word) sum += c;
  }
  std::cout << lines << " more lines, sum " << sum << ", eof " << std::cin.eof() << std::endl;
  ShowCount("read at the end", read(STDIN_FILENO, bytes, 5));
  ShowCount("and again", read(STDIN_FILENO, bytes, 5));
  std::printf("a terminal: %d\n", isatty(STDIN_FILENO));
  return 0;
}
