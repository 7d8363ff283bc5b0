// Query frames of a video, decoded as the element's pipeline decodes them.
//
// GStreamer otherwise stays in gst-plugin. Here it decodes because cdfss-eval's numbers are those
// of the pipeline `jpegdec ! videoconvert ! cdfssseg`: JPEG decoders differ in how they enlarge the
// colours of 4:2:0 files, and masks follow them.
#pragma once

#include <filesystem>
#include <memory>

#include "cdfss/image.h"

namespace cdfss {

class VideoDecoder {
 public:
  // Throws Error(kNotFound) for a GStreamer plugin that is missing, naming its package.
  VideoDecoder();
  ~VideoDecoder();
  VideoDecoder(const VideoDecoder&) = delete;
  VideoDecoder& operator=(const VideoDecoder&) = delete;

  // Decodes a .jpg or .png file into the format that the element would negotiate; the view is valid
  // until the next call. Throws Error(kNotFound | kUnreadable) naming the file.
  ImageView decode(const std::filesystem::path& file);

 private:
  class Frame;
  std::unique_ptr<Frame> frame_;  // the last one, mapped
};

}  // namespace cdfss
