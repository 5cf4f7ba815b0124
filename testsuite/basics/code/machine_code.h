// Machine code for the world that the program runs in: functions that return a number.
#ifndef POLLUX_TESTSUITE_BASICS_CODE_MACHINE_CODE_H_
#define POLLUX_TESTSUITE_BASICS_CODE_MACHINE_CODE_H_

#include <cstdint>
#include <cstring>

using Function = int (*)();

// What returns `number`, 0 to 2000. 8 bytes long.
struct Returns {
  explicit Returns(int number) {
#ifdef __riscv
    const uint32_t code[2] = {0x513u | static_cast<uint32_t>(number) << 20,
                              0x8067};  // li a0, number; ret
    std::memcpy(bytes, code, sizeof bytes);
#else
    bytes[0] = 0xb8;  // mov eax, number; ret
    std::memcpy(bytes + 1, &number, sizeof number);
    bytes[5] = bytes[6] = bytes[7] = 0xc3;
#endif
  }
  unsigned char bytes[8];
};

// Puts the function there and makes it visible to instruction fetch.
inline void Place(void* at, int number) {
  const Returns code(number);
  std::memcpy(at, code.bytes, sizeof code.bytes);
  __builtin___clear_cache(static_cast<char*>(at), static_cast<char*>(at) + sizeof code.bytes);
}

inline int Call(const void* at) {
  return reinterpret_cast<Function>(reinterpret_cast<uintptr_t>(at))();
}

#endif  // POLLUX_TESTSUITE_BASICS_CODE_MACHINE_CODE_H_
