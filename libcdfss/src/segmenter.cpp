// The frame path: support images to prototypes once, then each image through encoder and decoder.
#include "cdfss/segmenter.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "cdfss/error.h"
#include "device.h"
#include "device_frames.h"
#include "mask_from_logits.h"
#include "model/shot_label.h"
#include "run_network.h"
#include "shared_network.h"
#include "tensor/frame_input.h"
#include "unused_memory.h"

namespace cdfss {
namespace {

constexpr int kSmallestInput = 41;
constexpr int kLargestInput = 2049;

int checked_input_size(int wanted, int of_model) {
  const int side = wanted == 0 ? of_model : wanted;
  if ((side - 1) % 8 != 0 || side < kSmallestInput || side > kLargestInput) {
    throw Error(ErrorCode::kInvalidValue,
                "input size " + std::to_string(side) + ": expected 8 n + 1 from " +
                    std::to_string(kSmallestInput) + " to " + std::to_string(kLargestInput));
  }
  return side;
}

float checked_threshold(float threshold) {
  if (!(threshold >= 0.0F && threshold <= 1.0F)) {
    throw Error(ErrorCode::kInvalidValue,
                "threshold " + std::to_string(threshold) + ": expected 0 to 1");
  }
  return threshold;
}

float checked_smoothing(float weight) {
  if (!(weight >= 0.0F && weight < 1.0F)) {
    throw Error(ErrorCode::kInvalidValue,
                "temporal smoothing " + std::to_string(weight) + ": expected 0 to less than 1");
  }
  return weight;
}

int checked_threads(int threads) {
  if (threads < 0) {
    throw Error(ErrorCode::kInvalidValue,
                std::to_string(threads) + " threads: expected 1 or more, or 0 for the default");
  }
  return threads;
}

}  // namespace

class Segmenter::Impl {
 public:
  Impl(const std::filesystem::path& file, const SegmenterOptions& options)
      : threads_(checked_threads(options.threads)) {
    const c10::Device device = resolve_device(options.device);
    precision_ = resolve_precision(options.precision, device);
    network_ = SharedNetwork::open(file, device, precision_);
    const ModelInfo& info = network_->info();
    input_size_ = checked_input_size(options.input_size, info.input_size);
    threshold_ = options.threshold == -1.0F ? info.threshold : checked_threshold(options.threshold);
    enhancement_ =
        options.use_model_enhancement ? info.target_enhancement : options.target_enhancement;
    if (enhancement_ != TargetEnhancement::kNone && !network_->has_memory()) {
      throw Error(ErrorCode::kInvalidValue, std::string("target enhancement \"") +
                                                to_string(enhancement_) + "\": " + file.string() +
                                                " has no memory bank, expected none");
    }
    if (!device.is_cpu()) {
      run_network("preparing the device", [&] { accelerated_.emplace(device); });
    }
  }

  // Frames of its size may have been the largest.
  ~Impl() { release_unused_memory(); }

  bool set_support(const SupportSet& support, const std::stop_token& stop) {
    if (support.empty()) {
      throw Error(ErrorCode::kInvalidValue, "the support set is empty, expected a class or more");
    }
    if (support.classes().size() > std::numeric_limits<std::uint8_t>::max() - 1) {
      throw Error(ErrorCode::kInvalidValue, "the support set has " +
                                                std::to_string(support.classes().size()) +
                                                " classes, expected at most 254");
    }
    use_threads();
    // Clustering magnifies small errors in what it starts from: read in half precision, a support
    // set moved masks far more than the frames' own precision does.
    const std::shared_ptr<SharedNetwork> exact = network_->in_float32();
    std::vector<ClassGuide> classes;
    std::vector<std::string> names;
    for (const SupportClass& support_class : support.classes()) {
      std::vector<Prototypes> shots;
      for (const SupportShot& shot : support_class.shots) {
        if (stop.stop_requested()) return false;
        add_shot(*exact, shot, shots);
      }
      classes.push_back(run_network("reading the support set",
                                    [&] { return network_->guide(concatenate(shots)); }));
      names.push_back(support_class.name);
    }
    std::unique_ptr<ActivationRanges> ranges = network_->unknown_ranges();
    if (ranges != nullptr && !learn_ranges(support, classes, *ranges, stop)) return false;
    // segment()'s streams read the guides.
    run_network("reading the support set",
                [&] { current_stream(network_->device()).synchronize(); });
    classes_ = std::move(classes);
    ranges_ = std::move(ranges);
    names_ = std::move(names);
    previous_.reset();
    release_unused_memory();
    return true;
  }

  void segment(const ImageView& image, Mask& mask, bool with_probabilities) {
    if (classes_.empty()) {
      throw Error(ErrorCode::kInvalidValue, "segment: no support set was given (set_support)");
    }
    use_threads();
    const at::NoGradGuard no_grad;
    at::Tensor logits;  // kept until the mask is there
    const auto logits_of = [&](const at::Tensor& input) {
      logits = network_->segment(input, query_pick(), classes_, ranges_.get());
      return smoothing_ > 0.0F ? smoothed(logits) : logits;
    };
    if (accelerated_) {
      accelerated_->segment(image, input_size_, logits_of, threshold_, names_, with_probabilities,
                            mask);
    } else {
      mask_from_logits(logits_of(input_of(image)), threshold_, names_, image.width, image.height,
                       with_probabilities, mask);
    }
  }

