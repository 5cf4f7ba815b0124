// Runs pollux on guests that mean no good, and judges what it makes of them: it may refuse a guest,
// stop it, or let it die, but must not crash, hang, or exit with a status that it does not explain
// (--json says whose status it is; the guest's may be anything).
#ifndef POLLUX_TESTSUITE_CLI_HOSTILE_H_
#define POLLUX_TESTSUITE_CLI_HOSTILE_H_

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace pollux::hostile {

inline constexpr int kSecondsAllowed = 60;

inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

inline void WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

struct Ending {
  int status = 0;      // As waitpid gives it.
  std::string errors;  // What it wrote to stderr.
  int code() const { return WEXITSTATUS(status); }
};

// `pollux run --json --max_steps=... --max_memory=... WORDS...`, without input, in the working
// directory.
inline Ending Run(const std::string& pollux, const std::vector<std::string>& words) {
  std::vector<std::string> line = {pollux, "run", "--json", "--max_steps=5000000",
                                   "--max_memory=256M"};
  line.insert(line.end(), words.begin(), words.end());
  std::vector<char*> arguments;
  for (std::string& word : line) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    const int null = open("/dev/null", O_RDWR);
    const int errors = open("stderr", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(null, 0);
    dup2(null, 1);
    dup2(errors, 2);
    alarm(kSecondsAllowed);
    execv(pollux.c_str(), arguments.data());
    _exit(120);
  }
  Ending ending;
  waitpid(child, &ending.status, 0);
  ending.errors = ReadFile("stderr");
  return ending;
}

// Empty, or what is wrong.
inline std::string Judge(const Ending& ending) {
  if (WIFSIGNALED(ending.status)) {
    const int signal = WTERMSIG(ending.status);
    return signal == SIGALRM ? "it hangs" : "it was killed by signal " + std::to_string(signal);
  }
  const std::string code = "exit status " + std::to_string(ending.code());
  const bool guests = ending.errors.find("\"whose\":\"guest\"") != std::string::npos;
  const bool ours = ending.errors.find("\"whose\":\"pollux\"") != std::string::npos;
  if (guests == ours) return code + ", and not a word whose it is";
  if (ending.errors.find("\"exit_status\":" + std::to_string(ending.code())) == std::string::npos) {
    return code + ", and --json says another";
  }
  if (ours && ending.code() != 124 && ending.code() != 126) return code + " of its own";
  if (ours && ("\n" + ending.errors).find("\npollux: ") == std::string::npos)
    return "it does not say what is wrong";
  return "";
}

// The command line POLLUX ELF [RUNS [SEED]] of a test; the seed is printed first.
struct Arguments {
  Arguments(int argc, char** argv) {
    if (argc < 3) {
      std::fprintf(stderr, "usage: %s POLLUX ELF [RUNS [SEED]]\n", argv[0]);
      std::exit(2);
    }
    pollux = realpath(argv[1], nullptr);
    elf = realpath(argv[2], nullptr);
    if (argc > 3) runs = std::atoi(argv[3]);
    const char* set_seed = std::getenv("POLLUX_TEST_SEED");
    seed = argc > 4   ? std::strtoull(argv[4], nullptr, 0)
           : set_seed ? std::strtoull(set_seed, nullptr, 0)
                      : std::random_device()();
    std::printf("seed %llu, %d runs\n", static_cast<unsigned long long>(seed), runs);
    if (chdir(std::getenv("TEST_TMPDIR")) != 0) std::exit(2);
  }
  std::string pollux, elf;
  int runs = 500;
  uint64_t seed;
};

}  // namespace pollux::hostile

#endif  // POLLUX_TESTSUITE_CLI_HOSTILE_H_
