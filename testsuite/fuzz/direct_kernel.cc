#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>

#include "testsuite/fuzz/kernel.h"

namespace fuzz {
namespace {

constexpr long kNumbers[] = {
#define POLLUX_FUZZ_NUMBER(name) SYS_##name,
    POLLUX_FUZZ_CALLS(POLLUX_FUZZ_NUMBER)
#undef POLLUX_FUZZ_NUMBER
};

class Direct final : public Kernel {
 public:
  Direct() {
    void* memory =
        mmap(nullptr, kMemoryBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) abort();
    memory_ = static_cast<uint8_t*>(memory);
  }
  int64_t Call(Sys call, std::initializer_list<uint64_t> args) override {
    uint64_t a[6] = {};
    int i = 0;
    for (uint64_t arg : args) a[i++] = arg;
    const long result =
        syscall(kNumbers[static_cast<size_t>(call)], a[0], a[1], a[2], a[3], a[4], a[5]);
    return result == -1 ? -errno : result;
  }
  uint8_t* memory() override { return memory_; }
  uint64_t Address(const void* place) override { return reinterpret_cast<uintptr_t>(place); }
  bool packed_events() const override {
#ifdef __x86_64__
    return true;
#else
    return false;
#endif
  }

 private:
  uint8_t* memory_;
};

}  // namespace

const char* NameOf(Sys call) {
  static constexpr const char* kNames[] = {
#define POLLUX_FUZZ_NAME(name) #name,
      POLLUX_FUZZ_CALLS(POLLUX_FUZZ_NAME)
#undef POLLUX_FUZZ_NAME
  };
  return kNames[static_cast<size_t>(call)];
}

Kernel& DirectKernel() {
  static Direct kernel;
  return kernel;
}

}  // namespace fuzz
