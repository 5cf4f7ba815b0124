// A dynamically linked program, as distributions build them: the dynamic linker, the C++ library in a file of its own, exceptions
// that cross it, thread-local storage, symbols that are looked up at run time.
#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

thread_local int depth = 1;

static int CountLibrary(dl_phdr_info* info, size_t, void* count) {
  if (std::string(info->dlpi_name).find(".so") != std::string::npos) ++*static_cast<int*>(count);
  return 0;
}

int main() {
  int libraries = 0;
  dl_iterate_phdr(CountLibrary, &libraries);
  std::cout << "several libraries: " << (libraries >= 3) << "\n";

  try {
    std::vector<int>().at(7);
  } catch (const std::out_of_range&) {
    std::cout << "caught what the library threw\n";
  }

  std::vector<std::thread> threads;
  std::vector<int> depths(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([i, &depths] {
      depth += i;
      depths[i] = depth;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int each : depths) std::cout << each << " ";
  std::cout << "and here " << depth << "\n";

  using Length = size_t (*)(const char*);
  const auto length = reinterpret_cast<Length>(dlsym(RTLD_DEFAULT, "strlen"));
  std::cout << "looked up: " << (length != nullptr ? length("four") : 0) << "\n";
  std::cout << "not there: " << (dlsym(RTLD_DEFAULT, "no_such_symbol") == nullptr) << "\n";
  void* library = dlopen("libm.so.6", RTLD_NOW);
  std::cout << "loaded by name: " << (library != nullptr) << "\n";
  std::cout << "nothing of that name: " << (dlopen("libnothing.so", RTLD_NOW) == nullptr) << "\n";

  std::map<std::string, int> words;
  std::istringstream text("a b a c a b");
  for (std::string word; text >> word;) ++words[word];
  for (const auto& [word, count] : words) std::cout << word << count << " ";
  std::cout << "\n";
  return 7;
}
