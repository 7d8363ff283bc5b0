#include "cdfss/segmenter.h"

#include <ATen/ATen.h>
#include <c10/core/CPUAllocator.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cdfss/error.h"
#include "device.h"
#include "io/model_file.h"
#include "shared_network.h"
#include "tensor/quantised_convolution.h"
#include "tensor/tensor_lifetime.h"

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
    folder_ =
        std::filesystem::temp_directory_path() / ("cdfss_segmenter_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    Asgnet plain(
        AsgnetOptions{.memory_layers = {}, .object_directions = 2, .background_directions = 3});
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

// Mean difference of probabilities.
double difference(const Mask& a, const Mask& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.probabilities.size(); ++i) {
    sum += std::abs(a.probabilities[i] - b.probabilities[i]);
  }
  return sum / static_cast<double>(a.probabilities.size());
}

// That of a precision's probabilities and fp32's.
double difference_from_fp32(const std::filesystem::path& model, Precision precision) {
  const SupportSet support = support_of({"square", "other"});
  const Image image = picture(64, 48);
  std::vector<Mask> masks;
  for (const Precision each : {Precision::kFp32, precision}) {
    Segmenter segmenter(model, {.device = "cpu", .precision = each});
    EXPECT_EQ(segmenter.precision(), each);
    segmenter.set_support(support);
    masks.push_back(segmenter.segment(image.view(), true));
  }
  return difference(masks[0], masks[1]);
}

TEST_F(SegmenterTest, Bf16StaysNearFp32) {
  EXPECT_LT(difference_from_fp32(model(), Precision::kBf16), 0.05);
}

TEST_F(SegmenterTest, Int8StaysNearFp32) {
  if (!QuantisedConvolution::available()) GTEST_SKIP() << "no int8 on this CPU or LibTorch";
  EXPECT_LT(difference_from_fp32(model(), Precision::kInt8), 0.05);
}

