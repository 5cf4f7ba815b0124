// streams: stdio on files: modes, positions, buffering, and streams in memory.
#include "testsuite/basics/check.h"

int main(void) {
  EnterScratchDirectory();
  FILE* file = fopen("file", "w+");
  Must(file != NULL, "fopen");
  for (int i = 0; i < 1000; ++i) fprintf(file, "line %d\n", i);
  printf("position %ld\n", ftell(file));
  rewind(file);
  char* line = NULL;
  size_t room = 0;
  int lines = 0;
  while (getline(&line, &room, file) > 0) ++lines;
  printf("%d lines, at the end %d\n", lines, feof(file) != 0);
  Must(fseek(file, -9, SEEK_END) == 0, "fseek");
  Must(getline(&line, &room, file) > 0, "getline");
  printf("the last: %s", line);
  free(line);
  Must(fseek(file, 5, SEEK_SET) == 0, "fseek");
  int number = -1;
  Must(fscanf(file, "%d", &number) == 1, "fscanf");
  printf("number %d, next %d\n", number, fgetc(file));
  Must(ungetc('X', file) == 'X' && fgetc(file) == 'X', "ungetc");
  fpos_t place;
  Must(fgetpos(file, &place) == 0, "fgetpos");
  fputs("PATCH", file);
  Must(fsetpos(file, &place) == 0, "fsetpos");
  char text[64];
  Must(fgets(text, sizeof text, file) != NULL, "fgets");
  printf("patched: %s", text);
  Must(fclose(file) == 0, "fclose");

  file = fopen("file", "a+");
  Must(file != NULL && fputs("appended\n", file) >= 0, "append");
  printf("position %ld\n", ftell(file));
  file = freopen("other", "wx", file);
  Must(file != NULL, "freopen");
  Must(setvbuf(file, NULL, _IOFBF, 10) == 0, "setvbuf");
  fputs("0123456789abcdef", file);
  struct stat status;
  Must(stat("other", &status) == 0, "stat");
  printf("some of it is in the file already: %d\n", status.st_size > 0);
  fflush(file);
  printf("flushed: [%s]\n", FileText("other"));
  Must(fclose(file) == 0, "fclose");
  Show("fopen x of what is there", fopen("other", "wx") == NULL ? -1 : 0);
  Show("fopen of nothing", fopen("missing", "r") == NULL ? -1 : 0);
  Show("fopen with a wrong mode", fopen("other", "q") == NULL ? -1 : 0);
  file = fopen("other", "r");
  Show("fputc to a stream for reading", fputc('x', file));
  printf("error flag %d\n", ferror(file) != 0);
  fclose(file);

  char memory[32] = "";
  file = fmemopen(memory, sizeof memory, "w");
  fprintf(file, "%s %d", "in memory", 7);
  fclose(file);
  char* grown = NULL;
  size_t size = 0;
  FILE* stream = open_memstream(&grown, &size);
  for (int i = 0; i < 100; ++i) fprintf(stream, "%d,", i);
  fclose(stream);
  printf("[%s] %zu bytes, ends in %s\n", memory, size, grown + size - 6);
  free(grown);

  int ends[2];
  Must(pipe(ends) == 0, "pipe");
  FILE* writer = fdopen(ends[1], "w");
  FILE* reader = fdopen(ends[0], "r");
  fputs("through a pipe\n", writer);
  fclose(writer);
  Must(fgets(text, sizeof text, reader) != NULL, "fgets");
  printf("%s", text);
  printf("then the end %d, and lseek: ", fgetc(reader) == EOF);
  Show("", fseek(reader, 0, SEEK_SET));
  file = fopen("/dev/full", "w");
  fputs("x", file);
  Show("flush to a full device", fflush(file));
  Show("remove of a file", remove("other"));
  Must(mkdir("directory", 0700) == 0, "mkdir");
  Show("remove of a directory", remove("directory"));
  return 0;
}
