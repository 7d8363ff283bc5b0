#include "train_log.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "cdfss/error.h"

namespace cdfss {
namespace {

[[noreturn]] void fail(const std::string& file) {
  throw Error(ErrorCode::kUnreadable, file + " cannot be written: " + std::strerror(errno));
}

}  // namespace

TrainLog::TrainLog(const std::filesystem::path& metrics_file, const RunExtent& extent)
    : file_name_(metrics_file.string()),
      metrics_(std::fopen(file_name_.c_str(), "ae")),
      extent_(extent),
      progress_(extent.steps * extent.episodes_per_step, "episodes",
                extent.done * extent.episodes_per_step) {
  if (!metrics_) fail(file_name_);
}

void TrainLog::write(const std::string& line) {
  if (std::fprintf(metrics_.get(), "%s\n", line.c_str()) < 0 || std::fflush(metrics_.get()) != 0) {
    fail(file_name_);
  }
}

void TrainLog::step(int step, const StepLosses& losses, double learning_rate,
                    const std::map<int, double>& slot_cosines, const StepTime& time) {
  const double wait = time.seconds > 0 ? time.waited / time.seconds : 0;
  nlohmann::json record{{"step", step},
                        {"loss", losses.total},
                        {"segmentation", losses.segmentation},
                        {"auxiliary", losses.auxiliary},
                        {"contrastive", losses.contrastive},
                        {"orthogonal", losses.orthogonal},
                        {"learning_rate", learning_rate},
                        {"seconds", seconds()},
                        {"step_seconds", time.seconds},
                        {"data_wait", wait}};
  for (const auto& [layer, cosine] : slot_cosines) {
    record["slot_cosine"][std::to_string(layer)] = cosine;
  }
  if (losses.scale != 1) record["loss_scale"] = losses.scale;
  if (losses.skipped) record["skipped"] = true;
  write(record.dump());

  progress_.update(step * extent_.episodes_per_step,
                   "loss " + fixed(loss_.add(losses.total), 3) + " (ce " +
                       fixed(losses.segmentation, 3) + " aux " + fixed(losses.auxiliary, 3) +
                       " cont " + fixed(losses.contrastive, 3) + " orth " +
                       fixed(losses.orthogonal, 3) + ")  data wait " +
                       fixed(100 * wait_.add(wait), 0) + " %");
}

void TrainLog::validation(int step, double miou, double fb_iou, double threshold) {
  write(nlohmann::json{{"step", step},
                       {"validation_miou", miou},
                       {"validation_fb_iou", fb_iou},
                       {"threshold", threshold},
                       {"seconds", seconds()}}
            .dump());
  say("step " + std::to_string(step) + ": validation mIoU " + fixed(miou, 4) + ", FB-IoU " +
      fixed(fb_iou, 4) + ", threshold " + fixed(threshold, 2));
}

void TrainLog::sync() {
  if (fsync(fileno(metrics_.get())) != 0) fail(file_name_);
}

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

}  // namespace cdfss
