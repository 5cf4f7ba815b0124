// host_clock WHAT: a guest that looks at its clocks, or waits for what comes from outside; for the
// tests of --clock=host.
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

volatile sig_atomic_t caught = 0;

int64_t Millis(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

uint64_t TimeRegister() {
#ifdef __riscv
  uint64_t ticks;
  asm volatile("rdtime %0" : "=r"(ticks));
  return ticks;
#else
  return 0;
#endif
}

void OnSignal(int signal, siginfo_t* info, void*) {
  caught = info->si_code == SI_USER && info->si_pid != 0 ? -signal : signal;
}

void Catch(int signal) {
  struct sigaction action {};
  action.sa_sigaction = OnSignal;
  action.sa_flags = SA_SIGINFO;
  sigaction(signal, &action, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  const int64_t start = Millis(CLOCK_MONOTONIC);
  if (std::strcmp(what, "leave") == 0) {
    // What is left when the first process has ended.
    const pid_t parent = getpid();
    if (fork() != 0) return 0;
    while (getppid() == parent) usleep(1000);
    what = "catch";
  }
  if (std::strcmp(what, "now") == 0) {
    std::printf("%lld %lld\n", static_cast<long long>(Millis(CLOCK_REALTIME)),
                static_cast<long long>(start));
  } else if (std::strcmp(what, "sleep") == 0) {
    usleep(300'000);
    std::printf("%lld\n", static_cast<long long>(Millis(CLOCK_MONOTONIC) - start));
  } else if (std::strcmp(what, "timer") == 0) {
    // Nothing but the timer ends this loop, and it makes no call.
    Catch(SIGALRM);
    const itimerval soon{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_usec = 300'000}};
    setitimer(ITIMER_REAL, &soon, nullptr);
    while (caught == 0) {
    }
    std::printf("%lld\n", static_cast<long long>(Millis(CLOCK_MONOTONIC) - start));
  } else if (std::strcmp(what, "register") == 0) {
    // 10 MHz.
    const uint64_t end = TimeRegister() + 3'000'000;
    while (TimeRegister() < end) {
    }
    std::printf("%lld\n", static_cast<long long>(Millis(CLOCK_MONOTONIC) - start));
  } else if (std::strcmp(what, "catch") == 0) {
    Catch(SIGINT);
    Catch(SIGTERM);
    std::printf("ready\n");
    std::fflush(stdout);
    pause();
    std::printf("caught %d\n", static_cast<int>(caught));
  } else if (std::strcmp(what, "spin") == 0) {
    std::printf("ready\n");
    std::fflush(stdout);
    for (;;) asm volatile("");
  } else if (std::strcmp(what, "input") == 0) {
    char line[100];
    if (std::fgets(line, sizeof line, stdin) != nullptr) std::printf("<%s", line);
  } else if (std::strcmp(what, "pause") == 0) {
    pause();
  } else {
    std::printf("usage: host_clock WHAT\n");
    return 2;
  }
}
