#include "frame_report.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <thread>

#include "convolution_limit.h"
#include "data/image_file.h"
#include "device_time.h"
#include "staged_frame.h"
#include "tensor/tensor_lifetime.h"

namespace cdfss::bench {
namespace {

constexpr int kWarmUps = 3;
constexpr int kSettled = 100;  // frames after which memory should no longer grow

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

struct Memory {
  double resident,
      own;  // MB of this process; `own` without pages of files, such as LibTorch's code

  static Memory now() {
    std::ifstream file("/proc/self/statm");
    double total = 0, resident = 0, of_files = 0;
    file >> total >> resident >> of_files;
    const double page = static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1e6;
    return {resident * page, (resident - of_files) * page};
  }
};

// The frames to segment: of files, or made ones.
struct Frames {
  std::vector<Image> images;
  std::vector<Frame> made;

  explicit Frames(const Options& options) {
    for (const auto& file : options.images) images.push_back(to_image(read_rgb(file)));
    if (images.empty()) {
      for (int seed = 0; seed < 4; ++seed) {
        made.push_back(made_frame(options.width, options.height, options.pixel_format(), seed));
      }
    }
  }
  ImageView view(int index) const {
    if (images.empty()) return made[index % made.size()].view;
    return images[index % images.size()].view();
  }
};

// Milliseconds of each frame, `streams` of them at a time.
std::vector<double> time_frames(const Options& options, Segmenter& segmenter, const Frames& frames,
                                nlohmann::json& report) {
  Mask mask;
  for (int i = 0; i < kWarmUps; ++i) segmenter.segment(frames.view(i), mask);
  std::vector<double> times;
  for (int i = 0; i < options.iterations; ++i) {
    if (i == kSettled) report["resident_mb_at_frame_100"] = Memory::now().resident;
    const auto start = Clock::now();
    segmenter.segment(frames.view(i), mask);
    times.push_back(milliseconds_since(start));
  }
  return times;
}

// Frames a second of all streams, each a thread with a Segmenter of its own.
double stream_rate(const Options& options, const SupportSet& support, const Frames& frames) {
  std::vector<std::unique_ptr<Segmenter>> segmenters;
  for (int i = 0; i < options.streams; ++i) {
    segmenters.push_back(std::make_unique<Segmenter>(options.model, options.segmenter()));
    segmenters.back()->set_support(support);
  }
  const auto run = [&](int count) {
    std::vector<std::thread> threads;
    for (int i = 0; i < options.streams; ++i) {
      threads.emplace_back([&, i] {
        Mask mask;
        for (int k = 0; k < count; ++k) segmenters[i]->segment(frames.view(i + k), mask);
      });
    }
    for (std::thread& thread : threads) thread.join();
  };
  run(kWarmUps);
  const auto start = Clock::now();
  run(options.iterations);
  return 1e3 * options.streams * options.iterations / milliseconds_since(start);
}

void save_masks(const Options& options, Segmenter& segmenter) {
  std::filesystem::create_directories(options.save_masks);
  for (const auto& file : options.images) {
    Mask mask = segmenter.segment(to_image(read_rgb(file)).view());
    write_png((options.save_masks / file.stem()).replace_extension(".png"),
              cv::Mat(mask.height, mask.width, CV_8UC1, mask.classes.data()));
  }
}

nlohmann::json stage_report(const Options& options) {
  const at::NoGradGuard no_grad;
  const StagedFrame frame(options);
  std::map<std::string, std::vector<double>> times;
  {
    const TensorLifetimeGuard guard(frame.device().is_cpu() ? TensorLifetime::kFrame
                                                            : TensorLifetime::kLasting);
    for (int i = 0; i < kWarmUps; ++i) frame.run_all();
    for (int i = 0; i < options.iterations; ++i) {
      for (const Stage& stage : frame.stages()) {
        times[stage.name].push_back(1e3 * seconds_of(frame.device(), stage.run));
      }
    }
  }
  nlohmann::json report;
  nlohmann::json& stages = report["stages"] = nlohmann::json::array();
  double all = 0, around = 0, encoder = 0, encoder_limit = 0;
  for (const Stage& stage : frame.stages()) {
    const double ms = median(times[stage.name]);
    nlohmann::json entry{{"name", stage.name}, {"ms", ms}};
    all += ms;
    if (stage.convolutions.empty()) {
      if (stage.name != "allocation") around += ms;
    } else {
      const double limit =
          1e3 * convolution_seconds(stage.convolutions, frame.dtype(), frame.device());
      const double work = gflop(stage.convolutions);
      entry["gflop"] = work;
      entry["gflops_per_second"] = 1e3 * work / ms;
      entry["convolution_gflops_per_second"] = 1e3 * work / limit;
      entry["share_of_convolution_rate"] = limit / ms;
      if (stage.name.starts_with("layer")) {
        encoder += ms;
        encoder_limit += limit;
      }
    }
    stages.push_back(entry);
  }
  report["stages_ms"] = all;
  report["encoder_share_of_convolution_rate"] = encoder_limit / encoder;
  report["pre_and_post_share"] = around / all;
  report["mask_share"] = frame.mask_share();
  report["copy_gb_per_second"] = copy_gigabytes_per_second(frame.device());
  return report;
}

}  // namespace

nlohmann::json frame_report(const Options& options) {
  if (options.threads > 0) at::set_num_threads(options.threads);
  nlohmann::json report;
  const Frames frames(options);
  const SupportSet support = support_of(options);
  const Memory before = Memory::now();
  report["resident_mb_before"] = before.resident;
  {
    const auto start = Clock::now();
    Segmenter segmenter(options.model, options.segmenter());
    segmenter.set_support(support);
    segmenter.segment(frames.view(0));
    report["load_to_first_mask_ms"] = milliseconds_since(start);
    const std::vector<double> times = time_frames(options, segmenter, frames, report);
    const Memory after = Memory::now();
    report["resident_mb"] = after.resident;
    report["own_mb_gained"] = after.own - before.own;
    report["ms"] = median(times);
    report["least_ms"] = *std::min_element(times.begin(), times.end());
    report["device"] = segmenter.device();
    report["precision"] = to_string(segmenter.precision());
    report["input_size"] = segmenter.input_size();
    report["classes"] = segmenter.class_names().size();
    if (!options.save_masks.empty()) save_masks(options, segmenter);
  }
  report["frame"] = {{"width", frames.view(0).width}, {"height", frames.view(0).height}};
  report["shots"] = support.classes().front().shots.size();
  report["threads"] = at::get_num_threads();
  report["iterations"] = options.iterations;
  report["streams"] = options.streams;
  if (options.streams > 1) {
    report["frames_per_second"] = stream_rate(options, support, frames);
  }
  if (options.with_stages) report.update(stage_report(options));
  return report;
}

}  // namespace cdfss::bench
