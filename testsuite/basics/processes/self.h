// A program that executes itself: its other parts are named by the first argument.
#ifndef POLLUX_TESTSUITE_BASICS_PROCESSES_SELF_H_
#define POLLUX_TESTSUITE_BASICS_PROCESSES_SELF_H_

#include <string>
#include <vector>

#include "testsuite/basics/tasks.h"

// Executes this program with the arguments; argv[0] is "self". Returns like execve, with -1.
inline int ExecSelf(std::vector<std::string> arguments, std::vector<std::string> environment = {}) {
  std::vector<char*> argv, envp;
  std::string name = "self";
  argv.push_back(name.data());
  for (std::string& argument : arguments) argv.push_back(argument.data());
  for (std::string& variable : environment) envp.push_back(variable.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  std::fflush(stdout);
  return execve("/proc/self/exe", argv.data(), envp.data());
}

// Makes a child that executes this program with the arguments.
inline pid_t SpawnSelf(const std::vector<std::string>& arguments,
                       const std::vector<std::string>& environment = {}) {
  return Fork([&] {
    ExecSelf(arguments, environment);
    return 127;
  });
}

#endif  // POLLUX_TESTSUITE_BASICS_PROCESSES_SELF_H_
