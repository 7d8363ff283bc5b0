#include "amplitude_mix.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "cdfss/error.h"

namespace cdfss {

at::Tensor mix_amplitudes(const at::Tensor& images, std::int64_t distance, double beta) {
  const std::int64_t rows = images.size(0), side = images.size(1);
  if (distance % rows == 0) {
    throw Error(ErrorCode::kInvalidValue,
                "mixing amplitudes: there is no other image in a batch of " + std::to_string(rows) +
                    ", expected two or more episodes");
  }
  const at::Tensor planes = images.permute({0, 3, 1, 2}).to(at::kFloat);
  at::Tensor spectrum = at::fft_rfft2(planes);  // [R, 3, S, S / 2 + 1]
  const auto highest =
      std::min(static_cast<std::int64_t>(beta * static_cast<double>(side)), (side - 1) / 2);
  // The other half of the horizontal frequencies is the conjugate of this one.
  const at::Tensor down = at::arange(-highest, highest + 1).remainder(side).unsqueeze(1);
  const at::Tensor across = at::arange(highest + 1);
  const at::Tensor low =
      spectrum.index({at::indexing::Slice(), at::indexing::Slice(), down, across});
  const at::Tensor mixed = at::polar(low.abs().roll(-distance, 0), low.angle());
  spectrum.index_put_({at::indexing::Slice(), at::indexing::Slice(), down, across}, mixed);
  const at::Tensor back = at::fft_irfft2(spectrum, at::IntArrayRef{side, side});
  return back.round().clamp(0, 255).to(at::kByte).permute({0, 2, 3, 1}).contiguous();
}

}  // namespace cdfss
