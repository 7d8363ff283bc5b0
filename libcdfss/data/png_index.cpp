#include "data/png_index.h"

#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>

#include "cdfss/error.h"

namespace cdfss {
namespace {

// Larger sides are refused before anything is allocated for them.
constexpr png_uint_32 kMaximumSide = 32768;

// What libpng's callbacks see. libpng reports errors by longjmp, which must not pass over C++
// objects, so the functions between setjmp and longjmp hold none.
struct Reader {
  const std::uint8_t* bytes = nullptr;
  std::size_t size = 0;
  std::size_t position = 0;
  char message[128] = "";
};

void read_callback(png_structp png, png_bytep out, png_size_t count) {
  auto* reader = static_cast<Reader*>(png_get_io_ptr(png));
  if (count > reader->size - reader->position) {
    png_error(png, "it ends too early");
  }
  std::memcpy(out, reader->bytes + reader->position, count);
  reader->position += count;
}

[[noreturn]] void error_callback(png_structp png, png_const_charp message) {
  auto* reader = static_cast<Reader*>(png_get_error_ptr(png));
  std::strncpy(reader->message, message, sizeof(reader->message) - 1);
  png_longjmp(png, 1);
}

void warning_callback(png_structp, png_const_charp) {}

bool read_header(png_structp png, png_infop info) {
  if (setjmp(png_jmpbuf(png)) != 0) {
    return false;
  }
  png_read_info(png, info);
  png_set_packing(png);  // one byte a sample, values unchanged
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  return true;
}

bool read_rows(png_structp png, png_bytepp rows) {
  if (setjmp(png_jmpbuf(png)) != 0) {
    return false;
  }
  png_read_image(png, rows);
  png_read_end(png, nullptr);
  return true;
}

// Owns libpng's structures.
class PngStructs {
 public:
  explicit PngStructs(Reader& reader)
      : png_(png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, error_callback,
                                    warning_callback)),
        info_(png_ == nullptr ? nullptr : png_create_info_struct(png_)) {
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw Error(ErrorCode::kOutOfMemory, "no memory to read a PNG file");
    }
    png_set_read_fn(png_, &reader, read_callback);
    png_set_user_limits(png_, kMaximumSide, kMaximumSide);
  }
  ~PngStructs() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngStructs(const PngStructs&) = delete;
  PngStructs& operator=(const PngStructs&) = delete;

  png_structp png() const { return png_; }
  png_infop info() const { return info_; }

 private:
  png_structp png_;
  png_infop info_;
};

// Grey of opaque pixels whose colours are equal.
cv::Mat grey_of_colours(const cv::Mat& pixels, bool has_alpha, const std::string& name) {
  const int channels = pixels.channels();
  const int colours = has_alpha ? channels - 1 : channels;
  cv::Mat grey(pixels.size(), CV_8UC1);
  for (int y = 0; y < pixels.rows; ++y) {
    const std::uint8_t* pixel = pixels.ptr<std::uint8_t>(y);
    std::uint8_t* out = grey.ptr<std::uint8_t>(y);
    for (int x = 0; x < pixels.cols; ++x, pixel += channels) {
      const bool is_grey =
          std::all_of(pixel, pixel + colours, [pixel](std::uint8_t c) { return c == pixel[0]; });
      if (!is_grey || (has_alpha && pixel[colours] != 255)) {
        throw Error(ErrorCode::kInvalidValue,
                    name + " has " + (is_grey ? "transparent" : "coloured") + " pixels (at " +
                        std::to_string(x) + ", " + std::to_string(y) +
                        "), expected a mask: a palette or grey PNG of class indices");
      }
      out[x] = pixel[0];
    }
  }
  return grey;
}

}  // namespace

bool is_png(const std::vector<std::uint8_t>& bytes) {
  return bytes.size() >= 8 && png_sig_cmp(bytes.data(), 0, 8) == 0;
}

cv::Mat decode_png_index(const std::vector<std::uint8_t>& bytes, const std::string& name) {
  Reader reader{.bytes = bytes.data(), .size = bytes.size()};
  const PngStructs structs(reader);
  const auto damaged = [&] {
    return Error(ErrorCode::kUnreadable, name + " is a damaged PNG file: " + reader.message);
  };
  if (!read_header(structs.png(), structs.info())) {
    throw damaged();
  }
  if (png_get_bit_depth(structs.png(), structs.info()) > 8) {
    throw Error(ErrorCode::kInvalidValue,
                name + " has 16 bits a sample, expected a mask of at most 8 bits");
  }
  const int channels = png_get_channels(structs.png(), structs.info());
  cv::Mat pixels(static_cast<int>(png_get_image_height(structs.png(), structs.info())),
                 static_cast<int>(png_get_image_width(structs.png(), structs.info())),
                 CV_8UC(channels));
  std::vector<png_bytep> rows(pixels.rows);
  for (int y = 0; y < pixels.rows; ++y) {
    rows[y] = pixels.ptr<std::uint8_t>(y);
  }
  if (!read_rows(structs.png(), rows.data())) {
    throw damaged();
  }
  if (channels == 1) {
    return pixels;
  }
  const int colour_type = png_get_color_type(structs.png(), structs.info());
  return grey_of_colours(pixels, (colour_type & PNG_COLOR_MASK_ALPHA) != 0, name);
}

}  // namespace cdfss
