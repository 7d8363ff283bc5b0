#include "train_log.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cdfss/error.h"

namespace cdfss {
namespace {

constexpr double kSmoothing = 0.95;  // of the loss that people see

}  // namespace

TrainLog::TrainLog(const std::filesystem::path& metrics_file, int steps, int episodes_per_step)
    : metrics_(metrics_file),
      progress_(steps * episodes_per_step, "episodes"),
      episodes_per_step_(episodes_per_step) {
  if (!metrics_) {
    throw Error(ErrorCode::kUnreadable, metrics_file.string() + " cannot be written");
  }
}

void TrainLog::step(int step, const StepLosses& losses, double learning_rate,
                    const std::map<int, double>& slot_cosines) {
  nlohmann::json record{{"step", step},
                        {"loss", losses.total},
                        {"segmentation", losses.segmentation},
                        {"auxiliary", losses.auxiliary},
                        {"contrastive", losses.contrastive},
                        {"orthogonal", losses.orthogonal},
                        {"learning_rate", learning_rate},
                        {"seconds", seconds()}};
  for (const auto& [layer, cosine] : slot_cosines) {
    record["slot_cosine"][std::to_string(layer)] = cosine;
  }
  metrics_ << record << '\n' << std::flush;

  smooth_loss_ =
      step == 1 ? losses.total : kSmoothing * smooth_loss_ + (1 - kSmoothing) * losses.total;
  progress_.update(step * episodes_per_step_,
                   "loss " + fixed(smooth_loss_, 3) + " (ce " + fixed(losses.segmentation, 3) +
                       " aux " + fixed(losses.auxiliary, 3) + " cont " +
                       fixed(losses.contrastive, 3) + " orth " + fixed(losses.orthogonal, 3) + ")");
}

void TrainLog::validation(int step, double miou, double fb_iou, double threshold) {
  metrics_ << nlohmann::json{{"step", step},
                             {"validation_miou", miou},
                             {"validation_fb_iou", fb_iou},
                             {"threshold", threshold},
                             {"seconds", seconds()}}
           << '\n'
           << std::flush;
  say("step " + std::to_string(step) + ": validation mIoU " + fixed(miou, 4) + ", FB-IoU " +
      fixed(fb_iou, 4) + ", threshold " + fixed(threshold, 2));
}

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

}  // namespace cdfss
