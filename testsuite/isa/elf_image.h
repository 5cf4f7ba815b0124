// ElfImage: a static RISC-V executable, as bytes.
#ifndef POLLUX_TESTSUITE_ISA_ELF_IMAGE_H_
#define POLLUX_TESTSUITE_ISA_ELF_IMAGE_H_

#include <cstdint>
#include <vector>

namespace pollux::testsuite {

// `text` is mapped read and execute at `text_address`, and entered at its begin; `data` read and
// write at `data_address`, followed by `bss_bytes` zeros. The addresses are page-aligned.
std::vector<uint8_t> MakeElf(uint64_t text_address, const std::vector<uint8_t>& text,
                             uint64_t data_address, const std::vector<uint8_t>& data,
                             uint64_t bss_bytes);

}  // namespace pollux::testsuite

#endif  // POLLUX_TESTSUITE_ISA_ELF_IMAGE_H_