// Each has learnt the ranges of its own support set; images given at the same time must not mix.
TEST_F(SegmenterTest, Int8SegmentersShareANetworkAndNoRanges) {
  if (!QuantisedConvolution::available()) GTEST_SKIP() << "no int8 on this CPU or LibTorch";
  const SegmenterOptions options{.device = "cpu", .precision = Precision::kInt8};
  Segmenter first(model(), options), second(model(), options);
  first.set_support(support_of({"square"}));
  const Image image = picture(64, 48);
  const Mask alone = first.segment(image.view(), true);
  second.set_support(support_of({"one", "two"}));
  std::vector<std::thread> threads;
  for (Segmenter* segmenter : {&first, &second}) {
    threads.emplace_back([&, segmenter] {
      for (int i = 0; i < 20; ++i) {
        const Mask mask = segmenter->segment(image.view(), true);
        if (segmenter == &second) continue;
        EXPECT_EQ(mask.probabilities, alone.probabilities);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// p(t) = (1 - w) p(image) + w p(t - 1) at the network's resolution, which is linear up to the
// frame's.
TEST_F(SegmenterTest, SmoothingMixesInThePreviousImage) {
  const Image dark = picture(64, 48);
  Image bright = dark;
  for (std::uint8_t& value : bright.pixels) value = static_cast<std::uint8_t>(255 - value);
  Segmenter plain(model(), {.device = "cpu", .precision = Precision::kFp32, .input_size = 49});
  plain.set_support(support_of({"square"}));
  const auto probabilities = [&](Segmenter& segmenter, const Image& image) {
    return segmenter.segment(image.view(), true).probabilities;
  };
  Segmenter smooth(model(), {.device = "cpu", .precision = Precision::kFp32, .input_size = 49});
  smooth.set_support(support_of({"square"}));
  smooth.set_temporal_smoothing(0.75F);
  const auto first = probabilities(plain, dark), second = probabilities(plain, bright);
  EXPECT_EQ(probabilities(smooth, dark), first) << "nothing to mix in yet";
  const auto mixed = probabilities(smooth, bright);
  double nearer = 0, moved = 0;
  for (std::size_t i = 0; i < mixed.size(); ++i) {
    nearer += std::abs(mixed[i] - (0.25F * second[i] + 0.75F * first[i]));
    moved += std::abs(mixed[i] - second[i]);
  }
  EXPECT_LT(nearer, 0.05 * moved);
  smooth.forget_previous_image();
  EXPECT_EQ(probabilities(smooth, bright), second);
  smooth.set_support(support_of({"square"}));
  EXPECT_EQ(probabilities(smooth, dark), first) << "the support set is another";
  EXPECT_EQ(code_of([&] { smooth.set_temporal_smoothing(1.0F); }, "1.0"), ErrorCode::kInvalidValue);
}

// Several threads, each with its own support set, on one network; batches change no more than the
// order of summation.
TEST_F(SegmenterTest, SharesOneNetworkBetweenThreads) {
  const SegmenterOptions options{.device = "cpu", .precision = Precision::kFp32, .threads = 1};
  struct Stream {
    std::unique_ptr<Segmenter> segmenter;
    Image image;
    std::vector<float> expected;
    double worst = 0;
  };
  std::vector<Stream> streams(3);
  for (std::size_t i = 0; i < streams.size(); ++i) {
    Stream& stream = streams[i];
    stream.segmenter = std::make_unique<Segmenter>(model(), options);
    stream.segmenter->set_support(
        support_of(i == 1 ? std::vector<std::string>{"a", "b"} : std::vector<std::string>{"a"},
                   64 + 8 * static_cast<int>(i)));
    stream.image = picture(40 + 10 * static_cast<int>(i), 33);
    stream.expected = stream.segmenter->segment(stream.image.view(), true).probabilities;
  }
  std::vector<std::thread> threads;
  for (Stream& stream : streams) {
    threads.emplace_back([&stream] {
      Mask mask;
      for (int round = 0; round < 8; ++round) {
        stream.segmenter->segment(stream.image.view(), mask, true);
        for (std::size_t i = 0; i < mask.probabilities.size(); ++i) {
          stream.worst =
              std::max(stream.worst, std::abs(double{mask.probabilities[i]} - stream.expected[i]));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Stream& stream : streams) EXPECT_LT(stream.worst, 1e-4);
}

TEST_F(SegmenterTest, NetworksAreSharedByFileDeviceAndPrecision) {
  const auto open = [](const std::filesystem::path& file, Precision precision) {
    return SharedNetwork::open(file, c10::Device(c10::kCPU), precision);
  };
  const auto network = open(model(), Precision::kFp32);
  EXPECT_EQ(open(model(), Precision::kFp32), network);
  std::filesystem::create_symlink(model(), folder_ / "link.safetensors");
  EXPECT_EQ(open(folder_ / "link.safetensors", Precision::kFp32), network);
  EXPECT_NE(open(model(), Precision::kBf16), network);
  std::filesystem::copy_file(model(), folder_ / "copy.safetensors");
  EXPECT_NE(open(folder_ / "copy.safetensors", Precision::kFp32), network);
  // Another file in the place of the first.
  const auto before = open(folder_ / "copy.safetensors", Precision::kFp32);
  std::filesystem::remove(folder_ / "copy.safetensors");
  std::filesystem::copy_file(model(), folder_ / "copy.safetensors");
  EXPECT_NE(open(folder_ / "copy.safetensors", Precision::kFp32), before);
}

TEST_F(SegmenterTest, ASupportSetIsReadWithTheSameFileInFloat32) {
  const std::filesystem::path file = folder_ / "kept.safetensors";
  std::filesystem::copy_file(model(), file);
  const auto open = [&](Precision precision) {
    return SharedNetwork::open(file, c10::Device(c10::kCPU), precision);
  };
  const auto full = open(Precision::kFp32);
  const auto half = open(Precision::kBf16);
  EXPECT_EQ(full->in_float32(), full);
  EXPECT_EQ(half->in_float32(), full);
  Segmenter segmenter(file, {.device = "cpu", .precision = Precision::kBf16});
  segmenter.set_support(support_of({"square"}));
  std::filesystem::copy_file(model(), folder_ / "newer.safetensors");
  std::filesystem::rename(folder_ / "newer.safetensors", file);
  EXPECT_EQ(code_of([&] { segmenter.set_support(support_of({"late"})); }, "kept.safetensors"),
            ErrorCode::kUnreadable);
  EXPECT_EQ(segmenter.class_names(), std::vector<std::string>{"square"});  // still in force
}

TEST_F(SegmenterTest, ANetworkGoesWithItsLastUser) {
  std::weak_ptr<SharedNetwork> network;
  {
    const auto used = SharedNetwork::open(model(), c10::Device(c10::kCPU), Precision::kFp32);
    network = used;
  }
  EXPECT_TRUE(network.expired());
}

TEST_F(SegmenterTest, NamesBadOptions) {
  const auto make = [](SegmenterOptions options) {
    return [options] { Segmenter segmenter(model(), options); };
  };
  EXPECT_EQ(code_of(make({.input_size = 100}), "100"), ErrorCode::kInvalidValue);
  EXPECT_EQ(code_of(make({.input_size = 33}), "33"), ErrorCode::kInvalidValue);
  EXPECT_EQ(code_of(make({.threshold = 1.5F}), "1.5"), ErrorCode::kInvalidValue);
  EXPECT_EQ(code_of(make({.device = "cpu", .threads = -1}), "-1 threads"),
            ErrorCode::kInvalidValue);
  EXPECT_EQ(code_of(make({.device = "tpu"}), "tpu"), ErrorCode::kInvalidValue);
  EXPECT_EQ(code_of(make({.device = "cuda:999"}), "cuda:999"), ErrorCode::kInvalidValue);
  EXPECT_EQ(code_of(make({.device = "cpu", .precision = Precision::kFp16}), "fp16"),
            ErrorCode::kInvalidValue);
  EXPECT_EQ(code_of([] { resolve_precision(Precision::kInt8, c10::Device(c10::kCUDA, 1)); },
                    "int8 on cuda:1"),
            ErrorCode::kInvalidValue);
  EXPECT_EQ(code_of(make({.use_model_enhancement = false,
                          .target_enhancement = TargetEnhancement::kBoth}),
                    "no memory bank"),
            ErrorCode::kInvalidValue);
  EXPECT_EQ(code_of([] { Segmenter segmenter(folder_ / "absent.safetensors"); }, "absent"),
            ErrorCode::kNotFound);
}

// Counts large tensors while it lives: those in the frames' arena, and others.
class LargeTensors final : public c10::Allocator {
 public:
  LargeTensors() { c10::SetCPUAllocator(this); }
  ~LargeTensors() override { c10::SetCPUAllocator(before_); }

  c10::DataPtr allocate(std::size_t bytes) override {
    c10::DataPtr memory = before_->allocate(bytes);
    if (bytes >= TensorLifetimeGuard::kLeastBytes) {
      ++(frame_arena().contains(memory.get()) ? in_arena : elsewhere);
    }
    return memory;
  }
  c10::DeleterFnPtr raw_deleter() const override { return before_->raw_deleter(); }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

  std::atomic<int> in_arena = 0, elsewhere = 0;

 private:
  c10::Allocator* const before_ = c10::GetCPUAllocator();
};

TEST_F(SegmenterTest, FramesUseTheSameMemoryAndGiveItBack) {
  const auto in_arena = [](std::int64_t bytes) {
    const TensorLifetimeGuard frame(TensorLifetime::kFrame);
    return at::empty({bytes}, at::kByte);
  };
  const void* const start = in_arena(TensorLifetimeGuard::kLeastBytes).const_data_ptr();
  for (const Precision precision : {Precision::kFp32, Precision::kBf16, Precision::kInt8}) {
    if (precision == Precision::kInt8 && !QuantisedConvolution::available()) continue;
    const Segmenter other(model(), {.device = "cpu", .precision = precision});  // keeps the network
    {
      Segmenter segmenter(model(), {.device = "cpu", .precision = precision, .input_size = 81});
      segmenter.set_support(support_of({"square", "other"}));
      const Image image = picture(64, 48);
      segmenter.segment(image.view());  // weights are packed for this size
      const LargeTensors made;
      for (int i = 0; i < 3; ++i) segmenter.segment(image.view());
      EXPECT_EQ(made.elsewhere, 0) << to_string(precision);
      EXPECT_GT(made.in_arena, 0) << to_string(precision);
    }
    const at::Tensor all = in_arena(static_cast<std::int64_t>(frame_arena().furthest()));
    EXPECT_EQ(all.const_data_ptr(), start) << "a tensor is left there";
    EXPECT_EQ(all.count_nonzero().item<std::int64_t>(), 0) << "not the system's fresh memory";
  }
}

TEST_F(SegmenterTest, ReadingASupportSetCanBeGivenUp) {
  Segmenter segmenter(model(), {.device = "cpu"});
  segmenter.set_support(support_of({"square"}));
  std::stop_source stop;
  EXPECT_TRUE(segmenter.set_support(support_of({"other"}), stop.get_token()));
  stop.request_stop();
  EXPECT_FALSE(segmenter.set_support(support_of({"late"}), stop.get_token()));
  EXPECT_EQ(segmenter.class_names(), std::vector<std::string>{"other"});  // still in force
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
