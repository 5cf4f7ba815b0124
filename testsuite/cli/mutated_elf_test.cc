// Damaged guests: a good ELF file with random bytes changed, in its headers more often than
// elsewhere. Whatever comes out, pollux itself does not crash, hang or exit with anything that it
// does not explain: --json says whose status it is, and where it is the guest's it may be anything.
//
// Usage: mutated_elf_test POLLUX ELF [RUNS [SEED]]. Prints the seed first; a failing file is kept
// in TEST_UNDECLARED_OUTPUTS_DIR.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

namespace {

constexpr int kSecondsAllowed = 60;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// Numbers that break arithmetic.
uint64_t Interesting(std::mt19937_64& random) {
  const uint64_t kValues[] = {0,
                              1,
                              7,
                              0xfff,
                              0x1000,
                              0x7fffffff,
                              0x80000000,
                              0xffffffff,
                              uint64_t{1} << 32,
                              uint64_t{1} << 38,
                              uint64_t{1} << 47,
                              INT64_MAX,
                              uint64_t{1} << 63,
                              UINT64_MAX - 0xfff,
                              UINT64_MAX};
  const uint64_t value = kValues[random() % std::size(kValues)];
  return random() % 4 == 0 ? value - random() % 3 : value;
}

std::string Mutate(std::string bytes, std::mt19937_64& random) {
  const int changes = 1 + static_cast<int>(random() % 8);
  for (int i = 0; i < changes; ++i) {
    // The file header and the program headers are in the first 700 bytes.
    const size_t range = random() % 4 == 0 ? bytes.size() : std::min<size_t>(bytes.size(), 700);
    const size_t at = 4 + random() % (range - 12);
    switch (random() % 4) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << random() % 8);
        break;
      case 2: {
        const uint64_t value = Interesting(random);
        bytes.replace(at & ~size_t{7}, 8, reinterpret_cast<const char*>(&value), 8);
        break;
      }
      case 3:
        if (random() % 16 == 0) bytes.resize(700 + random() % (bytes.size() - 700));
        break;
    }
  }
  return bytes;
}

// Runs pollux on ./mutated; stderr goes to ./stderr. Returns the status as waitpid gives it.
int Run(const std::string& pollux) {
  const pid_t child = fork();
  if (child == 0) {
    const int null = open("/dev/null", O_RDWR),
              errors = open("stderr", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(null, 0);
    dup2(null, 1);
    dup2(errors, 2);
    alarm(kSecondsAllowed);
    execl(pollux.c_str(), pollux.c_str(), "run", "--json", "--max_steps=300000",
          "--max_memory=256M", "./mutated", "exit", "5", static_cast<char*>(nullptr));
    _exit(120);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

// Empty, or what is wrong.
std::string Judge(int status, const std::string& errors) {
  if (WIFSIGNALED(status)) {
    return WTERMSIG(status) == SIGALRM
               ? "it hangs"
               : "it was killed by signal " + std::to_string(WTERMSIG(status));
  }
  const int code = WEXITSTATUS(status);
  const bool guests = errors.find("\"whose\":\"guest\"") != std::string::npos;
  const bool ours = errors.find("\"whose\":\"pollux\"") != std::string::npos;
  if (guests == ours) return "exit status " + std::to_string(code) + ", and not a word whose it is";
  if (errors.find("\"exit_status\":" + std::to_string(code)) == std::string::npos) {
    return "exit status " + std::to_string(code) + ", and --json says another";
  }
  if (ours && code != 124 && code != 126)
    return "exit status " + std::to_string(code) + " of its own";
  if (ours && errors.rfind("pollux: ", 0) != 0) return "it does not say what is wrong";
  return "";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::string pollux = realpath(argv[1], nullptr), good = ReadFile(argv[2]);
  const int runs = argc > 3 ? std::atoi(argv[3]) : 500;
  const uint64_t seed = argc > 4 ? std::strtoull(argv[4], nullptr, 0) : std::random_device()();
  std::printf("seed %llu, %d runs, %zu bytes\n", static_cast<unsigned long long>(seed), runs,
              good.size());
  if (good.size() < 1000 || chdir(std::getenv("TEST_TMPDIR")) != 0) return 2;
  std::mt19937_64 random(seed);
  int failures = 0, refused = 0, died = 0, ran = 0;
  for (int i = 0; i < runs && failures < 5; ++i) {
    const std::string mutated = Mutate(good, random);
    WriteFile("mutated", mutated);
    const int status = Run(pollux);
    const std::string errors = ReadFile("stderr"), wrong = Judge(status, errors);
    if (!wrong.empty()) {
      ++failures;
      std::printf("FAILED: run %d: %s\n%s\n", i, wrong.c_str(), errors.substr(0, 2000).c_str());
      if (const char* kept = std::getenv("TEST_UNDECLARED_OUTPUTS_DIR")) {
        WriteFile(std::string(kept) + "/mutated_" + std::to_string(i), mutated);
      }
    } else if (WEXITSTATUS(status) == 126) {
      ++refused;
    } else if (WEXITSTATUS(status) == 5) {
      ++ran;
    } else {
      ++died;
    }
  }
  std::printf("%d refused, %d ended otherwise, %d ran as if nothing had happened\n", refused, died,
              ran);
  if (failures == 0 && (refused == 0 || ran == 0)) {
    std::printf("FAILED: the mutations are all of one kind\n");
    ++failures;
  }
  return failures == 0 ? 0 : 1;
}
