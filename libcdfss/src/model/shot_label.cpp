#include "model/shot_label.h"

#include <ATen/ATen.h>

#include "cdfss/error.h"
#include "model/seed_placement.h"
#include "model/superpixel_clustering.h"

namespace cdfss {

ShotLabel shot_label(const SupportShot& shot, int side) {
  const auto pixels = static_cast<std::size_t>(shot.image->width) * shot.image->height;
  if (shot.mask.size() != pixels) {
    throw Error(ErrorCode::kInvalidValue, shot.source + ": the mask has " +
                                              std::to_string(shot.mask.size()) +
                                              " pixels, its image " + std::to_string(pixels));
  }
  // from_blob takes a mutable pointer; nothing here writes through it.
  const at::Tensor full = at::from_blob(const_cast<std::uint8_t*>(shot.mask.data()),
                                        {1, 1, shot.image->height, shot.image->width}, at::kByte);
  const at::Tensor label = at::upsample_nearest2d(full, {side, side})[0][0];
  return {.label = support_label(label), .seeds = place_seeds(label.eq(1).to(at::kByte))};
}

}  // namespace cdfss
