// Every stage of the network against the released ASGNet's outputs, for each golden file.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "closed_form.h"
#include "golden_folder.h"
#include "io/safetensors.h"
#include "loss/segmentation.h"
#include "model/prototype_allocation.h"
#include "model/seed_placement.h"
#include "model/superpixel_clustering.h"
#include "tensor/image_tensor.h"

namespace cdfss {
namespace {

using at::indexing::Slice;

struct Shape {
  int depth, shots, side;
};

Shape shape_of(const std::string& file_name) {
  static const std::regex kPattern(R"(asgnet_r(50|101)_(\d+)shot_(\d+)\.safetensors)");
  std::smatch match;
  if (!std::regex_match(file_name, match, kPattern)) {
    throw std::runtime_error(file_name + ": expected asgnet_r{50,101}_{K}shot_{SIDE}.safetensors");
  }
  return {std::stoi(match[1]), std::stoi(match[2]), std::stoi(match[3])};
}

class AsgnetGolden : public GoldenTest {
 protected:
  // Largest absolute difference at most `tolerance` of the largest expected magnitude.
  void expect_close(const std::string& name, const at::Tensor& actual, double tolerance) {
    ASSERT_TRUE(file_.tensors.contains(name)) << path_ << " has no tensor " << name;
    const at::Tensor expected = file_.tensors.at(name).to(at::kDouble);
    ASSERT_EQ(actual.sizes(), expected.sizes()) << name;
    const double error = (actual.detach().to(at::kDouble) - expected).abs().max().item<double>();
    const double scale = expected.abs().max().item<double>();
    EXPECT_LE(error, tolerance * scale) << path_ << ": " << name;
  }

  // Shape, sum and l2 norm of a full stage output.
  void expect_manifest(const std::string& stage, const at::Tensor& actual) {
    ASSERT_TRUE(manifest_.contains(stage)) << path_ << " has no stage " << stage;
    const nlohmann::json& expected = manifest_[stage];
    EXPECT_EQ(actual.sizes().vec(), expected["shape"].get<std::vector<std::int64_t>>()) << stage;
    const at::Tensor values = actual.detach().to(at::kDouble);
    const double l2 = values.norm().item<double>();
    EXPECT_NEAR(l2, expected["l2"].get<double>(), 1e-4 * l2) << path_ << ": " << stage;
    const double sum = expected["sum"].get<double>();
    EXPECT_NEAR(values.sum().item<double>(), sum, 1e-4 * std::abs(sum)) << path_ << ": " << stage;
  }

  void expect_stage(const std::string& stage, const at::Tensor& actual) {
    expect_manifest(stage, actual);
    expect_close(stage + "_sub",
                 actual.index({Slice(), Slice(0, c10::nullopt, 16), Slice(0, c10::nullopt, 7),
                               Slice(0, c10::nullopt, 7)}),
                 1e-4);
  }

  // Runs the frozen stages of one image and checks each; returns the concatenated features.
  at::Tensor check_encoder(Asgnet& network, const std::string& tag, const at::Tensor& input) {
    at::NoGradGuard no_grad;
    at::Tensor x = input;
    at::Tensor layer2;
    for (int stage = 0; stage <= 3; ++stage) {
      x = network->backbone()->stage(stage, x);
      if (stage == 2) layer2 = x;
      expect_stage("layer" + std::to_string(stage) + "_" + tag, x);
    }
    const at::Tensor features = at::cat({x, layer2}, 1);
    EXPECT_TRUE(at::equal(features, network->backbone_features(input, std::nullopt)));
    return features;
  }

  // Checks the allocation; returns it with the released choice where two prototypes are so equally
  // near that rounding decides, for the stages after it to be compared on the same input.
  Allocation check_allocation(const at::Tensor& query, const at::Tensor& prototypes) {
    Allocation allocation = allocate_prototypes(query, {prototypes});
    expect_close("prob_map", allocation.probability[0][0], 1e-4);
    expect_close("query_feat_sub", query[0].slice(0, 0, c10::nullopt, 16), 1e-4);
    if (prototypes.size(1) == 1) return allocation;

    const at::Tensor expected = file_.tensors.at("alloc_feat_sub");  // [16, h, w]
    const auto [best, order] = at::topk(prototype_cosines(query, prototypes)[0], 2, 0);
    const at::Tensor decided = (best[0] - best[1]).gt(1e-5);
    EXPECT_GT(decided.sum().item<std::int64_t>(), decided.numel() * 9 / 10);
    const at::Tensor allocated =
        at::tensordot(prototypes.slice(0, 0, c10::nullopt, 16), allocation.choice[0], {1}, {0});
    const at::Tensor difference = (allocated - expected).abs().amax(0);
    EXPECT_LE((difference * decided).max().item<double>(),
              1e-4 * expected.abs().max().item<double>());

    const at::Tensor ties = decided.logical_not().nonzero();
    for (std::int64_t i = 0; i < ties.size(0); ++i) {
      const auto y = ties[i][0].item<std::int64_t>();
      const auto x = ties[i][1].item<std::int64_t>();
      const at::Tensor two = order.select(1, y).select(1, x);
      const at::Tensor pair = prototypes.index_select(1, two);  // [C, 2]
      const at::Tensor distance =
          (pair.slice(0, 0, c10::nullopt, 16) - expected.select(1, y).select(1, x).unsqueeze(1))
              .abs()
              .amax(0);
      EXPECT_LE(distance.min().item<double>(), 1e-4 * expected.abs().max().item<double>())
          << path_ << ": the released choice at " << y << "," << x << " is neither of the two best";
      const at::Tensor choice = allocation.choice[0].select(1, y).select(1, x).zero_();
      choice[two[distance.argmin().item<std::int64_t>()].item<std::int64_t>()] = 1;
    }
    return allocation;
  }

