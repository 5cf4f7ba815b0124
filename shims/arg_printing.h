// What the printers of arguments share (arg_types.cc, struct_types.cc, variant_types.cc).
#ifndef POLLUX_SHIMS_ARG_PRINTING_H_
#define POLLUX_SHIMS_ARG_PRINTING_H_

#include <cstdint>
#include <string>

#include "shims/arg_types.h"

namespace pollux::shims {

// False: not all of it can be read.
bool ReadBytes(const PrintView& view, uint64_t address, uint64_t bytes, std::string* out);
// "makedev(0x88, 0)"
std::string DeviceText(uint64_t device);
// "S_IFREG|0644"
std::string ModeText(uint32_t mode);
// An ArgType's printer for an address.
bool PrintPointer(const PrintView& view, const ArgSpec& spec, int index, std::string* out);
// Prints the pointer and answers true where it is null, or where a call that should have filled it
// failed.
bool ShowsPointer(const PrintView& view, const ArgSpec& spec, int index, std::string* out);

// ---- ArgType::record.
// There is nothing behind the register.
void RecordNothing(const PrintView& view, const ArgSpec& spec, int index, std::string* out);
// So many bytes from `address`, of which what can be read is appended behind its length: 64 KiB at
// most, for a guest may name any length.
void RecordMemory(const PrintView& view, uint64_t address, uint64_t bytes, std::string* out);
void RecordWord(uint64_t word, std::string* out);
// Where ShowsPointer() would not print the pointer alone.
inline bool HasContent(const PrintView& view, const ArgSpec& spec, int index) {
  return view.args[index] != 0 && (spec.direction == Direction::kIn || !view.failed());
}
template <typename T>
void RecordObject(const PrintView& view, const ArgSpec& spec, int index, std::string* out) {
  if (HasContent(view, spec, index)) RecordMemory(view, view.args[index], sizeof(T), out);
}

}  // namespace pollux::shims

#endif  // POLLUX_SHIMS_ARG_PRINTING_H_
