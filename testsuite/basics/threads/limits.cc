// limits: what a thread costs and where it fails: no room for a stack, wrong attributes; and what
// one thread may have for itself alone: a directory, descriptors.
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <climits>
#include <thread>

#include "testsuite/basics/tasks.h"
#include "testsuite/basics/threads/elsewhere.h"

namespace {

void* Nothing(void*) { return nullptr; }

}  // namespace

int main() {
  EnterScratchDirectory();
  pthread_attr_t attributes;
  pthread_t thread;
  Must(pthread_attr_init(&attributes) == 0, "pthread_attr_init");
  Say("a stack of 1000 bytes", pthread_attr_setstacksize(&attributes, 1000));
  Say("a small stack", pthread_attr_setstacksize(&attributes, 64 << 10));
  Say("made", pthread_create(&thread, &attributes, Nothing, nullptr));
  Say("joined", pthread_join(thread, nullptr));
  Say("a stack of a million gigabytes", pthread_attr_setstacksize(&attributes, size_t{1} << 60));
  Say("made", pthread_create(&thread, &attributes, Nothing, nullptr));

  // A stack of one's own is used, and is still there afterwards.
  constexpr size_t kBytes = 256 << 10;
  auto* stack = static_cast<char*>(
      mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  Must(stack != MAP_FAILED, "mmap");
  Must(pthread_attr_init(&attributes) == 0, "pthread_attr_init");
  Must(pthread_attr_setstack(&attributes, stack, kBytes) == 0, "pthread_attr_setstack");
  const auto where = [](void* argument) -> void* {
    volatile char here = 1;
    *static_cast<uintptr_t*>(argument) = reinterpret_cast<uintptr_t>(&here);
    return nullptr;
  };
  uintptr_t here = 0;
  Must(pthread_create(&thread, &attributes, where, &here) == 0, "pthread_create");
  Must(pthread_join(thread, nullptr) == 0, "pthread_join");
  std::printf("on a stack of one's own: %d\n", here - reinterpret_cast<uintptr_t>(stack) < kBytes);

  // CLONE_FS and CLONE_FILES taken back by one thread.
  Must(mkdir("below", 0700) == 0, "mkdir");
  const int shared = open(".", O_RDONLY);
  std::thread([&] {
    Show("unshare of nothing", unshare(0));
    Show("unshare of an unknown thing", unshare(1));
    Show("unshare of the directory", unshare(CLONE_FS));
    Must(chdir("below") == 0, "chdir");
    umask(077);
    Show("unshare of the descriptors", unshare(CLONE_FILES));
    close(shared);
    Must(open("..", O_RDONLY) == shared && open("..", O_RDONLY) > shared, "lowest numbers");
    Show("unshare of the handlers", unshare(CLONE_SIGHAND));
    Show("unshare of the memory", unshare(CLONE_VM));
    Show("unshare of the thread", unshare(CLONE_THREAD));
  }).join();
  Show("the directory is the old one", access("below", F_OK));
  std::printf("the mask too: %o\n", umask(022));
  Show("the descriptor is open", fcntl(shared, F_GETFD));
  Show("the other is not", fcntl(shared + 1, F_GETFD));

  rlimit limit;
  Must(getrlimit(RLIMIT_AS, &limit) == 0, "getrlimit");
  limit.rlim_cur = 1 << 30;
  Must(setrlimit(RLIMIT_AS, &limit) == 0, "setrlimit");
  Must(pthread_attr_init(&attributes) == 0, "pthread_attr_init");
  Must(pthread_attr_setstacksize(&attributes, size_t{2} << 30) == 0, "setstacksize");
  Say("more than RLIMIT_AS", pthread_create(&thread, &attributes, Nothing, nullptr));
  return 0;
}
