// What becomes of the memory bank over many updates with the styles of photographs: Eq. 3-4 as
// printed draw all slots together, the default update does not (SPEC B4).
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <opencv2/imgproc.hpp>

#include "data/image_file.h"
#include "io/backbone_weights.h"
#include "model/meta_memory.h"
#include "model/resnet.h"
#include "tensor/image_tensor.h"

namespace cdfss {
namespace {

constexpr int kImages = 96, kBatch = 12, kSteps = 50, kSide = 161;

// Styles of photographs behind the ImageNet ResNet-50's layer0.
class CollapseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* shared = std::getenv("CDFSS_SHARED_DIR");
    const std::filesystem::path root = shared == nullptr ? "" : shared;
    const std::filesystem::path weights = root / "weights" / "resnet50_imagenet.safetensors";
    const std::filesystem::path images = root / "data" / "source" / "voc" / "images";
    if (!std::filesystem::exists(weights) || !std::filesystem::exists(images)) {
      GTEST_SKIP() << "needs weights/ and data/ in CDFSS_SHARED_DIR";
    }
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(images)) {
      files.push_back(entry.path());
    }
    ASSERT_GE(files.size(), kImages);
    std::sort(files.begin(), files.end());

    const at::NoGradGuard no_grad;
    ResNet backbone(ResNetLayout::from_name("resnet50-caffe"));
    load_backbone_weights(weights, backbone);
    backbone->eval();
    for (int i = 0; i < kImages; ++i) {
      cv::Mat image;
      cv::resize(read_rgb(files[i * files.size() / kImages]), image, {kSide, kSide});
      const at::Tensor pixels = at::from_blob(image.data, {1, kSide, kSide, 3}, at::kByte);
      const Style style = style_of(backbone->stage(0, normalise(pixels)));
      means_.push_back(style.mean);
      stds_.push_back(style.std);
    }
  }

  // Mean cosine between slots, at the start and after kSteps batches.
  std::pair<double, double> slot_cosines(MemoryUpdate update) {
    at::manual_seed(5);
    MetaMemoryOptions options;
    options.channels = static_cast<int>(means_.front().size(1));
    options.update = update;
    MetaMemory memory(options);
    const auto batch = [&](const at::Tensor& rows) {
      return Style{at::cat(means_).index_select(0, rows), at::cat(stds_).index_select(0, rows)};
    };
    memory->commit(batch(at::arange(options.slots)));
    const double before = memory->slot_cosine();
    for (int step = 0; step < kSteps; ++step) {
      memory->commit(batch(at::randint(kImages, {kBatch}, at::kLong)));
    }
    return {before, memory->slot_cosine()};
  }

  std::vector<at::Tensor> means_, stds_;  // [1, C] each
};

TEST_F(CollapseTest, TheLiteralUpdateDrawsAllSlotsTogether) {
  const auto [before, after] = slot_cosines(MemoryUpdate::kPaper);
  RecordProperty("before", std::to_string(before));
  RecordProperty("after", std::to_string(after));
  EXPECT_LT(before, 0.99);
  EXPECT_GT(after, 0.9999);
}

TEST_F(CollapseTest, TheNearestUpdateKeepsThemApart) {
  const auto [before, after] = slot_cosines(MemoryUpdate::kNearest);
  RecordProperty("before", std::to_string(before));
  RecordProperty("after", std::to_string(after));
  EXPECT_LT(1 - before, 2 * (1 - after)) << before << " became " << after;
}

}  // namespace
}  // namespace cdfss
