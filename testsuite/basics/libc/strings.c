// strings: the functions of string.h at every alignment, with strings that end where the memory
// ends: the next page cannot be read. They load whole words, and must not load the word too many.
#include <strings.h>
#include <sys/mman.h>

#include "testsuite/basics/check.h"

enum { kPage = 4096, kLongest = 70 };

static char* PageBeforeNothing(void) {
  char* pages = mmap(NULL, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  Must(pages != MAP_FAILED && mprotect(pages + kPage, kPage, PROT_NONE) == 0, "mmap");
  return pages;
}

int main(void) {
  char* end = PageBeforeNothing() + kPage;
  char* other_end = PageBeforeNothing() + kPage;
  for (int length = 0; length <= kLongest; ++length) {
    char* text = end - length - 1;
    char* other = other_end - length - 1;
    memset(text, 'a', length);
    text[length] = '\0';
    Must((int)strlen(text) == length && (int)strnlen(text, 1000) == length, "strlen");
    strcpy(other, text);
    Must(strcmp(text, other) == 0 && memcmp(text, other, length + 1) == 0,
         "strcpy, strcmp and memcmp");
    Must(strchr(text, 'b') == NULL && strchr(text, '\0') == text + length, "strchr");
    Must(rawmemchr(text, '\0') == text + length && memrchr(text, 'b', length) == NULL,
         "rawmemchr and memrchr");
    Must(strspn(text, "ab") == (size_t)length && strcspn(text, "xyz") == (size_t)length,
         "strspn and strcspn");
    for (int at = 0; at < length; ++at) {
      other[at] = 'b';
      Must(strcmp(text, other) < 0 && memcmp(other, text, length) > 0, "a difference is seen");
      Must(memchr(other, 'b', length) == other + at && strchr(other, 'b') == other + at,
           "memchr finds");
      Must(strncmp(text, other, at) == 0, "strncmp stops in time");
      Must(strrchr(other, 'b') == other + at && strstr(other, "b") == other + at,
           "strrchr and strstr");
      other[at] = 'A';
      Must(strcasecmp(text, other) == 0, "strcasecmp");
      other[at] = 'a';
    }
  }

  char buffer[200], expected[200];
  for (int from = 0; from < 20; ++from) {
    for (int to = 0; to < 20; ++to) {
      for (int length = 0; length < 80; length += 7) {
        for (int i = 0; i < 200; ++i) buffer[i] = expected[i] = (char)(i * 7);
        for (int i = 0; i < length; ++i) expected[to + i] = (char)((from + i) * 7);
        memmove(buffer + to, buffer + from, length);
        Must(memcmp(buffer, expected, sizeof buffer) == 0, "memmove between overlapping places");
      }
    }
  }

  char list[] = "one,two;;three";
  char* rest = NULL;
  for (char* word = strtok_r(list, ",;", &rest); word != NULL; word = strtok_r(NULL, ",;", &rest)) {
    printf("[%s] ", word);
  }
  printf("%s %s %s\n", strerror(ENOENT), strsignal(11), basename("/usr/lib/libc.so"));
  printf("%d %d\n", strverscmp("part9", "part10") < 0, strcoll("a", "b") < 0);
  char* copy = strndup("abcdef", 3);
  char small[4];
  const char* volatile long_text = "truncated";
  const int wanted = snprintf(small, sizeof small, "%s", long_text);
  printf("%s %d %s\n", copy, wanted, small);
  free(copy);
  return 0;
}
