#include "train_log.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cdfss/error.h"

namespace cdfss {
namespace {

constexpr std::chrono::seconds kLineInterval{10};
constexpr double kSmoothing = 0.95;  // of the loss that people see

}  // namespace

TrainLog::TrainLog(const std::filesystem::path& metrics_file, int steps, int episodes_per_step)
    : metrics_(metrics_file),
      bar_(steps * episodes_per_step, "episodes"),
      steps_(steps),
      episodes_per_step_(episodes_per_step),
      start_(std::chrono::steady_clock::now()),
      last_line_(start_),
      terminal_(isatty(STDERR_FILENO) == 1) {
  if (!metrics_) {
    throw Error(ErrorCode::kUnreadable, metrics_file.string() + " cannot be written");
  }
}

double TrainLog::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
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
  const std::string note = "loss " + fixed(smooth_loss_, 3) + " (ce " +
                           fixed(losses.segmentation, 3) + " aux " + fixed(losses.auxiliary, 3) +
                           " cont " + fixed(losses.contrastive, 3) + " orth " +
                           fixed(losses.orthogonal, 3) + ")";
  bar_.update(step * episodes_per_step_, note);
  const auto now = std::chrono::steady_clock::now();
  if (terminal_ || (now - last_line_ < kLineInterval && step < steps_)) return;
  last_line_ = now;
  spdlog::info("{}  {}",
               progress_line(step * episodes_per_step_, steps_ * episodes_per_step_, "episodes",
                             seconds()),
               note);
}

void TrainLog::validation(int step, double miou, double fb_iou) {
  metrics_ << nlohmann::json{{"step", step},
                             {"validation_miou", miou},
                             {"validation_fb_iou", fb_iou},
                             {"seconds", seconds()}}
           << '\n'
           << std::flush;
  say("step " + std::to_string(step) + ": validation mIoU " + fixed(miou, 4) + ", FB-IoU " +
      fixed(fb_iou, 4));
}

void TrainLog::say(const std::string& text) {
  bar_.clear();
  spdlog::info("{}", text);
}

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

}  // namespace cdfss
