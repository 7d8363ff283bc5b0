// The segmenter with its support set, kept as the element's properties say. Knows no GStreamer
// object.
#pragma once

#include "cdfss/mask.h"
#include "cdfss/segmenter.h"
#include "cdfss/support_set.h"
#include "settings.h"

namespace cdfss {

class Engine {
 public:
  // Loads support set and model. Throws Error.
  explicit Engine(const Settings& settings);

  // Makes anew what `changes` (Change bits) name. Throws Error; what failed is then as it was.
  void apply(const Settings& settings, unsigned changes);

  // The mask stays valid until the next call. Throws Error.
  const Mask& segment(const ImageView& frame);

  const Segmenter& segmenter() const { return segmenter_; }

 private:
  SupportSet support_;  // kept for the next model
  Segmenter segmenter_;
  Mask mask_;
};

}  // namespace cdfss
