// times_in_proc: what /proc/PID/stat and /proc/PID/task/TID/stat say of time and scheduling: the
// processor time of the process or the thread, of its children, when it began, how many threads
// there are, its nice value and policy; the same as times(2) and getrusage(2) say.
#include <sched.h>
#include <sys/resource.h>
#include <sys/times.h>

#include <atomic>
#include <sstream>
#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"

namespace {

constexpr int64_t kTick = 10 * kMillisecond;  // USER_HZ

// By the numbers of proc(5).
struct Stat {
  explicit Stat(const std::string& directory) {
    const std::string text = FileText((directory + "/stat").c_str());
    const size_t end = text.rfind(')');
    Must(end != std::string::npos, directory.c_str());
    state = text[end + 2];
    std::istringstream rest(text.substr(end + 4));
    fields.resize(4);
    for (std::string word; rest >> word;) fields.push_back(std::strtoll(word.c_str(), nullptr, 10));
    Must(fields.size() == 53, "52 fields");
  }
  int64_t used() const { return fields[14] + fields[15]; }  // utime, stime
  int64_t used_by_children() const { return fields[16] + fields[17]; }
  int64_t threads() const { return fields[20]; }
  int64_t started() const { return fields[22]; }

  char state;
  std::vector<int64_t> fields;
};
Stat OfThread(pid_t tid) { return Stat("/proc/self/task/" + std::to_string(tid)); }
Stat OfSelf() { return Stat("/proc/self"); }

void Compute(int64_t ns) {
  const int64_t until = Now(CLOCK_THREAD_CPUTIME_ID) + ns;
  while (Now(CLOCK_THREAD_CPUTIME_ID) < until) continue;
}

int64_t Used(int who) {
  rusage usage;
  Must(getrusage(who, &usage) == 0, "getrusage");
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * int64_t{1000000000} +
         (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * int64_t{1000};
}

// User and system time are cut to whole ticks each.
bool Between(int64_t before_ns, int64_t ticks, int64_t after_ns) {
  return ticks * kTick <= after_ns && (ticks + 2) * kTick > before_ns;
}

void Own() {
  std::puts("- the process");
  Compute(50 * kMillisecond);
  const int64_t before = Used(RUSAGE_SELF);
  tms ticks;
  Must(times(&ticks) != static_cast<clock_t>(-1), "times");
  const Stat stat = OfSelf(), leader = OfThread(getpid());
  tms later;
  Must(times(&later) != static_cast<clock_t>(-1), "times");
  const int64_t after = Used(RUSAGE_SELF);
  std::printf("at least what was computed: %d\n", stat.used() >= 3);
  std::printf("as getrusage: %d\n", Between(before, stat.used(), after));
  std::printf("as times: %d\n",
              ticks.tms_utime <= stat.fields[14] && ticks.tms_stime <= stat.fields[15] &&
                  stat.fields[14] <= later.tms_utime && stat.fields[15] <= later.tms_stime);
  // User and system time are estimated anew for a thread, and cut.
  std::printf("of the one thread: %d\n", leader.used() + 2 >= stat.used());
  std::printf("children: %d\n", static_cast<int>(stat.used_by_children()));
}

void Threads() {
  std::puts("- threads");
  Gate begun, end;
  std::atomic<pid_t> idle, busy;
  const int64_t before = Now(CLOCK_BOOTTIME) / kTick;
  std::thread waits([&] {
    idle = Tid();
    begun.Open();
    end.Pass();
  });
  begun.Pass();
  const int64_t after = Now(CLOCK_BOOTTIME) / kTick;
  const int64_t process_before = OfSelf().used();
  std::thread computes([&] {
    busy = Tid();
    Compute(60 * kMillisecond);
    begun.Open();
    end.Pass();
  });
  begun.Pass();
  const Stat one = OfThread(idle), other = OfThread(busy), all = OfSelf();
  std::printf("one that waits: %d\n", one.used() <= 1);
  std::printf("one that computes: %d\n", other.used() >= 4);
  std::printf("both are the process's: %d\n", all.used() >= process_before + 4);
  std::printf("how many: %d", static_cast<int>(all.threads()));
  std::printf(", as a thread sees it: %d\n", static_cast<int>(one.threads()));
  std::printf("began: %d, after the process: %d\n",
              before <= one.started() && one.started() <= after, one.started() >= all.started());
  const Stat by_number("/proc/" + std::to_string(busy));
  std::printf("a thread's number below /proc is its process: %d\n",
              by_number.used() >= all.used() && by_number.threads() == 3);
  std::printf("what the parent is told: %d, a thread's: %d\n", static_cast<int>(all.fields[38]),
              static_cast<int>(one.fields[38]));
  end.Open();
  end.Open();
  waits.join();
  computes.join();
  const Stat then = OfSelf();
  std::printf("threads that have ended stay the process's: %d\n", then.used() >= all.used());
  std::printf("and the leader's they are not: %d\n", OfThread(getpid()).used() + 3 <= then.used());
}

void Children() {
  std::puts("- children");
  Must(Now(CLOCK_BOOTTIME) > 2 * kTick, "the machine has just begun");
  const int64_t before = Now(CLOCK_BOOTTIME) / kTick;
  Gate begun, end;
  const pid_t child = Fork([&] {
    const int64_t own = OfSelf().used();
    Compute(50 * kMillisecond);
    const Stat stat = OfSelf();
    std::printf("it begins with nothing: %d\n", own <= 1);
    std::printf("its children: %d\n", static_cast<int>(stat.used_by_children()));
    std::fflush(stdout);
    begun.Open();
    end.Pass();
    return 0;
  });
  begun.Pass();
  const int64_t after = Now(CLOCK_BOOTTIME) / kTick;
  const std::string directory = "/proc/" + std::to_string(child);
  const Stat alive(directory);
  std::printf("began: %d, after this one: %d\n",
              before <= alive.started() && alive.started() <= after,
              alive.started() >= OfSelf().started());
  std::printf("used: %d\n", alive.used() >= 3);
  end.Open();
  while (Stat(directory).state != 'Z') sched_yield();
  const Stat zombie(directory);
  std::printf("a zombie still has its time: %d, its beginning: %d, threads: %d\n",
              zombie.used() >= alive.used(), zombie.started() == alive.started(),
              static_cast<int>(zombie.threads()));
  std::printf("before it is waited for: %d\n", static_cast<int>(OfSelf().used_by_children()));
  Must(Wait(child) == 0, "the child");
  const Stat stat = OfSelf();
  tms ticks;
  Must(times(&ticks) != static_cast<clock_t>(-1), "times");
  std::printf("then: %d, as times: %d %d, as getrusage: %d\n", stat.used_by_children() >= 3,
              ticks.tms_cutime == stat.fields[16], ticks.tms_cstime == stat.fields[17],
              Between(Used(RUSAGE_CHILDREN), stat.used_by_children(), Used(RUSAGE_CHILDREN)));
  std::printf("a thread says the same: %d\n",
              OfThread(getpid()).used_by_children() == stat.used_by_children());

  // With SIGCHLD ignored nobody waits, and nothing is counted.
  signal(SIGCHLD, SIG_IGN);
  const pid_t ignored = Fork([] {
    Compute(30 * kMillisecond);
    return 0;
  });
  Must(waitpid(ignored, nullptr, 0) == -1 && errno == ECHILD, "waitpid");
  signal(SIGCHLD, SIG_DFL);
  std::printf("one that nobody waited for: %d\n",
              OfSelf().used_by_children() == stat.used_by_children());

  // execve(2) begins nothing anew.
  int line[2];
  Must(pipe(line) == 0, "pipe");
  const pid_t executing = Fork([&] {
    Compute(40 * kMillisecond);
    const int64_t mine[] = {OfSelf().started(), OfSelf().used()};
    Must(write(line[1], mine, sizeof mine) == sizeof mine, "write");
    std::string name = "self", fd = std::to_string(line[1]);
    char* const argv[] = {name.data(), fd.data(), nullptr};
    execv("/proc/self/exe", argv);
    return 1;
  });
  int64_t was[2], is[2];
  Must(read(line[0], was, sizeof was) == sizeof was && read(line[0], is, sizeof is) == sizeof is,
       "read");
  std::printf("executing: began then %d, used that %d\n", was[0] == is[0], was[1] <= is[1]);
  Must(Wait(executing) == 0, "the child");
}

// Whoever started this program may have made it nice.
void Scheduling() {
  std::puts("- scheduling");
  errno = 0;
  const int nice = getpriority(PRIO_PROCESS, 0);
  Must(errno == 0 && nice <= 5, "nice");
  const auto show = [&](const char* what, const Stat& stat) {
    std::printf("%s: priority 20%+d, nice %+d, real-time %d, policy %d\n", what,
                static_cast<int>(stat.fields[18]) - 20 - nice,
                static_cast<int>(stat.fields[19]) - nice, static_cast<int>(stat.fields[40]),
                static_cast<int>(stat.fields[41]));
  };
  show("as ever", OfSelf());
  std::thread([&] {
    Must(setpriority(PRIO_PROCESS, static_cast<id_t>(Tid()), nice + 7) == 0, "setpriority");
    show("a thread's own", OfThread(Tid()));
  }).join();
  Must(setpriority(PRIO_PROCESS, 0, nice + 5) == 0, "setpriority");
  show("nice", OfSelf());
  sched_param parameter = {0};
  Must(sched_setscheduler(0, SCHED_BATCH, &parameter) == 0, "SCHED_BATCH");
  show("SCHED_BATCH", OfSelf());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) {
    const int64_t mine[] = {OfSelf().started(), OfSelf().used()};
    return write(std::atoi(argv[1]), mine, sizeof mine) == sizeof mine ? 0 : 1;
  }
  DropRoot();
  Own();
  Threads();
  Children();
  Scheduling();
  return 0;
}
