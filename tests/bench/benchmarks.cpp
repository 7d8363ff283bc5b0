#include "benchmarks.h"

#include <ATen/core/grad_mode.h>
#include <benchmark/benchmark.h>

#include <memory>

#include "device.h"
#include "device_time.h"
#include "staged_frame.h"

namespace cdfss::bench {
namespace {

const std::vector<int> kSides{241, 321, 401, 473};

std::string size_of(const Options& options) {
  return std::to_string(options.width) + "x" + std::to_string(options.height);
}

// The whole of a frame, from host pixels to host mask.
void add_frame(const std::string& name, const Options& options) {
  benchmark::RegisterBenchmark(
      name.c_str(),
      [options](benchmark::State& state) {
        Segmenter segmenter(options.model, options.segmenter());
        segmenter.set_support(support_of(options));
        const Frame frame = made_frame(options.width, options.height, options.pixel_format(), 1000);
        Mask mask;
        segmenter.segment(frame.view, mask);
        for (auto _ : state) segmenter.segment(frame.view, mask);
        state.counters["frames/s"] =
            benchmark::Counter(1, benchmark::Counter::kIsIterationInvariantRate);
      })
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

void add_stages(const std::string& prefix, const Options& options) {
  // Known before the network is loaded; StagedFrame has them in this order.
  const std::vector<std::string> names{"input",     "layer0",     "layer1",     "layer2", "layer3",
                                       "reduction", "allocation", "enrichment", "decide", "draw"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    benchmark::RegisterBenchmark((prefix + names[i]).c_str(),
                                 [options, i](benchmark::State& state) {
                                   const at::NoGradGuard no_grad;
                                   const StagedFrame frame(options);
                                   frame.run_all();
                                   const Stage& stage = frame.stages()[i];
                                   // Each iteration runs the frame, since a stage may write into
                                   // what the one before it left.
                                   for (auto _ : state) {
                                     double seconds = 0;
                                     for (const Stage& each : frame.stages()) {
                                       const double one = seconds_of(frame.device(), each.run);
                                       if (&each == &stage) seconds = one;
                                     }
                                     state.SetIterationTime(seconds);
                                   }
                                   if (!stage.convolutions.empty()) {
                                     state.counters["GFLOP/s"] = benchmark::Counter(
                                         gflop(stage.convolutions),
                                         benchmark::Counter::kIsIterationInvariantRate);
                                   }
                                 })
        ->Unit(benchmark::kMillisecond)
        ->UseManualTime();
  }
}

}  // namespace

void register_benchmarks(const Options& given) {
  std::vector<std::string> precisions{given.precision};
  if (given.precision == "auto") {
    precisions = {"fp32"};
    const Precision best = resolve_precision(Precision::kAuto, resolve_device(given.device));
    if (best == Precision::kBf16) precisions.push_back("bf16");
    if (best == Precision::kFp16) precisions.push_back("fp16");
  }
  for (const std::string& precision : precisions) {
    Options options = given;
    options.precision = precision;
    const std::string prefix = options.device + "/" + precision + "/";
    for (const int side : kSides) {
      options.input_size = side;
      add_frame(prefix + "frame/side:" + std::to_string(side), options);
      add_stages(prefix + std::to_string(side) + "/", options);
    }
    options.input_size = given.input_size;
    for (const int shots : {1, 5, 25}) {
      options.shots = shots;
      add_frame(prefix + "frame/shots:" + std::to_string(shots), options);
    }
    options.shots = 1;
    for (const int classes : {1, 4, 16}) {
      options.classes = classes;
      add_frame(prefix + "frame/classes:" + std::to_string(classes), options);
    }
    options.classes = 1;
    for (const auto& [width, height] :
         {std::pair{640, 480}, {1280, 720}, {1920, 1080}, {3840, 2160}}) {
      options.width = width;
      options.height = height;
      add_frame(prefix + "frame/size:" + size_of(options), options);
    }
  }
}

}  // namespace cdfss::bench
