// Whether a JPEG file is whole: decoders fill what is missing with grey and call that success.
#pragma once

#include <cstdint>
#include <vector>

namespace cdfss {

// True for bytes that begin as a JPEG but have no end-of-image marker after the first scan begins.
bool is_truncated_jpeg(const std::vector<std::uint8_t>& bytes);

}  // namespace cdfss
