#include "staged_frame.h"

#include <ATen/ATen.h>

#include "device.h"
#include "device_time.h"
#include "io/model_file.h"
#include "mask_from_logits.h"
#include "model/shot_label.h"
#include "model/superpixel_clustering.h"
#include "tensor/frame_input.h"

namespace cdfss::bench {
namespace {

Canvas canvas_on(Frame& frame) {
  Canvas canvas{.format = frame.view.format,
                .width = frame.view.width,
                .height = frame.view.height,
                .planes = {},
                .strides = frame.view.strides,
                .matrix = frame.view.matrix,
                .full_range = frame.view.full_range};
  for (std::size_t i = 0; i < canvas.planes.size(); ++i) {
    const std::uint8_t* plane = frame.view.planes[i];
    if (plane != nullptr) canvas.planes[i] = frame.bytes.data() + (plane - frame.bytes.data());
  }
  return canvas;
}

// The shapes, of which those with a kernel of `least` or more are marked as in 8 bits.
std::vector<ConvolutionShape> quantised_if(bool quantised, std::int64_t least,
                                           std::vector<ConvolutionShape> shapes) {
  for (ConvolutionShape& shape : shapes) shape.quantised = quantised && shape.kernel >= least;
  return shapes;
}

}  // namespace

StagedFrame::StagedFrame(const Options& options)
    : device_(resolve_device(options.device)),
      frame_(made_frame(options.width, options.height, options.pixel_format(), 1000)),
      device_input_(device_),
      device_mask_(device_) {
  const at::NoGradGuard no_grad;
  const Precision precision = resolve_precision(options.segmenter().precision, device_);
  const bool quantised = precision == Precision::kInt8;
  dtype_ = scalar_type(precision);
  LoadedModel model = load_model(options.model);
  input_size_ = options.input_size == 0 ? model.info.input_size : options.input_size;
  threshold_ = model.info.threshold;
  model.network->to(device_);
  network_.emplace(model.network, dtype_, quantised);
  if (quantised) ranges_ = network_->unknown_ranges();
  read_support(options);
  for (const ClassGuide& guide : guides_) guide_pointers_.push_back(&guide);
  image_of_.assign(guides_.size(), 0);

  const int side = (input_size_ - 1) / 8 + 1;
  stages_.push_back({"input",
                     [this] {
                       input_ = device_.is_cpu() ? frame_input(frame_.view, input_size_)
                                                 : device_input_.read(frame_.view, input_size_);
                     },
                     {}});
  add_encoder_stages();
  stages_.push_back({"allocation",
                     [this] {
                       likenesses_.clear();
                       for (const ClassGuide& guide : guides_) {
                         likenesses_.push_back(network_->decoder().compare(query_, guide));
                       }
                     },
                     {}});
  stages_.push_back(
      {"enrichment",
       [this] {
         logits_ = network_->decoder().enrich(query_, guide_pointers_, image_of_, likenesses_,
                                              ranges_ ? &*ranges_ : nullptr);
       },
       quantised_if(quantised, 3, decoder_convolutions(side, static_cast<int>(guides_.size())))});
  stages_.push_back({"decide",
                     [this] {
                       const int width = frame_.view.width, height = frame_.view.height;
                       if (device_.is_cpu()) {
                         mask_from_logits(logits_, threshold_, names_, width, height, false, mask_);
                       } else {
                         device_mask_.read(logits_, threshold_, names_, width, height, false,
                                           mask_);
                       }
                     },
                     {}});
  stages_.push_back(
      {"draw", [this] { painter_.draw(mask_, canvas_on(frame_), OverlayLook{}); }, {}});
}

// As Segmenter does: prototypes in float32, then the ranges of a quantised network.
void StagedFrame::read_support(const Options& options) {
  LoadedModel model = load_model(options.model);
  model.network->to(device_);
  FrameNetwork exact(model.network, at::kFloat);
  const SupportSet support = support_of(options);
  for (const SupportClass& support_class : support.classes()) {
    std::vector<Prototypes> shots;
    std::vector<at::Tensor> inputs;
    for (const SupportShot& shot : support_class.shots) {
      const ShotLabel target = shot_label(shot, input_size_);
      inputs.push_back(frame_input(shot.image->view(), input_size_).to(device_));
      shots.push_back(exact.network()->prototypes(exact.features(inputs.back(), std::nullopt)[0],
                                                  target.label.to(device_), target.seeds,
                                                  kEvalIterations));
    }
    guides_.push_back(network_->decoder().guide(concatenate(shots)));
    names_.push_back(support_class.name);
    for (const at::Tensor& input : ranges_ ? inputs : std::vector<at::Tensor>()) {
      const at::Tensor query = network_->features(input, std::nullopt, &*ranges_);
      network_->decoder().logits(query, {&guides_.back()}, {0}, &*ranges_);
    }
  }
  if (ranges_) ranges_->finish();
}

void StagedFrame::add_encoder_stages() {
  const ResNetLayout layout = network_->network()->backbone()->layout();
  const QuantisedEncoder* const quantised = network_->quantised_encoder();
  const auto in_bytes = [quantised](int stage) {
    return quantised != nullptr && stage >= QuantisedEncoder::kFirstStage;
  };
  for (int stage = 0; stage <= 3; ++stage) {
    const auto in_floats = [this, stage] {
      if (stage == 0) x_ = network_->prepared(input_);
      x_ = network_->network()->backbone()->stage(stage, x_);
      if (stage == 2) layer2_ = x_;
    };
    const auto in_8_bits = [this, stage, quantised] {
      if (stage == QuantisedEncoder::kFirstStage) bytes_ = quantised->enter(stage, x_, *ranges_);
      bytes_ = quantised->stage(stage, bytes_, *ranges_);
      if (stage == 2) layer2_bytes_ = bytes_;
    };
    stages_.push_back(
        {"layer" + std::to_string(stage),
         in_bytes(stage) ? std::function<void()>(in_8_bits) : in_floats,
         quantised_if(in_bytes(stage), 1, encoder_convolutions(layout, stage, input_size_))});
  }
  stages_.push_back(
      {"reduction",
       [this, quantised] {
         query_ = quantised == nullptr ? network_->reduce(x_, layer2_)
                                       : quantised->reduce(bytes_, layer2_bytes_);
       },
       quantised_if(quantised != nullptr, 1, reduction_convolutions((input_size_ - 1) / 8 + 1))});
}

double StagedFrame::mask_share() const {
  double area = 0;
  for (const ClassRegion& region : mask_.regions) area += static_cast<double>(region.area);
  return area / static_cast<double>(mask_.classes.size());
}

void StagedFrame::run_all() const {
  const at::NoGradGuard no_grad;
  for (const Stage& stage : stages_) stage.run();
  wait_for(device_);
}

}  // namespace cdfss::bench
