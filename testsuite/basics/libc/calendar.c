// calendar: dates and the C locale, which need no file to read them from; wide characters.
#include <locale.h>
#include <time.h>
#include <wchar.h>
#include <wctype.h>

#include "testsuite/basics/check.h"

int main(void) {
  const time_t moments[] = {0, 951782400, 1709210096, 4102444799, -1, -2208988800};
  for (int i = 0; i < 6; ++i) {
    struct tm parts;
    char text[100];
    Must(gmtime_r(&moments[i], &parts) != NULL, "gmtime_r");
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %a %B %j %U %p", &parts);
    printf("%ld: %s\n", (long)moments[i], text);
    Must(timegm(&parts) == moments[i], "timegm is the inverse of gmtime");
  }
  Must(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1) == 0, "setenv");
  tzset();
  const time_t summer = 1720000000, winter = 1705000000;
  struct tm parts;
  localtime_r(&summer, &parts);
  printf("summer %d %d, ", parts.tm_hour, parts.tm_isdst);
  localtime_r(&winter, &parts);
  printf("winter %d %d\n", parts.tm_hour, parts.tm_isdst);
  parts = (struct tm){.tm_year = 124, .tm_mon = 12, .tm_mday = 32, .tm_isdst = -1};
  const time_t normalised = mktime(&parts);
  printf("normalised: %d-%d-%d, %ld\n", parts.tm_year, parts.tm_mon, parts.tm_mday,
         (long)normalised);
  memset(&parts, 0, sizeof parts);
  Must(strptime("29 Feb 2024 12:34:56", "%d %b %Y %H:%M:%S", &parts) != NULL, "strptime");
  printf("strptime: day %d of the week, %d of the year\n", parts.tm_wday, parts.tm_yday);

  printf("locale %s\n", setlocale(LC_ALL, NULL));
  Must(setlocale(LC_ALL, "xx_YY") == NULL, "a locale that is not there");
  wchar_t wide[20];
  const size_t count = mbstowcs(wide, "wide text", 20);
  printf("%zu wide characters, upper %lc\n", count, towupper(wide[1]));
  printf("%ls|%6.2ls|%d\n", wide, wide, wcscmp(wide, L"wide") > 0);
  return 0;
}
