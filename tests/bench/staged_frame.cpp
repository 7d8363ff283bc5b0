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

}  // namespace

StagedFrame::StagedFrame(const Options& options)
    : device_(resolve_device(options.device)),
      dtype_(scalar_type(resolve_precision(options.segmenter().precision, device_))),
      frame_(made_frame(options.width, options.height, options.pixel_format(), 1000)) {
  const at::NoGradGuard no_grad;
  LoadedModel model = load_model(options.model);
  input_size_ = options.input_size == 0 ? model.info.input_size : options.input_size;
  threshold_ = model.info.threshold;
  model.network->to(device_);
  network_.emplace(model.network, dtype_);
  guides_ = guides_of(support_of(options));
  for (const ClassGuide& guide : guides_) guide_pointers_.push_back(&guide);
  image_of_.assign(guides_.size(), 0);

  const ResNetLayout layout = network_->network()->backbone()->layout();
  const int side = (input_size_ - 1) / 8 + 1;
  stages_.push_back({"input", [this] { input_ = frame_input(frame_.view, input_size_); }, {}});
  for (int stage = 0; stage <= 3; ++stage) {
    stages_.push_back({"layer" + std::to_string(stage),
                       [this, stage] {
                         if (stage == 0) x_ = network_->prepared(input_.to(device_));
                         x_ = network_->network()->backbone()->stage(stage, x_);
                         if (stage == 2) layer2_ = x_;
                       },
                       encoder_convolutions(layout, stage, input_size_)});
  }
  stages_.push_back({"reduction", [this] { query_ = network_->reduce(x_, layer2_); },
                     reduction_convolutions(side)});
  stages_.push_back({"allocation",
                     [this] {
                       likenesses_.clear();
                       for (const ClassGuide& guide : guides_) {
                         likenesses_.push_back(network_->decoder().compare(query_, guide));
                       }
                     },
                     {}});
  stages_.push_back({"enrichment",
                     [this] {
                       logits_ = network_->decoder()
                                     .enrich(query_, guide_pointers_, image_of_, likenesses_)
                                     .to(at::kCPU);
                     },
                     decoder_convolutions(side, static_cast<int>(guides_.size()))});
  stages_.push_back({"decide",
                     [this] {
                       mask_from_logits(logits_, threshold_, names_, frame_.view.width,
                                        frame_.view.height, false, mask_);
                     },
                     {}});
  stages_.push_back(
      {"draw", [this] { painter_.draw(mask_, canvas_on(frame_), OverlayLook{}); }, {}});
}

std::vector<ClassGuide> StagedFrame::guides_of(const SupportSet& support) {
  std::vector<ClassGuide> guides;
  for (const SupportClass& support_class : support.classes()) {
    std::vector<Prototypes> shots;
    for (const SupportShot& shot : support_class.shots) {
      const ShotLabel target = shot_label(shot, input_size_);
      const at::Tensor input = frame_input(shot.image->view(), input_size_).to(device_);
      shots.push_back(
          network_->network()->prototypes(network_->features(input, std::nullopt)[0].to(at::kFloat),
                                          target.label.to(device_), target.seeds, kEvalIterations));
    }
    guides.push_back(network_->decoder().guide(concatenate(shots)));
    names_.push_back(support_class.name);
  }
  return guides;
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
