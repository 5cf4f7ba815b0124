// thread_data: what belongs to a thread: keys with destructors, which may set values again,
// thread_local objects made when first used and destroyed at the thread's end, errno, initial
// values.
#include <pthread.h>

#include <climits>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "testsuite/basics/tasks.h"

namespace {

pthread_key_t plain, again;
int rounds;

void Stubborn(void* value) {
  ++rounds;
  pthread_setspecific(again, value);
}

std::mutex text_mutex;
std::string text;

void Say(const std::string& what) {
  const std::lock_guard lock(text_mutex);
  text += what;
}

struct Local {
  explicit Local(const char* its_name) : name(its_name) { Say("+" + name); }
  ~Local() { Say("-" + name); }
  std::string name;
};

thread_local Local first("first");
thread_local Local second("second");
thread_local int number = 7;
thread_local char zeros[5000];
thread_local int* pointer = &number;

void KeyDestroyed(void* value) {
  auto* word = static_cast<std::string*>(value);
  Say(*word);
  delete word;
}

void Use() {
  Must(pthread_getspecific(plain) == nullptr, "a key begins with nothing");
  Must(pthread_setspecific(plain, new std::string("(key)")) == 0, "pthread_setspecific");
  Say("[");
  first.name += "";
  Say("]");
}

}  // namespace

int main() {
  Must(pthread_key_create(&plain, KeyDestroyed) == 0, "pthread_key_create");
  Must(pthread_key_create(&again, Stubborn) == 0, "pthread_key_create");
  for (int i = 0; i < 2; ++i) {
    text.clear();
    std::thread(Use).join();
    std::printf("%s\n", text.c_str());
  }
  std::thread([] { pthread_setspecific(again, &rounds); }).join();
  std::printf("a stubborn destructor: %s\n",
              rounds == PTHREAD_DESTRUCTOR_ITERATIONS ? "as often as is tried" : "otherwise");
  Must(pthread_key_delete(plain) == 0, "pthread_key_delete");
  std::printf("set after it was deleted: %s\n", ErrorName(pthread_setspecific(plain, &rounds)));
  Must(pthread_key_delete(again) == 0, "pthread_key_delete");
  std::vector<pthread_key_t> keys;
  pthread_key_t key;
  int error;
  while ((error = pthread_key_create(&key, nullptr)) == 0) keys.push_back(key);
  std::printf("too many keys: %s, %d\n", ErrorName(error), keys.size() <= PTHREAD_KEYS_MAX);

  // All at once, so that the places are different ones.
  pthread_barrier_t all;
  Must(pthread_barrier_init(&all, nullptr, 8) == 0, "pthread_barrier_init");
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  std::set<const void*> numbers, errors;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      Must(number == 7 && pointer == &number, "initial values");
      for (const char zero : zeros) Must(zero == 0, "zeros");
      number = i;
      memset(zeros, i, sizeof zeros);
      errno = 100 + i;
      pthread_mutex_lock(&mutex);
      numbers.insert(&number);
      errors.insert(&errno);
      pthread_mutex_unlock(&mutex);
      const int before = errno;
      pthread_barrier_wait(&all);
      Must(number == i && zeros[4999] == i && before == 100 + i, "nobody else's");
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("%d numbers, %d errnos, mine is %d\n", static_cast<int>(numbers.size()),
              static_cast<int>(errors.size()), number);
  return 0;
}
