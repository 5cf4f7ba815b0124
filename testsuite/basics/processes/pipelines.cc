// pipelines: processes joined by pipes: three stages, the end that goes from one to the next, a
// reader that leaves early and SIGPIPE for the writers, a ring that a token goes around.
#include <vector>

#include "testsuite/basics/tasks.h"

namespace {

struct Pipe {
  Pipe() { Must(pipe2(ends, O_CLOEXEC) == 0, "pipe2"); }
  int ends[2];
};

void CloseAll(std::initializer_list<Pipe*> pipes) {
  for (Pipe* pipe : pipes) close(pipe->ends[0]), close(pipe->ends[1]);
}

// A stage: reads numbers until the end, writes what `change` makes of them.
template <typename Change>
int Stage(int in, int out, Change change) {
  FILE* from = fdopen(in, "r");
  FILE* to = fdopen(out, "w");
  long number;
  while (std::fscanf(from, "%ld", &number) == 1) {
    if (change(&number)) std::fprintf(to, "%ld\n", number);
  }
  Must(std::feof(from) && std::fclose(to) == 0, "the end");
  return 0;
}

void ThreeStages() {
  Pipe first, second, third;
  const pid_t source = Fork([&] {
    const int out = dup(first.ends[1]);
    CloseAll({&first, &second, &third});
    FILE* to = fdopen(out, "w");
    for (int i = 1; i <= 20000; ++i) std::fprintf(to, "%d\n", i);
    return std::fclose(to);
  });
  const pid_t filter = Fork([&] {
    const int in = dup(first.ends[0]), out = dup(second.ends[1]);
    CloseAll({&first, &second, &third});
    return Stage(in, out, [](const long* number) { return *number % 3 == 0; });
  });
  const pid_t squares = Fork([&] {
    const int in = dup(second.ends[0]), out = dup(third.ends[1]);
    CloseAll({&first, &second, &third});
    return Stage(in, out, [](long* number) { return *number *= *number, true; });
  });
  const int in = dup(third.ends[0]);
  CloseAll({&first, &second, &third});
  FILE* from = fdopen(in, "r");
  long number, sum = 0, count = 0;
  while (std::fscanf(from, "%ld", &number) == 1) sum += number, ++count;
  std::fclose(from);
  std::printf("three stages: %ld numbers, sum %ld\n", count, sum);
  ShowEnd("source", source);
  ShowEnd("filter", filter);
  ShowEnd("squares", squares);
}

// `yes | head -1`: the writer is told only when it writes again.
void LeavesEarly(bool ignored) {
  Pipe pipe;
  const pid_t writer = Fork([&] {
    close(pipe.ends[0]);
    if (ignored) Must(signal(SIGPIPE, SIG_IGN) != SIG_ERR, "signal");
    for (;;) {
      if (write(pipe.ends[1], "yes\n", 4) != 4) return errno == EPIPE ? 11 : 12;
    }
  });
  const pid_t reader = Fork([&] {
    close(pipe.ends[1]);
    char bytes[4];
    return read(pipe.ends[0], bytes, 4) == 4 ? 0 : 1;
  });
  CloseAll({&pipe});
  ShowEnd("reader", reader);
  ShowEnd(ignored ? "writer that ignores SIGPIPE" : "writer", writer);
}

void Ring() {
  constexpr int kProcesses = 6, kRounds = 40;
  std::vector<Pipe> pipes(kProcesses);
  std::vector<pid_t> children;
  for (int me = 1; me < kProcesses; ++me) {
    children.push_back(Fork([&, me] {
      const int in = dup(pipes[static_cast<size_t>(me)].ends[0]);
      const int out = dup(pipes[static_cast<size_t>((me + 1) % kProcesses)].ends[1]);
      for (Pipe& pipe : pipes) CloseAll({&pipe});
      int token, seen = 0;
      while (read(in, &token, sizeof token) == sizeof token) {
        ++token, ++seen;
        Must(write(out, &token, sizeof token) == sizeof token, "write");
      }
      return seen;
    }));
  }
  const int in = dup(pipes[0].ends[0]);
  const int out = dup(pipes[1].ends[1]);
  for (Pipe& pipe : pipes) CloseAll({&pipe});
  int token = 0;
  for (int i = 0; i < kRounds; ++i) {
    Must(write(out, &token, sizeof token) == sizeof token, "write");
    Must(read(in, &token, sizeof token) == sizeof token, "read");
  }
  close(out);
  int seen = 0;
  for (const pid_t child : children) seen += WEXITSTATUS(Wait(child));
  char byte;
  std::printf("ring: token %d, seen %d, then the end: %zd\n", token, seen, read(in, &byte, 1));
}

// Several writers share one pipe; writes of at most PIPE_BUF bytes are whole.
void ManyWriters() {
  Pipe pipe;
  for (int me = 0; me < 4; ++me) {
    Fork([&, me] {
      const std::string line = std::string(static_cast<size_t>(100 + 700 * me), 'a' + me) + "\n";
      for (int i = 0; i < 20; ++i) {
        Must(write(pipe.ends[1], line.data(), line.size()) == static_cast<long>(line.size()), "");
      }
      return 0;
    });
  }
  close(pipe.ends[1]);
  FILE* from = fdopen(pipe.ends[0], "r");
  char line[4096];
  int lines[4] = {};
  while (std::fgets(line, sizeof line, from) != nullptr) {
    const size_t bytes = strlen(line) - 1;
    Must(strspn(line, std::string(1, line[0]).c_str()) == bytes, "a whole line");
    Must(bytes == 100 + 700 * static_cast<size_t>(line[0] - 'a'), "its length");
    ++lines[line[0] - 'a'];
  }
  std::fclose(from);
  while (wait(nullptr) > 0) continue;
  std::printf("lines: %d %d %d %d\n", lines[0], lines[1], lines[2], lines[3]);
}

}  // namespace

int main() {
  ThreeStages();
  LeavesEarly(false);
  LeavesEarly(true);
  Ring();
  ManyWriters();
  return 0;
}
