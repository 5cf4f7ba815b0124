// RunContained: work on hostile bytes with code that was not written for them, in a copy of this
// process that can be lost.
#ifndef POLLUX_MACHINE_CONTAINED_H_
#define POLLUX_MACHINE_CONTAINED_H_

#include <functional>
#include <string>
#include <string_view>

namespace pollux::machine {

// In the copy, a child of this process: calls `prepare`; gives up opening files and using more than
// another GiB of memory or 5 s of processor time; calls `work`, which hands lines to its argument.
// Returns the lines, each with a newline: all of them, or those before the copy crashed, ran out of
// something or had said 16 MiB. None if the host does not let it fork.
//
// Neither changes anything in this process: not its memory, nor a machine that lives there. Memory
// that the machine's processes share is the exception, and may only be read.
std::string RunContained(
    const std::function<void()>& prepare,
    const std::function<void(const std::function<void(std::string_view)>&)>& work);

}  // namespace pollux::machine

#endif  // POLLUX_MACHINE_CONTAINED_H_
