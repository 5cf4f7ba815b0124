// Frame: one line of a symbolised call stack: where a function is, and what is known of it.
#ifndef POLLUX_MACHINE_STACK_FRAME_H_
#define POLLUX_MACHINE_STACK_FRAME_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pollux::machine {

struct Frame {
  enum class Kind {
    kFunction,
    kInlined,        // A function whose code is part of the next frame that is none; the same pc.
    kSignalHandler,  // Not a function: above are the frames of a handler, below what it
                     // interrupted.
  };
  Kind kind = Kind::kFunction;
  // Where the innermost function is; of the others, the address that they will be returned to.
  uint64_t pc = 0;
  // What follows is empty or 0 where it is not known. Nothing in it is to be trusted: a guest's
  // file says so.
  std::string function;          // Demangled, without its parameters.
  uint64_t function_offset = 0;  // From its symbol to pc. 0 where `file` is known.
  std::string file;              // As the compiler was given it, where it says so.
  uint32_t line = 0;
  std::string inlined_into;  // Of kInlined: the function that has the code.
  std::string module;        // The mapped file's path in the guest.
  // pc as an address of that file: what addr2line takes. Where the file cannot be read, its offset.
  uint64_t module_offset = 0;

  friend bool operator==(const Frame&, const Frame&) = default;
};

// "0x1054a in take at queue.cc:41 (inlined into main)", "0x1a2c4 in memcpy+0x14",
// "0x3fa0001234 in /lib/libc.so.6+0x1234", "<signal handler called>".
std::string FrameText(const Frame& frame);

// One line without its newline, for a pipe, and back. Control characters come out as '?', overlong
// names are cut. Nothing: the line is none of ours.
std::string EncodeFrame(const Frame& frame);
std::optional<Frame> DecodeFrame(std::string_view line);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_STACK_FRAME_H_
