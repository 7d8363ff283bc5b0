// How bright red and blue are in Y'.
#pragma once

#include "cdfss/image.h"

namespace cdfss {

// K_R and K_B of ITU-R BT.601, BT.709 and BT.2020; green has the rest:
// Y' = red R' + (1 - red - blue) G' + blue B'.
struct LumaWeights {
  double red, blue;
};

constexpr LumaWeights luma_weights(YuvMatrix matrix) {
  switch (matrix) {
    case YuvMatrix::kBt709:
      return {.red = 0.2126, .blue = 0.0722};
    case YuvMatrix::kBt2020:
      return {.red = 0.2627, .blue = 0.0593};
    case YuvMatrix::kBt601:
      break;
  }
  return {.red = 0.299, .blue = 0.114};
}

}  // namespace cdfss
