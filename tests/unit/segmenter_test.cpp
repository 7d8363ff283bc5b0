#include "cdfss/segmenter.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cdfss/error.h"
#include "io/model_file.h"

namespace cdfss {
namespace {

// A left-to-right gradient with a bright square: enough for shapes and rules, not for quality.
Image picture(int width, int height) {
  Image image{.width = width, .height = height, .pixels = {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const bool inside = x > width / 4 && x < width / 2 && y > height / 4 && y < height / 2;
      image.pixels.insert(image.pixels.end(), {static_cast<std::uint8_t>(x % 256),
                                               static_cast<std::uint8_t>(inside ? 240 : 60),
                                               static_cast<std::uint8_t>(y % 256)});
    }
  }
  return image;
}

SupportShot shot(int width, int height) {
  SupportShot result{.image = std::make_shared<const Image>(picture(width, height)),
                     .mask = std::vector<std::uint8_t>(static_cast<std::size_t>(width) * height),
                     .source = "square.png"};
  for (int y = height / 4; y < height / 2; ++y) {
    for (int x = width / 4; x < width / 2; ++x) result.mask[y * width + x] = kMaskObject;
  }
  return result;
}

SupportSet support_of(const std::vector<std::string>& names, int width = 64, int height = 48) {
  SupportSet support;
  for (const std::string& name : names) support.add(name, shot(width, height));
  return support;
}

// One random network in a file for all tests of this suite.
class SegmenterTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::filesystem::temp_directory_path() /
              ("cdfss_segmenter_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    Asgnet plain(AsgnetOptions{.memory_layers = {}, .object_directions = 2,
                               .background_directions = 3});
    save_model(model(), plain, {.input_size = 41, .threshold = 0.5F}, Storage::kFloat16);
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(folder_); }
  static std::filesystem::path model() { return folder_ / "model.safetensors"; }

  static ErrorCode code_of(const std::function<void()>& action, const std::string& named) {
    try {
      action();
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(named), std::string::npos) << e.what();
      return e.code();
    }
    ADD_FAILURE() << "no error";
    return ErrorCode::kInference;
  }

  static std::filesystem::path folder_;
};
std::filesystem::path SegmenterTest::folder_;

TEST_F(SegmenterTest, MaskHasTheImagesSizeAndOneRegionAClass) {
  Segmenter segmenter(model(), {.device = "cpu"});
  segmenter.set_support(support_of({"square", "other"}));
  EXPECT_EQ(segmenter.input_size(), 41);
  EXPECT_EQ(segmenter.device(), "cpu");
  EXPECT_EQ(segmenter.class_names(), (std::vector<std::string>{"square", "other"}));
  const Image image = picture(77, 33);
  const Mask mask = segmenter.segment(image.view(), true);
  EXPECT_EQ(mask.width, 77);
  EXPECT_EQ(mask.height, 33);
  EXPECT_EQ(mask.classes.size(), 77U * 33U);
  EXPECT_EQ(mask.probabilities.size(), 2U * 77U * 33U);
  std::int64_t counted = 0;
  for (const ClassRegion& region : mask.regions) counted += region.area;
  EXPECT_EQ(counted, std::count_if(mask.classes.begin(), mask.classes.end(),
                                   [](std::uint8_t value) { return value != 0; }));
  for (std::size_t i = 0; i < mask.classes.size(); ++i) {
    const float best = std::max(mask.probabilities[i], mask.probabilities[77 * 33 + i]);
    ASSERT_EQ(mask.classes[i] != 0, best >= 0.5F) << "pixel " << i;
  }
}

TEST_F(SegmenterTest, ThresholdMovesTheMaskMonotonically) {
  Segmenter segmenter(model(), {.device = "cpu", .precision = Precision::kFp32});
  segmenter.set_support(support_of({"square"}));
  const Image image = picture(64, 48);
  std::int64_t previous = 64 * 48 + 1;
  for (const float threshold : {0.0F, 0.3F, 0.5F, 0.7F, 1.0F}) {
    segmenter.set_threshold(threshold);
    const std::int64_t area = segmenter.segment(image.view()).regions[0].area;
    EXPECT_LE(area, previous);
    if (threshold == 0.0F) {
      EXPECT_EQ(area, 64 * 48);
    }
    if (threshold == 1.0F) {
      EXPECT_EQ(area, 0);
    }
    previous = area;
  }
}

TEST_F(SegmenterTest, SameFrameSameMask) {
  Segmenter segmenter(model(), {.device = "cpu"});
  segmenter.set_support(support_of({"square"}));
  const Image image = picture(50, 60);
  const Mask first = segmenter.segment(image.view());
  segmenter.segment(picture(20, 30).view());
  EXPECT_EQ(segmenter.segment(image.view()).classes, first.classes);
}

TEST_F(SegmenterTest, Bf16StaysNearFp32) {
  Segmenter full(model(), {.device = "cpu", .precision = Precision::kFp32});
  Segmenter half(model(), {.device = "cpu", .precision = Precision::kBf16});
  const SupportSet support = support_of({"square"});
  full.set_support(support);
  half.set_support(support);
  const Image image = picture(64, 48);
  const Mask a = full.segment(image.view(), true);
  const Mask b = half.segment(image.view(), true);
  double difference = 0.0;
  for (std::size_t i = 0; i < a.probabilities.size(); ++i) {
    difference += std::abs(a.probabilities[i] - b.probabilities[i]);
  }
  EXPECT_LT(difference / static_cast<double>(a.probabilities.size()), 0.05);
}

TEST_F(SegmenterTest, NamesBadOptions) {
  const auto make = [](SegmenterOptions options) {
    return [options] { Segmenter segmenter(model(), options); };
  };
  EXPECT_EQ(code_of(make({.input_size = 100}), "100"), ErrorCode::kInvalidValue);
  EXPECT_EQ(code_of(make({.input_size = 33}), "33"), ErrorCode::kInvalidValue);
  EXPECT_EQ(code_of(make({.threshold = 1.5F}), "1.5"), ErrorCode::kInvalidValue);
  EXPECT_EQ(code_of(make({.device = "tpu"}), "tpu"), ErrorCode::kInvalidValue);
  EXPECT_EQ(code_of(make({.device = "cuda:999"}), "cuda:999"), ErrorCode::kInvalidValue);
  EXPECT_EQ(code_of(make({.device = "cpu", .precision = Precision::kFp16}), "fp16"),
            ErrorCode::kInvalidValue);
  EXPECT_EQ(code_of(make({.use_model_enhancement = false,
                          .target_enhancement = TargetEnhancement::kBoth}),
                    "no memory bank"),
            ErrorCode::kInvalidValue);
  EXPECT_EQ(code_of([] { Segmenter segmenter(folder_ / "absent.safetensors"); }, "absent"),
            ErrorCode::kNotFound);
}

TEST_F(SegmenterTest, NamesBadUse) {
  Segmenter segmenter(model(), {.device = "cpu"});
  const Image image = picture(64, 48);
  EXPECT_EQ(code_of([&] { segmenter.segment(image.view()); }, "support set"),
            ErrorCode::kInvalidValue);
  EXPECT_EQ(code_of([&] { segmenter.set_support(SupportSet()); }, "empty"),
            ErrorCode::kInvalidValue);
  segmenter.set_support(support_of({"square"}));
  EXPECT_EQ(code_of([&] { segmenter.segment(ImageView{}); }, "0x0"), ErrorCode::kInvalidValue);
  EXPECT_EQ(segmenter.class_names(), std::vector<std::string>{"square"});  // still in force
}

}  // namespace
}  // namespace cdfss
