#include "label.h"

#include <pango/pangocairo.h>

#include <algorithm>
#include <utility>

namespace cdfss {
namespace {

constexpr int kSmallestFont = 9;  // pixels; less is not read

template <auto release>
struct Release {
  template <typename Object>
  void operator()(Object* object) const {
    release(object);
  }
};
using Surface = std::unique_ptr<cairo_surface_t, Release<cairo_surface_destroy>>;
using Context = std::unique_ptr<cairo_t, Release<cairo_destroy>>;
using Layout = std::unique_ptr<PangoLayout, Release<g_object_unref>>;
using Text = std::unique_ptr<gchar, Release<g_free>>;
using Font = std::unique_ptr<PangoFontDescription, Release<pango_font_description_free>>;

std::shared_ptr<const TextTile> render(const std::string& name, int font_size) {
  // Names come from folders and files, which need not be UTF-8.
  const Text text(g_utf8_make_valid(name.c_str(), static_cast<gssize>(name.size())));
  const auto make_layout = [&](cairo_t* context) {
    Layout layout(pango_cairo_create_layout(context));
    const Font font(pango_font_description_from_string("Sans Bold"));
    pango_font_description_set_absolute_size(font.get(), font_size * PANGO_SCALE);
    pango_layout_set_font_description(layout.get(), font.get());
    pango_layout_set_single_paragraph_mode(layout.get(), TRUE);
    pango_layout_set_text(layout.get(), text.get(), -1);
    return layout;
  };
  const int margin = std::max(2, font_size / 5);
  auto tile = std::make_shared<TextTile>();
  {
    const Surface surface(cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1));
    const Context context(cairo_create(surface.get()));
    pango_layout_get_pixel_size(make_layout(context.get()).get(), &tile->width, &tile->height);
  }
  tile->width += 2 * margin;
  tile->height += 2 * margin;
  const Surface surface(cairo_image_surface_create(CAIRO_FORMAT_A8, tile->width, tile->height));
  const Context context(cairo_create(surface.get()));
  cairo_move_to(context.get(), margin, margin);
  pango_cairo_show_layout(context.get(), make_layout(context.get()).get());
  cairo_surface_flush(surface.get());
  const std::uint8_t* pixels = cairo_image_surface_get_data(surface.get());
  const int stride = cairo_image_surface_get_stride(surface.get());
  for (int y = 0; y < tile->height; ++y) {
    tile->coverage.insert(tile->coverage.end(), pixels + std::ptrdiff_t{y} * stride,
                          pixels + std::ptrdiff_t{y} * stride + tile->width);
  }
  return tile;
}

}  // namespace

int label_font_size(int height) { return std::max(kSmallestFont, height / 32); }

std::vector<Label> LabelMaker::make(const Mask& mask) {
  std::vector<Label> labels;
  const int font_size = label_font_size(mask.height);
  if (font_size != std::exchange(font_size_, font_size)) tiles_.clear();
  for (std::size_t i = 0; i < mask.regions.size(); ++i) {
    const ClassRegion& region = mask.regions[i];
    if (region.area == 0) continue;
    std::shared_ptr<const TextTile>& tile = tiles_[region.name];
    if (tile == nullptr) tile = render(region.name, font_size);
    if (tile->height > mask.height) continue;
    const int above = region.y - tile->height;
    labels.push_back({.x = std::max(0, std::min(region.x, mask.width - tile->width)),
                      .y = above >= 0 ? above : std::min(region.y, mask.height - tile->height),
                      .colour = class_colour(static_cast<int>(i) + 1),
                      .tile = tile});
  }
  return labels;
}

void lay_row(const Label& label, int y, const Canvas& canvas, PaintRow& row) {
  if (y < label.y || y >= label.y + label.tile->height || y >= canvas.height) return;
  const Ink ground = ink_of(label.colour, canvas);
  const Ink text = ink_of(text_colour(label.colour), canvas);
  const std::uint8_t* coverage =
      label.tile->coverage.data() + std::ptrdiff_t{y - label.y} * label.tile->width;
  const int width = std::min(canvas.width - label.x, label.tile->width);
  PaintRow spans;
  for (int begin = 0, end; begin < width; begin = end) {
    end = begin + 1;
    while (end < width && coverage[end] == coverage[begin]) ++end;
    const int share = coverage[begin] + (coverage[begin] >> 7);  // 0..255 -> 0..256
    Paint paint{.opacity = 256};
    for (int c = 0; c < 3; ++c) paint.ink[c] = blend(ground[c], text[c], share);
    spans.push_back({label.x + begin, label.x + end, paint});
  }
  cover(row, spans);
}

}  // namespace cdfss
