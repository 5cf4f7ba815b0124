// What CLI11 checks of flags. Only for files that declare flags.
#ifndef POLLUX_CLI_VALIDATORS_H_
#define POLLUX_CLI_VALIDATORS_H_

#include <CLI/CLI.hpp>
#include <string>

namespace pollux::cli {

inline CLI::Validator NumberValidator() {
  return {[](std::string& text) {
            const bool digits =
                !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
            return digits && text.size() <= 19
                       ? std::string()
                       : std::string("must be a number from 0 to 9999999999999999999");
          },
          "NUMBER"};
}

}  // namespace pollux::cli

#endif  // POLLUX_CLI_VALIDATORS_H_
