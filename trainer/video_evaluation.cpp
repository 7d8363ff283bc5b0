#include "video_evaluation.h"

#include <chrono>
#include <opencv2/core.hpp>
#include <utility>

#include "boundary_measure.h"
#include "cdfss/error.h"
#include "data/image_file.h"
#include "iou.h"
#include "video_decoder.h"

namespace cdfss {
namespace {

// The frame's label, 0, 1, 255, that must be of the frame's size.
cv::Mat read_label(const VideoFrame& frame, AnnotationRule rule, cv::Size size) {
  const cv::Mat label = object_label(read_index(frame.annotation), rule);
  if (label.size() != size) {
    throw Error(ErrorCode::kInvalidValue,
                frame.annotation.string() + " is " + std::to_string(label.cols) + "x" +
                    std::to_string(label.rows) + " pixels, its frame is " +
                    std::to_string(size.width) + "x" + std::to_string(size.height));
  }
  return label;
}

double mean(const std::vector<SequenceScore>& scores, double SequenceScore::* value) {
  double sum = 0;
  for (const SequenceScore& score : scores) sum += score.*value;
  return scores.empty() ? 0 : sum / static_cast<double>(scores.size());
}

void add_frame(SequenceScore& score, const cv::Mat& prediction, const cv::Mat& label) {
  const cv::Mat ignored = label == 255;
  const cv::Mat object = label == 1;
  cv::Mat predicted = prediction.clone();
  predicted.setTo(0, ignored);
  const double j = overlap(prediction, label, 1).iou(1);
  const double f = boundary_measure(predicted, object);
  ++score.frames;
  score.j += (j - score.j) / score.frames;
  score.f += (f - score.f) / score.frames;
}

}  // namespace

VideoTask plan_video(VideoSequence sequence, int every) {
  VideoTask task{.sequence = std::move(sequence), .rule = {}, .support = -1, .scored = {}};
  const int count = static_cast<int>(task.sequence.frames.size());
  for (int i = 0; i < count; ++i) {
    const auto& annotation = task.sequence.frames[i].annotation;
    if (annotation.empty()) continue;
    if (task.support < 0) {
      const cv::Mat indices = read_index(annotation);
      task.rule = annotation_rule(indices);
      if (cv::countNonZero(object_label(indices, task.rule) == 1) > 0) task.support = i;
    } else if ((i - task.support) % every == 0) {
      task.scored.push_back(i);
    }
  }
  if (task.support < 0) {
    throw Error(ErrorCode::kInvalidValue,
                "sequence \"" + task.sequence.name + "\": no mask holds an object");
  }
  if (task.scored.empty()) {
    throw Error(ErrorCode::kInvalidValue,
                "sequence \"" + task.sequence.name + "\": no annotated frame to score after " +
                    task.sequence.frames[task.support].annotation.string() + " at every " +
                    std::to_string(every) + " frames");
  }
  return task;
}

int VideoEvaluation::frames() const {
  int sum = 0;
  for (const SequenceScore& score : sequences) sum += score.frames;
  return sum;
}

double VideoEvaluation::mean_j() const { return mean(sequences, &SequenceScore::j); }
double VideoEvaluation::mean_f() const { return mean(sequences, &SequenceScore::f); }

VideoEvaluation evaluate_videos(VideoMethod& method, const std::vector<VideoTask>& tasks,
                                const std::filesystem::path& save_masks,
                                const VideoProgress& progress) {
  VideoDecoder decoder;
  VideoEvaluation result;
  int done = 0;
  for (const VideoTask& task : tasks) {
    const VideoSequence& sequence = task.sequence;
    const VideoFrame& support = sequence.frames[task.support];
    const cv::Mat image = read_rgb(support.image);
    method.set_support(image, read_label(support, task.rule, image.size()),
                       support.annotation.string());
    const std::filesystem::path folder = save_masks / sequence.name;
    if (!save_masks.empty()) std::filesystem::create_directories(folder);
    SequenceScore& score = result.sequences.emplace_back(SequenceScore{.name = sequence.name});
    for (const int index : task.scored) {
      const VideoFrame& frame = sequence.frames[index];
      const ImageView current = decoder.decode(frame.image);
      const cv::Mat label = read_label(frame, task.rule, {current.width, current.height});
      const auto start = std::chrono::steady_clock::now();
      const cv::Mat mask = method.segment(current);
      result.seconds +=
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      add_frame(score, mask, label);
      if (!save_masks.empty()) {
        write_png((folder / frame.image.stem()).replace_extension(".png"), mask);
      }
      if (progress && !progress(++done, score)) return result;
    }
  }
  return result;
}

}  // namespace cdfss
