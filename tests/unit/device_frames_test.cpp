// An accelerator's path from image to mask, on the CPU.
#include "device_frames.h"

#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "cdfss/error.h"
#include "cdfss/segmenter.h"
#include "fake_graph.h"
#include "frame_test_support.h"
#include "io/model_file.h"
#include "model/shot_label.h"
#include "shared_network.h"
#include "tensor/frame_input.h"

namespace cdfss {
namespace {

constexpr int kSide = 41;
constexpr int kWidth = 77, kHeight = 52;

class DeviceFramesTest : public ::testing::Test {
 protected:
  DeviceFramesTest() {
    at::manual_seed(5);
    Asgnet plain(
        AsgnetOptions{.memory_layers = {}, .object_directions = 2, .background_directions = 3});
    save_model(file_, plain, {.input_size = kSide, .threshold = 0.5F}, Storage::kFloat16);
    const testing::Noise frame(PixelFormat::kRgb, kWidth, kHeight);
    Image image{.width = kWidth, .height = kHeight, .pixels = {}};
    for (int y = 0; y < kHeight; ++y) {
      const std::uint8_t* row = frame.view.planes[0] + y * frame.view.strides[0];
      image.pixels.insert(image.pixels.end(), row, row + std::ptrdiff_t{3} * kWidth);
    }
    shot_ = {.image = std::make_shared<const Image>(image),
             .mask = std::vector<std::uint8_t>(std::size_t{kWidth} * kHeight),
             .source = "noise.png"};
    std::fill_n(shot_.mask.begin(), shot_.mask.size() / 2, kMaskObject);
    network_ = SharedNetwork::open(file_, c10::Device(c10::kCPU), Precision::kFp32);
    guides_ = {guide()};
  }
  ~DeviceFramesTest() override { std::filesystem::remove(file_); }

  // Of the only shot.
  ClassGuide guide() const {
    const ShotLabel target = shot_label(shot_, kSide);
    const at::NoGradGuard no_grad;
    const at::Tensor features =
        network_->features(frame_input(shot_.image->view(), kSide), std::nullopt);
    return network_->guide(network_->prototypes(features[0], target.label, target.seeds));
  }
  Mask segmented(SharedNetwork& network, DeviceFrames& frames, const ImageView& image) const {
    const at::NoGradGuard no_grad;
    const std::vector<std::string> names(guides_.size(), "noise");
    Mask mask;
    frames.segment(
        image, kSide,
        [&](const at::Tensor& input) {
          return network.segment(input, std::nullopt, guides_, nullptr);
        },
        0.5F, names, true, mask);
    return mask;
  }

  std::filesystem::path file_ = std::filesystem::temp_directory_path() /
                                ("cdfss_device_frames_" + std::to_string(::getpid()));
  SupportShot shot_;
  std::shared_ptr<SharedNetwork> network_;
  std::vector<ClassGuide> guides_;
};

TEST_F(DeviceFramesTest, GiveTheSegmentersMasks) {
  Segmenter segmenter(file_, {.device = "cpu", .precision = Precision::kFp32});
  SupportSet support;
  support.add("noise", shot_);
  segmenter.set_support(support);
  DeviceFrames frames(at::kCPU);
  for (const PixelFormat format : {PixelFormat::kI420, PixelFormat::kBgra}) {
    const testing::Noise frame(format, 131, 75);
    const Mask expected = segmenter.segment(frame.view, true),
               mask = segmented(*network_, frames, frame.view);
    ASSERT_EQ(mask.probabilities.size(), expected.probabilities.size());
    for (std::size_t i = 0; i < mask.probabilities.size(); ++i) {
      ASSERT_NEAR(mask.probabilities[i], expected.probabilities[i], 1e-4F);
    }
    EXPECT_NEAR(static_cast<double>(mask.regions[0].area),
                static_cast<double>(expected.regions[0].area), 5);
    EXPECT_GT(mask.regions[0].area, 0);
    EXPECT_LT(mask.regions[0].area, 131 * 75);
  }
}

// What the host must know before it can go on: a device would have to be waited for.
TEST_F(DeviceFramesTest, AskNothingOfTheDeviceButTheMask) {
  static std::set<std::string> called;
  DeviceFrames frames(at::kCPU);
  const testing::Noise frame(PixelFormat::kNv12, 131, 75);
  guides_ = {guide(), guide()};
  segmented(*network_, frames, frame.view);  // what depends on sizes is sent to the device once
  called.clear();
  const auto handle = at::addThreadLocalCallback(at::RecordFunctionCallback(
      [](const at::RecordFunction& function) -> std::unique_ptr<at::ObserverContext> {
        called.insert(function.name());
        return nullptr;
      }));
  segmented(*network_, frames, frame.view);
  at::removeCallback(handle);
  EXPECT_TRUE(called.contains("aten::index_select")) << "nothing was recorded";
  for (const char* waiting :
       {"aten::item", "aten::_local_scalar_dense", "aten::is_nonzero", "aten::nonzero",
        "aten::masked_select", "aten::equal", "aten::bincount", "aten::_unique2"}) {
    EXPECT_FALSE(called.contains(waiting)) << waiting;
  }
}

// Each thread has a stream of images; they meet in the network.
TEST_F(DeviceFramesTest, OfSeveralThreadsShareTheNetwork) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([this, i] {
      DeviceFrames frames(at::kCPU);
      const testing::Noise frame(PixelFormat::kRgb, 60 + i, 50);
      const Mask first = segmented(*network_, frames, frame.view);
      for (int round = 0; round < 3; ++round) {
        const Mask again = segmented(*network_, frames, frame.view);
        for (std::size_t k = 0; k < first.probabilities.size(); ++k) {
          ASSERT_NEAR(again.probabilities[k], first.probabilities[k], 1e-4F);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// The network's whole work is captured, and replayed on each frame's own pixels; the classes of a
// new support set are captured anew.
TEST_F(DeviceFramesTest, ReplayTheNetworkFromAGraph) {
  testing::GraphCounts counts;
  SharedNetwork replaying(file_, c10::Device(c10::kCPU), Precision::kFp32,
                          testing::fake_graphs(counts));
  DeviceFrames frames(at::kCPU);
  for (int support_set = 1; support_set <= 2; ++support_set) {
    guides_ = {guide(), guide()};
    for (int i = 0; i < 4; ++i) {
      const testing::Noise noise(PixelFormat::kRgb, 60, 50);
      const Mask mask = segmented(replaying, frames, noise.view);
      const Mask expected = segmented(*network_, frames, noise.view);
      EXPECT_EQ(mask.classes, expected.classes);
      EXPECT_EQ(mask.probabilities, expected.probabilities);
    }
    EXPECT_EQ(counts.captures, support_set);
    EXPECT_EQ(counts.replays, 2 * support_set);
    EXPECT_EQ(counts.alive, 1);
  }
}

TEST_F(DeviceFramesTest, NameWhatIsWrong) {
  DeviceFrames frames(at::kCPU);
  EXPECT_THROW(segmented(*network_, frames, ImageView{}), Error);
  const testing::Noise frame(PixelFormat::kRgb, 20, 20);
  Mask mask;
  try {  // logits of no such shape: the mask cannot be decided
    frames.segment(
        frame.view, kSide, [](const at::Tensor& input) { return input.flatten(); }, 0.5F, {"noise"},
        false, mask);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInference);
    EXPECT_NE(std::string(e.what()).find("deciding a mask"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace cdfss
