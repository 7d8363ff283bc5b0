// A loaded network, used by all Segmenters of the process that name the same model file, device and
// precision.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <sys/types.h>

#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "captured_runs.h"
#include "cdfss/segmenter.h"
#include "model/frame_network.h"
#include "request_batcher.h"
#include "tensor/device_stream.h"
#include "tensor/tensor_lifetime.h"

namespace cdfss {

// A version of a file: another one in its place differs in one of these.
using FileVersion = std::tuple<dev_t, ino_t, off_t, std::int64_t, std::int64_t>;

class SharedNetwork : public std::enable_shared_from_this<SharedNetwork> {
 public:
  // The one that is there, else a new one; it goes with its last user. A file that changed since it
  // was loaded is another. `precision` is resolved. Throws as load_model does, and
  // Error(kOutOfMemory | kInference).
  static std::shared_ptr<SharedNetwork> open(const std::filesystem::path& file, c10::Device device,
                                             Precision precision);

  // With `make_graph`, batches of the same requests are captured and replayed.
  SharedNetwork(const std::filesystem::path& file, c10::Device device, Precision precision,
                const GraphFactory& make_graph);
  ~SharedNetwork();

  // The same network in float32, for what is read once and kept: this one if it is in float32, else
  // one that goes with its last user. Throws as open() does, and Error(kUnreadable) if the file is
  // no longer the one that was loaded.
  std::shared_ptr<SharedNetwork> in_float32();

  // Foreground minus background logit of each class, float [classes, h, h], on the network's
  // device. `input` is frame_input()'s [1, 3, S, S] there; `ranges` are learn()'s, or null. Calls
  // of several threads with inputs of one size, one `pick` and the same ranges run as batches, on
  // as many CPU threads as the caller that runs one has. An accelerator takes the input from, and
  // leaves the logits to, the calling thread's current stream, and may not have made them yet when
  // this returns: both must be kept until that stream has got past what it does with the logits.
  // Any thread; throws Error(kInference | kOutOfMemory).
  at::Tensor segment(const at::Tensor& input, std::optional<Pick> pick,
                     const std::vector<ClassGuide>& classes, ActivationRanges* ranges);

  // What segment() wants in int8: the ranges of activations, still to be learnt. Null in other
  // precisions.
  std::unique_ptr<ActivationRanges> unknown_ranges() const;
  // Lets the ranges hold what an image, in which a class is looked for, makes of them. Any
  // thread.
  void learn(ActivationRanges& ranges, const at::Tensor& input, std::optional<Pick> pick,
             const ClassGuide& guide);

  // Reduced features [1, 256, h, h] of a frame_input(). Any thread; not in int8, whose support sets
  // are read by in_float32().
  at::Tensor features(const at::Tensor& input, std::optional<Pick> pick);

  // One shot's prototypes in float32, see Asgnet. Any thread.
  Prototypes prototypes(const at::Tensor& features, const at::Tensor& label,
                        const at::Tensor& seeds) const;
  // What segment() wants of a class's prototypes. Any thread.
  ClassGuide guide(const Prototypes& prototypes) const;

  const ModelInfo& info() const { return info_; }
  bool has_memory() { return !network_->network()->memories().empty(); }
  c10::Device device() const { return device_; }
  // For what works on a frame around this network's own functions, which have one themselves.
  TensorLifetimeGuard of_frame() const {
    return TensorLifetimeGuard(device_.is_cpu() ? TensorLifetime::kFrame
                                                : TensorLifetime::kLasting);
  }

 private:
  struct Request {
    const at::Tensor& input;
    std::optional<Pick> pick;
    const std::vector<ClassGuide>& classes;
    ActivationRanges* ranges;
    StreamMark arrived;                  // behind the input
    std::optional<StreamMark> finished;  // behind the logits
    at::Tensor logits;
    std::exception_ptr failure;
  };
  void settle() const noexcept;  // waits until the device is done with the last batch
  void run(std::vector<Request*> batch);

  std::filesystem::path file_;
  FileVersion version_;  // before loading
  ModelInfo info_;
  std::unique_ptr<FrameNetwork> network_;  // not changed after the constructor
  c10::Device device_;
  Precision precision_;
  c10::Stream stream_;                     // run()'s
  std::set<std::int64_t> prepared_sides_;  // run()'s: sizes that the network is packed for
  std::optional<CapturedRuns> captured_;   // run()'s
  RequestBatcher<Request> batcher_;
};

}  // namespace cdfss
