// The one exception type that leaves the library.
#pragma once

#include <stdexcept>
#include <string>

#include "cdfss/export.h"

namespace cdfss {

// What went wrong, so that a caller can react without reading the text.
enum class ErrorCode {
  kNotFound,      // a file or folder that was named does not exist
  kUnreadable,    // it exists but cannot be read or decoded
  kBadModel,      // a model file that is truncated, foreign, or of another network
  kInvalidValue,  // an option, shape, mask, annotation or device that does not fit
  kOutOfMemory,   // host or device memory ran out
  kInference,     // the network failed on a valid input
};

// The message names the offender (file, option, both sizes) and says what was expected.
class CDFSS_EXPORT Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace cdfss
