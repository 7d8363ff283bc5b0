#include "episode_evaluation.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <opencv2/core.hpp>

namespace cdfss {
namespace {

constexpr int kImages = 4;

// Images of 40 x 30 noise with one class, "square", that covers the left 20 columns; column 20 is
// ignored. So 20 * 30 pixels are object, 19 * 30 background.
class SquareDataset : public Dataset {
 public:
  int size() const override { return kImages; }
  std::string name(int index) const override { return "image " + std::to_string(index); }
  const std::vector<std::string>& classes() const override { return classes_; }
  const std::vector<int>& classes_in(int) const override { return present_; }
  cv::Mat image(int index) const override {
    cv::Mat image(30, 40, CV_8UC3);
    cv::RNG(index + 1).fill(image, cv::RNG::UNIFORM, 0, 256);
    return image;
  }
  cv::Mat label(int, int) const override {
    cv::Mat label = cv::Mat::zeros(30, 40, CV_8UC1);
    label.colRange(0, 20).setTo(1);
    label.col(20).setTo(255);
    return label;
  }

 private:
  std::vector<std::string> classes_{"square"};
  std::vector<int> present_{0};
};

Episode one_episode(const Dataset& dataset) {
  Episode episode;
  episode.query = {dataset.image(0), dataset.label(0, 0)};
  episode.supports = {{dataset.image(1), dataset.label(1, 0)}};
  return episode;
}

class EvaluateEpisodes : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    at::manual_seed(7);
    network_ = new Asgnet(AsgnetOptions{});
  }
  static void TearDownTestSuite() { delete network_; }
  static Asgnet& network() { return *network_; }

  static Asgnet* network_;
  std::shared_ptr<const Dataset> dataset_ = std::make_shared<SquareDataset>();
  EpisodeEvaluationOptions options_{.episodes = 3, .shots = 2, .input_size = 41};
};
Asgnet* EvaluateEpisodes::network_ = nullptr;

TEST_F(EvaluateEpisodes, EverythingIsObjectAtThresholdZero) {
  for (const Layout layout : {Layout::kPad, Layout::kStretch}) {
    options_.threshold = 0;
    options_.layout = layout;
    const EpisodeEvaluation result = evaluate_episodes(network(), dataset_, options_);
    EXPECT_DOUBLE_EQ(result.miou, 20.0 / 39);
    EXPECT_DOUBLE_EQ(result.per_class.at("square"), 20.0 / 39);
    EXPECT_DOUBLE_EQ(result.fb_iou, (20.0 / 39 + 0) / 2);
    EXPECT_EQ(result.episodes, 3);
  }
}

// 40 x 30 pixels become 40 x 24 of the 41 x 41 input (24 * 40 / 40 = 24, 40 and 30 floored to
// multiples of 8); columns 0..19 of the label stay columns 0..19, the padding does not count.
TEST_F(EvaluateEpisodes, ScoresTheSamePredictionsAtTheNetworksSize) {
  options_.threshold = 0;
  const EpisodeEvaluation result = evaluate_episodes(network(), dataset_, options_);
  EXPECT_DOUBLE_EQ(result.network_size.miou, 20.0 / 39);
  EXPECT_DOUBLE_EQ(result.network_size.per_class.at("square"), 20.0 / 39);
  EXPECT_DOUBLE_EQ(result.network_size.fb_iou, 10.0 / 39);

  network()->eval();
  const QueryProbability query = query_probabilities(network(), one_episode(*dataset_), options_);
  EXPECT_EQ(query.network.sizes(), (std::vector<std::int64_t>{41, 41}));
  EXPECT_EQ(query.original.sizes(), (std::vector<std::int64_t>{30, 40}));
  EXPECT_EQ(query.network_label.size(), cv::Size(41, 41));
  EXPECT_EQ(cv::countNonZero(query.network_label == 255), 41 * 41 - 39 * 24);
}

TEST_F(EvaluateEpisodes, NothingIsObjectAboveOne) {
  options_.threshold = 1.01F;
  const EpisodeEvaluation result = evaluate_episodes(network(), dataset_, options_);
  EXPECT_EQ(result.miou, 0);
  EXPECT_DOUBLE_EQ(result.fb_iou, (0 + 19.0 / 39) / 2);
}

TEST_F(EvaluateEpisodes, LeavesTheNetworkInEvalModeAndItsResultsAreTheSameAgain) {
  network()->train();
  const EpisodeEvaluation first = evaluate_episodes(network(), dataset_, options_);
  EXPECT_FALSE(network()->is_training());
  const EpisodeEvaluation second = evaluate_episodes(network(), dataset_, options_);
  EXPECT_EQ(first.miou, second.miou);
  EXPECT_EQ(first.fb_iou, second.fb_iou);
}

TEST_F(EvaluateEpisodes, StopsWhenTold) {
  const EpisodeEvaluation result =
      evaluate_episodes(network(), dataset_, options_, [](int done) { return done < 2; });
  EXPECT_EQ(result.episodes, 2);
}

TEST_F(EvaluateEpisodes, ProbabilityHasTheLabelsSizeInEitherLayout) {
  network()->eval();
  const Episode episode = one_episode(*dataset_);
  for (const Layout layout : {Layout::kPad, Layout::kStretch}) {
    options_.layout = layout;
    const at::Tensor probability = query_probability(network(), episode, options_);
    EXPECT_EQ(probability.sizes(), (std::vector<std::int64_t>{30, 40}));
    EXPECT_GE(probability.min().item<float>(), 0);
    EXPECT_LE(probability.max().item<float>(), 1);
    EXPECT_FALSE(probability.requires_grad());
  }
}

TEST_F(EvaluateEpisodes, EachEnhancementIsAnotherComputation) {
  network()->eval();
  at::manual_seed(11);
  for (MetaMemory& memory : network()->memories()) {
    const int channels = memory->options().channels;
    memory->commit({at::rand({10, channels}), at::rand({10, channels})});
  }
  const Episode episode = one_episode(*dataset_);
  std::vector<at::Tensor> seen;
  for (const auto enhancement :
       {TargetEnhancement::kNone, TargetEnhancement::kSupport, TargetEnhancement::kQuery,
        TargetEnhancement::kBoth, TargetEnhancement::kUnion}) {
    options_.enhancement = enhancement;
    const at::Tensor probability = query_probability(network(), episode, options_);
    for (const at::Tensor& other : seen) {
      EXPECT_FALSE(at::equal(probability, other)) << to_string(enhancement);
    }
    seen.push_back(probability);
  }
}

}  // namespace
}  // namespace cdfss
