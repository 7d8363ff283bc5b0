// A loaded network, used by all Segmenters of the process that name the same model file, device and
// precision.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "cdfss/segmenter.h"
#include "model/frame_network.h"
#include "request_batcher.h"

namespace cdfss {

class SharedNetwork {
 public:
  // The one that is there, else a new one; it goes with its last user. A file that changed since it
  // was loaded is another. `precision` is resolved. Throws as load_model does, and
  // Error(kOutOfMemory | kInference).
  static std::shared_ptr<SharedNetwork> open(const std::filesystem::path& file, c10::Device device,
                                             Precision precision);

  SharedNetwork(const std::filesystem::path& file, c10::Device device, Precision precision);

  // Foreground minus background logit of each class, float [classes, h, h] on the CPU. `input` is
  // frame_input()'s [1, 3, S, S]. Calls of several threads with inputs of one size and one `pick`
  // run as batches, on as many CPU threads as the caller that runs one has. Any thread; throws
  // Error(kInference | kOutOfMemory).
  at::Tensor segment(const at::Tensor& input, std::optional<Pick> pick,
                     const std::vector<ClassGuide>& classes);

  // Reduced features [1, 256, h, h] of a frame_input(). Any thread.
  at::Tensor features(const at::Tensor& input, std::optional<Pick> pick);

  // One shot's prototypes in float32, see Asgnet. Any thread.
  Prototypes prototypes(const at::Tensor& features, const at::Tensor& label,
                        const at::Tensor& seeds) const;
  // What segment() wants of a class's prototypes. Any thread.
  ClassGuide guide(const Prototypes& prototypes) const;

  const ModelInfo& info() const { return info_; }
  bool has_memory() { return !network_->network()->memories().empty(); }
  c10::Device device() const { return device_; }

 private:
  struct Request {
    const at::Tensor& input;
    std::optional<Pick> pick;
    const std::vector<ClassGuide>& classes;
    at::Tensor logits;
    std::exception_ptr failure;
  };
  void run(const std::vector<Request*>& batch);

  ModelInfo info_;
  std::unique_ptr<FrameNetwork> network_;  // not changed after the constructor
  c10::Device device_;
  Precision precision_;
  RequestBatcher<Request> batcher_;
};

}  // namespace cdfss