  void check_file(const std::filesystem::path& path);

  std::filesystem::path path_;
  SafetensorsFile file_;
  nlohmann::json manifest_;
};

void AsgnetGolden::check_file(const std::filesystem::path& path) {
  path_ = path;
  file_ = read_safetensors(path);
  manifest_ = nlohmann::json::parse(file_.metadata.at("manifest"));
  const Shape shape = shape_of(path.filename().string());

  AsgnetOptions options;
  options.backbone = "resnet" + std::to_string(shape.depth) + "-deep";
  options.memory_layers = {};
  Asgnet network(options);
  network->eval();
  const double sum = golden::fill(*network);
  EXPECT_NEAR(sum, manifest_["weights_sum"].get<double>(), 1e-6 * std::abs(sum));

  const at::Tensor query_image = golden::image("query", shape.side);
  const at::Tensor query_backbone = check_encoder(network, "query", query_image);
  std::vector<Prototypes> eval_shots;
  std::vector<Prototypes> train_shots;
  double support_sum = 0.0;
  for (int shot = 0; shot < shape.shots; ++shot) {
    const std::string tag = "support" + std::to_string(shot);
    const at::Tensor image = golden::image(tag, shape.side);
    support_sum += image.sum(at::kDouble).item<double>();
    at::NoGradGuard no_grad;
    const at::Tensor features = network->reduce(check_encoder(network, tag, image));
    expect_stage("down_conv_" + tag, features);
    const at::Tensor mask = subsample_mask(file_.tensors.at("support_mask")[0][shot]);
    const at::Tensor seeds = released_seed_rows(file_.tensors.at("seeds")[0][shot]);
    eval_shots.push_back(network->prototypes(features[0], mask, seeds, kEvalIterations));
    train_shots.push_back(network->prototypes(features[0], mask, seeds, kTrainIterations));
    expect_close("proto" + std::to_string(shot), eval_shots.back().foreground, 1e-4);
  }
  EXPECT_NEAR(query_image.sum(at::kDouble).item<double>(),
              manifest_["input_sums"]["query"].get<double>(), 1e-2);
  EXPECT_NEAR(support_sum, manifest_["input_sums"]["support"].get<double>(), 1e-2);

  {
    at::NoGradGuard no_grad;
    const at::Tensor query = network->reduce(query_backbone);
    expect_stage("down_conv_query", query);
    const Prototypes prototypes = concatenate(eval_shots);
    const Allocation allocation = check_allocation(query, prototypes.foreground);
    const Enriched output =
        network->enrichment()->forward(allocation, allocation.probability, false);
    expect_stage("res1", output.res1);
    expect_stage("res2", output.res2);
    expect_stage("cls", output.logits);
    const at::Tensor logits = resize_align_corners(output.logits, shape.side, shape.side);
    expect_manifest("logits", logits);
    expect_close("logits_s8", subsample_mask(logits[0]), 1e-3);
  }

  const Enriched output = network->decode(network->reduce(query_backbone),
                                          {concatenate(train_shots)}, /*with_inner=*/true);
  const SegmentationLoss loss =
      segmentation_loss(output, file_.tensors.at("query_mask").to(at::kLong));
  const at::Tensor expected = file_.tensors.at("loss");
  EXPECT_NEAR(loss.main.item<double>() / expected[0].item<double>(), 1.0, 1e-4);
  EXPECT_NEAR(loss.auxiliary.item<double>() / expected[1].item<double>(), 1.0, 1e-4);
  (loss.main + loss.auxiliary).backward();
  const auto parameters = network->named_parameters();
  const at::Tensor reduction = parameters["down_conv.0.weight"].grad();
  expect_close("grad_down_conv_sub",
               reduction.select(3, 0)
                   .select(2, 0)
                   .slice(0, 0, c10::nullopt, 16)
                   .slice(1, 0, c10::nullopt, 16),
               1e-3);
  expect_close("grad_cls_last", parameters["cls.3.weight"].grad().flatten(1), 1e-3);
}

TEST_F(AsgnetGolden, GeneratorMatchesItsPublishedValues) {
  const std::vector<double> bias = golden::uniform("cls.3.bias", 4);
  const std::vector<double> stem = golden::uniform("layer0.0.weight", 3);
  EXPECT_NEAR(bias[0], .003991663, 1e-9);
  EXPECT_NEAR(bias[3], .355886519, 1e-9);
  EXPECT_NEAR(stem[0], .108949780, 1e-9);
  EXPECT_NEAR(stem[2], .810565531, 1e-9);
}

TEST_F(AsgnetGolden, EveryStageLossAndGradient) {
  const auto files = files_or_skip("asgnet_");
  for (const auto& file : files) {
    SCOPED_TRACE(file.filename().string());
    check_file(file);
  }
}

}  // namespace
}  // namespace cdfss
