// Draws a mask into a frame: each class's area tinted, its contour solid, its name beside it.
#pragma once

#include <vector>

#include "canvas.h"
#include "cdfss/mask.h"
#include "label.h"
#include "paint.h"
#include "region_paint.h"

namespace cdfss {

struct OverlayLook {
  double alpha = 0.5;    // opacity of areas, 0..1
  bool contours = true;  // solid, contour_thickness pixels
  bool labels = false;   // names of classes, at the top left corner of their boxes
};

class OverlayPainter {
 public:
  // Blends in place; the canvas is of the mask's size. A pixel's fourth byte and the padding of
  // rows are left as they are.
  void draw(const Mask& mask, const Canvas& canvas, const OverlayLook& look);

 private:
  // Kept to allocate nothing a frame.
  RegionPaint regions_;
  LabelMaker labels_;
  PaintRow upper_, lower_;
  std::vector<Ink> inks_;
};

}  // namespace cdfss
