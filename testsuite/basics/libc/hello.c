// hello: the smallest program. Start-up of a C library, one line, and status 0.
#include <stdio.h>

int main(void) {
  puts("hello, world");
  return 0;
}
