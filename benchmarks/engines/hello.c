// What it costs to start and to end: the smallest program that says something.
#include <stdio.h>

int main(void) {
  puts("hello");
  return 0;
}
