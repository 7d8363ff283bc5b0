// The accelerator's post-processing on the CPU, which runs the same operations.
#include "device_mask.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "mask_from_logits.h"

namespace cdfss {
namespace {

std::vector<std::string> class_names(std::int64_t count) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < count; ++i) names.push_back("class " + std::to_string(i));
  return names;
}

// `device`, which has made other masks before, makes of the logits what the CPU makes of them.
void expect_same(DeviceMask& device, const at::Tensor& logits, float threshold, int width,
                 int height) {
  const std::vector<std::string> names = class_names(logits.size(0));
  Mask expected, mask;
  mask_from_logits(logits, threshold, names, width, height, true, expected);
  device.read(logits, threshold, names, width, height, true, mask);
  EXPECT_EQ(mask.width, width);
  EXPECT_EQ(mask.height, height);
  EXPECT_EQ(mask.classes, expected.classes);
  ASSERT_EQ(mask.probabilities.size(), expected.probabilities.size());
  for (std::size_t i = 0; i < mask.probabilities.size(); ++i) {
    ASSERT_NEAR(mask.probabilities[i], expected.probabilities[i], 1e-6F) << "value " << i;
  }
  ASSERT_EQ(mask.regions.size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    const ClassRegion &region = mask.regions[i], &known = expected.regions[i];
    EXPECT_EQ(region.name, known.name);
    EXPECT_EQ(region.area, known.area);
    EXPECT_EQ(region.x, known.x);
    EXPECT_EQ(region.y, known.y);
    EXPECT_EQ(region.width, known.width);
    EXPECT_EQ(region.height, known.height);
    EXPECT_NEAR(region.score, known.score, 1e-5F);
  }
}

TEST(DeviceMask, IsTheMaskThatTheCpuMakes) {
  at::manual_seed(11);
  DeviceMask device(at::kCPU);
  for (const std::int64_t classes : {1, 3, 20}) {
    const at::Tensor logits = at::randn({classes, 7, 6}) * 2;
    for (const auto& [width, height] : {std::pair{1, 1}, {6, 7}, {4, 3}, {213, 130}, {640, 33}}) {
      for (const float threshold : {0.0F, 0.3F, 0.6F, 0.99F, 1.0F}) {
        expect_same(device, logits, threshold, width, height);
      }
    }
  }
}

TEST(DeviceMask, FollowsTheLogitsSize) {
  at::manual_seed(12);
  DeviceMask device(at::kCPU);
  for (const int side : {6, 11, 6}) expect_same(device, at::randn({2, side, side}), 0.5F, 50, 40);
}

TEST(DeviceMask, FirstOfEqualsWins) {
  DeviceMask device(at::kCPU);
  Mask mask;
  device.read(at::full({3, 1, 2}, 1.0F), 0.5F, class_names(3), 2, 1, false, mask);
  EXPECT_EQ(mask.classes, (std::vector<std::uint8_t>{1, 1}));
  EXPECT_TRUE(mask.probabilities.empty());
}

// A class's number must reach 254 unharmed.
TEST(DeviceMask, TellsApartAsManyClassesAsASupportSetMayHave) {
  DeviceMask device(at::kCPU);
  at::Tensor logits = at::full({254, 1, 2}, -1.0F);
  logits[253][0][1] = 1.0F;
  Mask mask;
  device.read(logits, 0.5F, class_names(254), 2, 1, false, mask);
  EXPECT_EQ(mask.classes, (std::vector<std::uint8_t>{0, 254}));
  EXPECT_EQ(mask.regions[253].x, 1);
  EXPECT_EQ(mask.regions[253].area, 1);
}

// As a mean logit, each pixel's bounded: one infinite pixel among four of 0.
TEST(DeviceMask, ASurePixelDoesNotDecideTheScore) {
  DeviceMask device(at::kCPU);
  at::Tensor logits = at::zeros({1, 1, 4});
  logits[0][0][0] = std::numeric_limits<float>::max();
  expect_same(device, logits, 0.5F, 4, 1);
  Mask mask;
  device.read(logits, 0.5F, class_names(1), 4, 1, false, mask);
  EXPECT_NEAR(mask.regions[0].score, 1 / (1 + std::exp(-30.0 / 4)), 1e-6);
}

TEST(DeviceMask, ReusesTheMasksMemory) {
  DeviceMask device(at::kCPU);
  Mask mask;
  device.read(at::zeros({1, 2, 2}), 0.5F, class_names(1), 100, 80, false, mask);
  const std::uint8_t* memory = mask.classes.data();
  device.read(at::ones({1, 2, 2}), 0.5F, class_names(1), 100, 80, false, mask);
  EXPECT_EQ(mask.classes.data(), memory);
}

}  // namespace
}  // namespace cdfss
