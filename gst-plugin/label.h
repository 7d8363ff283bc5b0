// Names of classes, set in type.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "canvas.h"
#include "cdfss/mask.h"
#include "paint.h"

namespace cdfss {

// A line of text with a margin.
struct TextTile {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> coverage;  // height x width, 255 = all ink
};

// A name where it is drawn: on a tile of its class's colour.
struct Label {
  int x, y;  // of its top left corner; it may reach beyond the frame's right edge, never its left
  Colour colour;
  std::shared_ptr<const TextTile> tile;
};

// Height in pixels of a label's letters in a frame of that height.
int label_font_size(int height);

class LabelMaker {
 public:
  // One label a class that is in the mask: above its box, or inside where there is no room above;
  // small frames, which could hold no label, have none.
  std::vector<Label> make(const Mask& mask);

 private:
  // By name, for font_size_.
  std::map<std::string, std::shared_ptr<const TextTile>> tiles_;
  int font_size_ = 0;
};

// Puts the label's part in row `y` over what is there.
void lay_row(const Label& label, int y, const Canvas& canvas, PaintRow& row);

}  // namespace cdfss
