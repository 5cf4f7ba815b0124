// main_leaves: the first thread ends with pthread_exit; the others go on in the same process, which
// ends with the last one, and with status 0.
#include <pthread.h>

#include <string>

#include "testsuite/basics/tasks.h"

namespace {

pthread_t first;
pid_t process;

// The letter after the name in /proc/PID/task/TID/stat.
char StateOf(pid_t tid) {
  const std::string path = "/proc/self/task/" + std::to_string(tid) + "/stat";
  const std::string text = FileText(path.c_str());
  const size_t end = text.rfind(')');
  Must(end != std::string::npos, "stat");
  return text[end + 2];
}

void* GoOn(void*) {
  void* value = nullptr;
  Must(pthread_join(first, &value) == 0, "pthread_join of the first thread");
  std::printf("the first thread's value: %s\n", static_cast<const char*>(value));
  while (StateOf(process) != 'Z') sched_yield();
  std::printf("it is a zombie now\n");
  std::printf("same process: %d, another thread: %d\n", getpid() == process, Tid() != process);
  Show("signal 0 to the process", kill(process, 0));
  Show("signal 0 to the first thread", static_cast<int>(syscall(SYS_tgkill, process, process, 0)));
  pthread_t more;
  Must(pthread_create(
           &more, nullptr, [](void*) -> void* { return nullptr; }, nullptr) == 0,
       "pthread_create");
  Must(pthread_join(more, nullptr) == 0, "pthread_join");
  std::printf("makes more threads\n");
  ShowEnd("makes children", Fork([] { return 3; }));
  std::printf("the last thread ends\n");
  return nullptr;
}

}  // namespace

int main() {
  first = pthread_self();
  process = getpid();
  pthread_t thread;
  Must(pthread_create(&thread, nullptr, GoOn, nullptr) == 0, "pthread_create");
  Must(pthread_detach(thread) == 0, "pthread_detach");
  static char value[] = "good bye";
  pthread_exit(value);
}
