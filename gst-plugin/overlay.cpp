#include "overlay.h"

#include <cmath>

namespace cdfss {

void OverlayPainter::draw(const Mask& mask, const Canvas& canvas, const OverlayLook& look) {
  inks_.assign(1, Ink{});
  for (int index = 1; index <= 255; ++index) {
    inks_.push_back(ink_of(class_colour(index), canvas));
  }
  regions_.begin(mask, inks_, static_cast<int>(std::lround(look.alpha * 256)), look.contours);
  std::vector<Label> labels;
  if (look.labels) labels = labels_.make(mask);

  for (int y = 0; y < mask.height; y += 2) {
    regions_.next(upper_);
    if (y + 1 < mask.height) regions_.next(lower_);
    for (const Label& label : labels) {
      lay_row(label, y, canvas, upper_);
      lay_row(label, y + 1, canvas, lower_);
    }
    blend_rows(upper_, lower_, y, canvas);
  }
}

}  // namespace cdfss
