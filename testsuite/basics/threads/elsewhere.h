// elsewhere.h: what the programs about locks say, and how they ask in another thread.
#ifndef POLLUX_TESTSUITE_BASICS_THREADS_ELSEWHERE_H_
#define POLLUX_TESTSUITE_BASICS_THREADS_ELSEWHERE_H_

#include <cstdio>
#include <thread>

#include "testsuite/basics/check.h"

// Prints what a function of the pthread family returned.
inline void Say(const char* what, int error) {
  std::printf("%s: %s\n", what, error == 0 ? "ok" : ErrorName(error));
}

// What another thread is answered.
template <typename Call>
int Elsewhere(Call call) {
  int result = -1;
  std::thread([&] { result = call(); }).join();
  return result;
}

#endif  // POLLUX_TESTSUITE_BASICS_THREADS_ELSEWHERE_H_