  std::shared_ptr<SharedNetwork> network_;
  int threads_ = 0;
  Precision precision_ = Precision::kFp32;
  int input_size_ = 0;
  float threshold_ = 0.0F;
  float smoothing_ = 0.0F;
  TargetEnhancement enhancement_ = TargetEnhancement::kNone;
  std::optional<DeviceFrames> accelerated_;   // on an accelerator
  std::vector<ClassGuide> classes_;           // of the support set in force
  std::unique_ptr<ActivationRanges> ranges_;  // learnt from the support set; null unless in int8
  std::vector<std::string> names_;
  at::Tensor previous_;  // probabilities [classes, h, h] of the last image; undefined: none

 private:
  // LibTorch's setting is the calling thread's own.
  void use_threads() const {
    static const int kDefault = at::get_num_threads();
    const int wanted = threads_ > 0 ? threads_ : kDefault;
    if (at::get_num_threads() != wanted) at::set_num_threads(wanted);
  }

  // Whether, and to what, the memory restyles the images to be segmented.
  std::optional<Pick> query_pick() const {
    const bool enhanced =
        enhancement_ == TargetEnhancement::kQuery || enhancement_ == TargetEnhancement::kBoth;
    return enhanced ? std::optional(Pick::kHighest) : std::nullopt;
  }

  // Segments each labelled image for its own class to see which values occur. False if stopped.
  bool learn_ranges(const SupportSet& support, const std::vector<ClassGuide>& guides,
                    ActivationRanges& ranges, const std::stop_token& stop) {
    const at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < guides.size(); ++i) {
      for (const SupportShot& shot : support.classes()[i].shots) {
        if (stop.stop_requested()) return false;
        const at::Tensor input = input_of(shot.image->view());
        run_network("reading a support image",
                    [&] { network_->learn(ranges, input, query_pick(), guides[i]); });
      }
    }
    ranges.finish();
    return true;
  }

  // [1, 3, S, S] on the CPU
  at::Tensor input_of(const ImageView& image) {
    const TensorLifetimeGuard guard = network_->of_frame();
    return run_network("reading an image", [&] { return frame_input(image, input_size_); });
  }

  // Mixes in the last image's probabilities. [classes, h, h]
  at::Tensor smoothed(const at::Tensor& logits) {
    return run_network("smoothing a mask", [&] {
      const at::Tensor probabilities = logits.sigmoid();
      if (!previous_.defined()) {
        previous_ = probabilities;
        return logits;
      }
      previous_ = at::lerp(probabilities, previous_, smoothing_);
      // Bounded, since infinite logits cannot be resized.
      return at::logit(previous_, /*eps=*/1e-6);
    });
  }

  void add_shot(SharedNetwork& exact, const SupportShot& shot, std::vector<Prototypes>& shots) {
    const at::Tensor input = input_of(shot.image->view());
    run_network("reading a support image", [&] {
      const at::NoGradGuard no_grad;
      const ShotLabel target = shot_label(shot, input_size_);
      const at::Tensor label = target.label.to(exact.device());
      const bool original =
          enhancement_ != TargetEnhancement::kSupport && enhancement_ != TargetEnhancement::kBoth;
      const bool restyled =
          enhancement_ != TargetEnhancement::kNone && enhancement_ != TargetEnhancement::kQuery;
      const auto add = [&](std::optional<Pick> pick) {
        shots.push_back(exact.prototypes(exact.features(input, pick)[0], label, target.seeds));
      };
      if (original) add(std::nullopt);
      if (restyled) add(Pick::kHighest);
    });
  }
};

Segmenter::Segmenter(const std::filesystem::path& model, const SegmenterOptions& options)
    : impl_(std::make_unique<Impl>(model, options)) {}
Segmenter::~Segmenter() = default;
Segmenter::Segmenter(Segmenter&&) noexcept = default;
Segmenter& Segmenter::operator=(Segmenter&&) noexcept = default;

void Segmenter::set_support(const SupportSet& support) { impl_->set_support(support, {}); }
bool Segmenter::set_support(const SupportSet& support, const std::stop_token& stop) {
  return impl_->set_support(support, stop);
}

Mask Segmenter::segment(const ImageView& image, bool with_probabilities) {
  Mask mask;
  segment(image, mask, with_probabilities);
  return mask;
}

void Segmenter::segment(const ImageView& image, Mask& mask, bool with_probabilities) {
  impl_->segment(image, mask, with_probabilities);
}

void Segmenter::set_threshold(float threshold) { impl_->threshold_ = checked_threshold(threshold); }
void Segmenter::set_temporal_smoothing(float weight) {
  impl_->smoothing_ = checked_smoothing(weight);
  if (weight == 0.0F) impl_->previous_.reset();
}
void Segmenter::forget_previous_image() { impl_->previous_.reset(); }
const ModelInfo& Segmenter::model_info() const { return impl_->network_->info(); }
int Segmenter::input_size() const { return impl_->input_size_; }
std::string Segmenter::device() const { return impl_->network_->device().str(); }
Precision Segmenter::precision() const { return impl_->precision_; }
const std::vector<std::string>& Segmenter::class_names() const { return impl_->names_; }

}  // namespace cdfss
