// A range check for options that are numbers.
#pragma once

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdlib>
#include <string>

namespace cdfss {

// CLI::Range() that refuses NaN, too, which compares as neither below nor above.
inline CLI::Validator number_in(double least, double most) {
  const CLI::Validator range = CLI::Range(least, most);
  return {[range](std::string& text) {
            if (std::isnan(std::strtod(text.c_str(), nullptr))) {
              return "'" + text + "' is not a number";
            }
            return range(text);
          },
          range.get_description()};
}

}  // namespace cdfss
