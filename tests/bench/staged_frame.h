// One frame through the engine's stages, each of which can be run and timed alone.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench_options.h"
#include "cdfss/mask.h"
#include "convolution_limit.h"
#include "device_mask.h"
#include "model/frame_network.h"
#include "overlay.h"
#include "tensor/device_input.h"

namespace cdfss::bench {

struct Stage {
  std::string name;
  std::function<void()> run;  // on what the stages before it left
  std::vector<ConvolutionShape> convolutions;
};

class StagedFrame {
 public:
  explicit StagedFrame(const Options& options);
  StagedFrame(const StagedFrame&) = delete;
  StagedFrame& operator=(const StagedFrame&) = delete;

  // input, layer0 ... layer3, reduction, allocation, enrichment, decide, draw.
  const std::vector<Stage>& stages() const { return stages_; }
  void run_all() const;

  double mask_share() const;  // of the last mask's pixels that belong to a class

  c10::Device device() const { return device_; }
  at::ScalarType dtype() const { return dtype_; }

 private:
  void read_support(const Options& options);
  void add_encoder_stages();

  c10::Device device_;
  at::ScalarType dtype_;
  int input_size_;
  float threshold_;
  std::optional<FrameNetwork> network_;
  std::optional<ActivationRanges> ranges_;  // if the network is quantised
  Frame frame_;
  DeviceInput device_input_;  // this and the next on an accelerator
  DeviceMask device_mask_;
  std::vector<ClassGuide> guides_;
  std::vector<const ClassGuide*> guide_pointers_;
  std::vector<std::int64_t> image_of_;
  std::vector<std::string> names_;
  std::vector<Stage> stages_;

  // What one stage leaves for the next.
  at::Tensor input_, x_, layer2_, query_, logits_;
  QuantisedTensor bytes_, layer2_bytes_;  // x_ and layer2_ where they are in 8 bits
  std::vector<Likeness> likenesses_;
  Mask mask_;
  OverlayPainter painter_;
};

}  // namespace cdfss::bench
