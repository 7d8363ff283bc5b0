// What a mask's regions look like, row by row: areas tinted, contours solid.
#pragma once

#include <vector>

#include "cdfss/mask.h"
#include "paint.h"

namespace cdfss {

// Thickness in pixels of contours in a frame of that height: 1 up to 539, then 1 more every 360.
int contour_thickness(int height);

class RegionPaint {
 public:
  // `inks`: one a class, inks[0] unused. `opacity` of areas in 1/256. Pixels of a region that lie
  // within contour_thickness of another class or of none, along a row or a column, are solid if
  // `contours`. The frame's own edge is no contour.
  void begin(const Mask& mask, const std::vector<Ink>& inks, int opacity, bool contours);
  // Replaces `row` by the next one; call it once for every row of the mask, from the top.
  void next(PaintRow& row);

 private:
  void look_at(int y);
  void add_region(int begin, int end, const Ink& ink, PaintRow& row) const;

  const Mask* mask_ = nullptr;
  const std::vector<Ink>* inks_ = nullptr;
  int opacity_ = 0;
  int thickness_ = 0;
  int y_ = 0;
  std::vector<int> boundary_;  // see next(); kept to allocate nothing a frame
};

}  // namespace cdfss
