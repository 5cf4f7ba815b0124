// group_exit: _exit from a thread, at once from several: one of their statuses is the process's,
// and no other thread goes on.
#include <pthread.h>

#include <atomic>
#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"

namespace {

int* volatile nowhere = nullptr;

int OneOfMany() {
  pthread_barrier_t all;
  Must(pthread_barrier_init(&all, nullptr, 5) == 0, "pthread_barrier_init");
  std::vector<std::thread> threads;
  for (int i = 0; i < 5; ++i) {
    threads.emplace_back([&all, i] {
      pthread_barrier_wait(&all);
      _exit(10 + i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return 1;
}

int ThreadExits() {
  std::thread([] { _exit(5); }).detach();
  for (;;) pause();
}

int MainReturnsWhileOthersRun() {
  std::thread([] {
    for (;;) sched_yield();
  }).detach();
  return 6;
}

int Killed() {
  std::thread([] { raise(SIGTERM); }).detach();
  for (;;) pause();
}

int KilledByAnother() {
  std::thread([] { kill(getpid(), SIGKILL); }).detach();
  for (;;) sched_yield();
}

int FaultsInThread() {
  std::thread([] { *nowhere = 1; }).detach();
  for (;;) pause();
}

int AbortsInThread() {
  std::thread([] { std::abort(); }).detach();
  for (;;) pause();
}

int ThrowsInThread() {
  std::thread([] {
    close(2);  // The library's last words are its own.
    throw 1;
  }).join();
  return 1;
}

// The system call exit ends one thread. The process's status is that of the last to end.
int LastIsAnother() {
  std::thread([] {
    const std::string path = "/proc/self/task/" + std::to_string(getpid()) + "/stat";
    for (;;) {
      const std::string text = FileText(path.c_str());
      const size_t end = text.rfind(')');
      Must(end != std::string::npos, path.c_str());
      if (text[end + 2] == 'Z') break;
    }
    syscall(SYS_exit, 3);
  }).detach();
  syscall(SYS_exit, 4);
  return 1;
}

int LastIsFirst() {
  std::atomic<pid_t> tid = 0;
  std::thread([&] {
    tid = Tid();
    syscall(SYS_exit, 3);
  }).detach();
  while (tid == 0 || syscall(SYS_tgkill, getpid(), tid.load(), 0) == 0) sched_yield();
  syscall(SYS_exit, 4);
  return 1;
}

int DestroysJoinable() {
  close(2);
  std::thread thread([] { pause(); });
  return 1;
}

}  // namespace

int main() {
  const int status = Wait(Fork(OneOfMany));
  std::printf("one of many: %d\n", WIFEXITED(status) && WEXITSTATUS(status) - 10u < 5u);
  ShowEnd("a thread exits", Fork(ThreadExits));
  ShowEnd("main returns while others run", Fork(MainReturnsWhileOthersRun));
  ShowEnd("raise in a thread", Fork(Killed));
  ShowEnd("kill by a thread", Fork(KilledByAnother));
  ShowEnd("fault in a thread", Fork(FaultsInThread));
  ShowEnd("abort in a thread", Fork(AbortsInThread));
  ShowEnd("exception out of a thread", Fork(ThrowsInThread));
  ShowEnd("the last thread to end is another", Fork(LastIsAnother));
  ShowEnd("the last thread to end is the first", Fork(LastIsFirst));
  ShowEnd("destructor of a thread that can be joined", Fork(DestroysJoinable));
  return 0;
}
