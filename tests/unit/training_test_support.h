// A dataset of coloured squares, and batches of its episodes.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "episode_batch.h"
#include "episode_loader.h"

namespace cdfss::testing {

inline constexpr int kSide = 41;  // the smallest network input

// 72 x 64 images of noise. Image i shows a square of class i % 3; odd images one of the next class,
// too. Squares of a class have its colour and 24 pixels of side.
class SquaresDataset : public Dataset {
 public:
  explicit SquaresDataset(int size = 9) {
    for (int i = 0; i < size; ++i) {
      const int first = i % 3;
      const int second = (first + 1) % 3;
      std::vector<int> present{first};
      if (i % 2 == 1) present = {std::min(first, second), std::max(first, second)};
      present_.push_back(present);
    }
  }
  int size() const override { return static_cast<int>(present_.size()); }
  std::string name(int index) const override { return "squares/" + std::to_string(index); }
  const std::vector<std::string>& classes() const override { return classes_; }
  const std::vector<int>& classes_in(int index) const override { return present_[index]; }
  cv::Mat image(int index) const override {
    cv::Mat image(64, 72, CV_8UC3);
    cv::RNG(index + 1).fill(image, cv::RNG::UNIFORM, 90, 150);
    for (const int class_id : present_[index]) {
      cv::Scalar colour(20, 20, 20);
      colour[class_id] = 250;
      image(square(index, class_id)).setTo(colour);
    }
    return image;
  }
  cv::Mat label(int index, int class_id) const override {
    cv::Mat label = cv::Mat::zeros(64, 72, CV_8UC1);
    label(square(index, class_id)).setTo(1);
    label.row(0).setTo(255);
    return label;
  }

 private:
  cv::Rect square(int index, int class_id) const {
    const bool first = present_[index].front() == class_id;
    return {first ? 10 + index : 38 + index % 8, 18 + index, 24, 24};
  }
  std::vector<std::string> classes_{"red", "green", "blue"};
  std::vector<std::vector<int>> present_;
};

inline EpisodeLoaderOptions loader_options(bool transformed_view = false, int shots = 1) {
  return {.sampler = {.shots = shots},
          .augmentation = {.size = kSide},
          .transformed_view = transformed_view,
          .threads = 1,
          .queue = 4,
          .seed = 5};
}

inline EpisodeBatch squares_batch(int episodes, bool transformed_view = false, int shots = 1) {
  EpisodeLoader loader(std::make_shared<SquaresDataset>(), loader_options(transformed_view, shots));
  std::vector<TrainingEpisode> drawn;
  for (int i = 0; i < episodes; ++i) drawn.push_back(loader.next());
  return stack_episodes(drawn);
}

}  // namespace cdfss::testing
