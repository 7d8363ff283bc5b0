// The frame path: support images to prototypes once, then each image through encoder and decoder.
#include "cdfss/segmenter.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "cdfss/error.h"
#include "device.h"
#include "io/model_file.h"
#include "mask_from_logits.h"
#include "model/seed_placement.h"
#include "model/superpixel_clustering.h"
#include "tensor/image_tensor.h"

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

// LibTorch's exceptions as ours: what fails here is the network on valid input, or memory.
template <class Function>
auto run_network(const char* what, Function&& function) {
  try {
    return function();
  } catch (const c10::OutOfMemoryError& e) {
    throw Error(ErrorCode::kOutOfMemory, std::string(what) + ": " + e.what_without_backtrace());
  } catch (const c10::Error& e) {
    throw Error(ErrorCode::kInference, std::string(what) + ": " + e.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::kOutOfMemory, std::string(what) + ": out of memory");
  }
}

}  // namespace

class Segmenter::Impl {
 public:
  Impl(const std::filesystem::path& file, const SegmenterOptions& options)
      : device_(resolve_device(options.device)),
        precision_(resolve_precision(options.precision, device_)) {
    LoadedModel model = load_model(file);
    info_ = std::move(model.info);
    network_ = model.network;
    input_size_ = checked_input_size(options.input_size, info_.input_size);
    threshold_ = options.threshold == -1.0F ? info_.threshold : checked_threshold(options.threshold);
    enhancement_ =
        options.use_model_enhancement ? info_.target_enhancement : options.target_enhancement;
    if (enhancement_ != TargetEnhancement::kNone && network_->memories().empty()) {
      throw Error(ErrorCode::kInvalidValue, std::string("target enhancement \"") +
                                                to_string(enhancement_) + "\": " + file.string() +
                                                " has no memory bank, expected none");
    }
    run_network("preparing the network", [&] {
      network_->to(device_);
      network_->prepare_inference(scalar_type(precision_));
    });
  }

  void set_support(const SupportSet& support) {
    if (support.empty()) {
      throw Error(ErrorCode::kInvalidValue, "the support set is empty, expected a class or more");
    }
    if (support.classes().size() > std::numeric_limits<std::uint8_t>::max() - 1) {
      throw Error(ErrorCode::kInvalidValue,
                  "the support set has " + std::to_string(support.classes().size()) +
                      " classes, expected at most 254");
    }
    std::vector<Prototypes> prototypes;
    std::vector<std::string> names;
    for (const SupportClass& support_class : support.classes()) {
      std::vector<Prototypes> shots;
      for (const SupportShot& shot : support_class.shots) add_shot(shot, shots);
      prototypes.push_back(concatenate(shots));
      names.push_back(support_class.name);
    }
    prototypes_ = std::move(prototypes);
    names_ = std::move(names);
  }

  void segment(const ImageView& image, Mask& mask, bool with_probabilities) {
    if (prototypes_.empty()) {
      throw Error(ErrorCode::kInvalidValue, "segment: no support set was given (set_support)");
    }
    const at::Tensor rgb = to_rgb_tensor(image);
    const at::Tensor logits = run_network("segmenting an image", [&] {
      const at::NoGradGuard no_grad;
      const bool enhanced =
          enhancement_ == TargetEnhancement::kQuery || enhancement_ == TargetEnhancement::kBoth;
      const at::Tensor query =
          features(rgb, enhanced ? std::optional(Pick::kHighest) : std::nullopt);
      const at::Tensor both = network_->decode(query, prototypes_, false).logits;
      // softmax over two logits depends on their difference only, and resizing is linear.
      return (both.select(1, 1) - both.select(1, 0)).to(at::kCPU, at::kFloat);  // [classes, h, h]
    });
    mask_from_logits(logits, threshold_, names_, image.width, image.height, with_probabilities,
                     mask);
  }

  ModelInfo info_;
  Asgnet network_{nullptr};
  c10::Device device_;
  Precision precision_;
  int input_size_ = 0;
  float threshold_ = 0.0F;
  TargetEnhancement enhancement_ = TargetEnhancement::kNone;
  std::vector<Prototypes> prototypes_;  // one a class
  std::vector<std::string> names_;

 private:
  // RGB bytes [H, W, 3] -> [1, 256, h, h]
  at::Tensor features(const at::Tensor& rgb, std::optional<Pick> pick) {
    const at::Tensor input = network_input(rgb.to(device_), input_size_)
                                 .to(scalar_type(precision_))
                                 .contiguous(at::MemoryFormat::ChannelsLast);
    return network_->reduce(network_->backbone_features(input, pick));
  }

  void add_shot(const SupportShot& shot, std::vector<Prototypes>& shots) {
    const auto pixels = static_cast<std::size_t>(shot.image->width) * shot.image->height;
    if (shot.mask.size() != pixels) {
      throw Error(ErrorCode::kInvalidValue, shot.source + ": the mask has " +
                                                std::to_string(shot.mask.size()) +
                                                " pixels, its image " + std::to_string(pixels));
    }
    const at::Tensor rgb = to_rgb_tensor(shot.image->view());
    const at::Tensor full =
        at::from_blob(const_cast<std::uint8_t*>(shot.mask.data()),
                      {1, 1, shot.image->height, shot.image->width}, at::kByte);
    run_network("reading a support image", [&] {
      const at::NoGradGuard no_grad;
      const at::Tensor label = at::upsample_nearest2d(full, {input_size_, input_size_})[0][0];
      const at::Tensor seeds = place_seeds(label.eq(1).to(at::kByte));
      const at::Tensor small = support_label(label).to(device_);
      const bool original = enhancement_ != TargetEnhancement::kSupport &&
                            enhancement_ != TargetEnhancement::kBoth;
      const bool restyled = enhancement_ != TargetEnhancement::kNone &&
                            enhancement_ != TargetEnhancement::kQuery;
      if (original) {
        shots.push_back(
            network_->prototypes(features(rgb, std::nullopt)[0], small, seeds, kEvalIterations));
      }
      if (restyled) {
        shots.push_back(
            network_->prototypes(features(rgb, Pick::kHighest)[0], small, seeds, kEvalIterations));
      }
    });
  }
};

Segmenter::Segmenter(const std::filesystem::path& model, const SegmenterOptions& options)
    : impl_(std::make_unique<Impl>(model, options)) {}
Segmenter::~Segmenter() = default;
Segmenter::Segmenter(Segmenter&&) noexcept = default;
Segmenter& Segmenter::operator=(Segmenter&&) noexcept = default;

void Segmenter::set_support(const SupportSet& support) { impl_->set_support(support); }

Mask Segmenter::segment(const ImageView& image, bool with_probabilities) {
  Mask mask;
  segment(image, mask, with_probabilities);
  return mask;
}

void Segmenter::segment(const ImageView& image, Mask& mask, bool with_probabilities) {
  impl_->segment(image, mask, with_probabilities);
}

void Segmenter::set_threshold(float threshold) { impl_->threshold_ = checked_threshold(threshold); }
const ModelInfo& Segmenter::model_info() const { return impl_->info_; }
int Segmenter::input_size() const { return impl_->input_size_; }
std::string Segmenter::device() const { return impl_->device_.str(); }
Precision Segmenter::precision() const { return impl_->precision_; }
const std::vector<std::string>& Segmenter::class_names() const { return impl_->names_; }

}  // namespace cdfss
