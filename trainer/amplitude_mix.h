// An image in the colours and light of another: FDA (Yang and Soatto, CVPR 2020) for SPEC B15.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace cdfss {

// Every row of images uint8 [R, S, S, 3] keeps the phase of its spectrum and takes the amplitude of
// its low frequencies, those up to floor(beta S) cycles an image in either direction, from the row
// `distance` further on (from the last rows on, from the first ones). `beta` is above 0 and at most
// .5; below 1 / S only the colours' means change hands. Throws Error(kInvalidValue) where that row
// would be the same.
at::Tensor mix_amplitudes(const at::Tensor& images, std::int64_t distance, double beta);

}  // namespace cdfss
