#include "convolution_limit.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <memory>

#include "device_time.h"
#include "model/feature_enrichment.h"
#include "tensor/quantised_convolution.h"

namespace cdfss::bench {
namespace {

constexpr int kRuns = 7;
constexpr std::int64_t kChannels = 256;

template <typename Body>
double least_seconds(c10::Device device, Body&& body) {
  double least = std::numeric_limits<double>::infinity();
  for (int run = 0; run < kRuns; ++run) least = std::min(least, seconds_of(device, body));
  return least;
}

double convolution_seconds(const ConvolutionShape& shape, const at::TensorOptions& options) {
  const ConvolutionGeometry geometry{.stride = static_cast<int>(shape.stride),
                                     .padding = static_cast<int>(shape.kernel / 2 * shape.dilation),
                                     .dilation = static_cast<int>(shape.dilation),
                                     .direct = true};
  const at::Tensor weight = at::randn({shape.out, shape.in, shape.kernel, shape.kernel}, options);
  const at::Tensor x = at::randn({shape.batch, shape.in, shape.side, shape.side}, options)
                           .contiguous(at::MemoryFormat::ChannelsLast);
  std::function<void()> run;
  if (shape.quantised) {
    const auto convolution =
        std::make_shared<QuantisedConvolution>(weight.to(at::kFloat), at::Tensor(), geometry, 0);
    const auto ranges = std::make_shared<ActivationRanges>(1);
    const QuantisedTensor bytes = quantise(x, {.scale = 1.0 / 32, .zero = 128});
    convolution->apply(bytes, false, *ranges);
    ranges->finish();
    run = [=] { convolution->apply(bytes, false, *ranges); };
  } else {
    const auto convolution =
        std::make_shared<FusedConvolution>(weight, at::Tensor(), weight.scalar_type(), geometry);
    run = [=] { convolution->apply(x, false); };
  }
  run();  // packs the weight
  return least_seconds(options.device(), run);
}

}  // namespace

std::int64_t ConvolutionShape::output_side() const { return (side - 1) / stride + 1; }

double ConvolutionShape::gflop() const {
  const auto pixels = static_cast<double>(output_side() * output_side() * batch);
  return 2e-9 * static_cast<double>(in * out * kernel * kernel) * pixels;
}

double gflop(const std::vector<ConvolutionShape>& shapes) {
  double sum = 0;
  for (const ConvolutionShape& shape : shapes) sum += shape.gflop();
  return sum;
}

std::vector<ConvolutionShape> encoder_convolutions(const ResNetLayout& layout, int stage,
                                                   int input_side) {
  if (stage == 0) {
    if (!layout.deep_stem) {
      return {{.in = 3, .out = 64, .kernel = 7, .stride = 2, .side = input_side}};
    }
    const std::int64_t half = (input_side - 1) / 2 + 1;
    return {{.in = 3, .out = 64, .kernel = 3, .stride = 2, .side = input_side},
            {.in = 64, .out = 64, .kernel = 3, .side = half},
            {.in = 64, .out = 128, .kernel = 3, .side = half}};
  }
  const std::int64_t feature_side = (input_side - 1) / 8 + 1;
  const std::int64_t planes = 32 << stage;
  const int blocks = stage == 1 ? 3 : stage == 2 ? 4 : layout.layer3_blocks;
  const std::int64_t dilation = stage == 3 ? 2 : 1;
  std::int64_t side = stage == 3 ? feature_side : 2 * feature_side - 1;
  std::int64_t in = ResNetImpl::channels(layout, stage - 1);
  std::vector<ConvolutionShape> shapes;
  for (int block = 0; block < blocks; ++block) {
    const std::int64_t stride = stage == 2 && block == 0 ? 2 : 1;
    const std::int64_t first = layout.stride_first ? stride : 1;
    const std::int64_t after = (side - 1) / stride + 1;
    if (block == 0) {
      shapes.push_back({.in = in, .out = 4 * planes, .stride = stride, .side = side});
    }
    shapes.push_back({.in = in, .out = planes, .stride = first, .side = side});
    shapes.push_back({.in = planes,
                      .out = planes,
                      .kernel = 3,
                      .stride = stride / first,
                      .dilation = dilation,
                      .side = (side - 1) / first + 1});
    shapes.push_back({.in = planes, .out = 4 * planes, .side = after});
    in = 4 * planes;
    side = after;
  }
  return shapes;
}

std::vector<ConvolutionShape> reduction_convolutions(int feature_side) {
  return {{.in = 1024, .out = kChannels, .side = feature_side},
          {.in = 512, .out = kChannels, .side = feature_side}};
}

std::vector<ConvolutionShape> decoder_convolutions(int feature_side, int classes) {
  std::vector<ConvolutionShape> shapes;
  const ConvolutionShape one{.in = kChannels, .out = kChannels};
  const auto add = [&](int count, std::int64_t kernel, std::int64_t side, std::int64_t batch) {
    ConvolutionShape shape = one;
    shape.kernel = kernel;
    shape.side = side;
    shape.batch = batch;
    shapes.insert(shapes.end(), count, shape);
  };
  const auto sides = FeatureEnrichmentImpl::bins(feature_side);
  for (int level = 0; level < 4; ++level) {
    add(1, 1, sides[level], 1);                         // the query's share of merging
    add(level == 0 ? 1 : 3, 1, sides[level], classes);  // alpha, and the scale's part of res1
    add(2, 3, sides[level], classes);                   // beta
  }
  add(3, 3, feature_side, classes);  // res2 and cls
  return shapes;
}

double convolution_seconds(const std::vector<ConvolutionShape>& shapes, at::ScalarType dtype,
                           c10::Device device) {
  const at::NoGradGuard no_grad;
  const auto options = at::TensorOptions().dtype(dtype).device(device);
  std::vector<std::pair<ConvolutionShape, double>> known;
  double sum = 0;
  for (const ConvolutionShape& shape : shapes) {
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const auto& entry) { return entry.first == shape; });
    if (found != known.end()) {
      sum += found->second;
      continue;
    }
    const double seconds = convolution_seconds(shape, options);
    known.emplace_back(shape, seconds);
    sum += seconds;
  }
  return sum;
}

double copy_gigabytes_per_second(c10::Device device) {
  constexpr std::int64_t kFloats = 64 << 20;
  const auto options = at::TensorOptions().dtype(at::kFloat).device(device);
  const at::Tensor from = at::ones({kFloats}, options), to = at::zeros({kFloats}, options);
  const double seconds = least_seconds(device, [&] { to.copy_(from); });
  return 2.0 * 4.0 * kFloats / seconds / 1e9;
}

}  // namespace cdfss::bench
