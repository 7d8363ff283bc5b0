// cdfss-bench: what a frame costs, stage by stage, and how far from the machine's limits that is.
#include <benchmark/benchmark.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "benchmarks.h"
#include "frame_report.h"
#include "program.h"

namespace cdfss::bench {
namespace {

int run_benchmarks(const Options& options, const std::vector<std::string>& arguments) {
  register_benchmarks(options);
  std::vector<std::string> words{"cdfss-bench"};
  for (const std::string& argument : arguments) words.push_back("--benchmark_" + argument);
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  if (count != 1) throw CLI::ValidationError("--benchmark", "unknown setting " + words[1]);
  benchmark::RunSpecifiedBenchmarks();
  return kExitDone;
}

}  // namespace
}  // namespace cdfss::bench

int main(int argc, char** argv) {
  using cdfss::bench::Options;
  CLI::App app(
      "Times the frame path of cdfss: Google Benchmarks of every stage and of whole frames, "
      "or with --frame one frame's report as JSON.",
      "cdfss-bench");
  Options options;
  bool frame = false;
  std::vector<std::string> benchmark;
  app.add_flag("--frame", frame, "Print one JSON object about the frame that the options describe");
  app.add_option("--model", options.model, "Model file")->required();
  app.add_option("--device", options.device, "auto, cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--precision", options.precision, "auto, fp32, bf16, fp16 or int8")
      ->capture_default_str();
  app.add_option("--input-size", options.input_size, "Network side in pixels; 0: the model's")
      ->capture_default_str();
  app.add_option("--threads", options.threads, "CPU threads; 0: one a core")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--shots", options.shots, "Labelled images of each class")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--classes", options.classes, "Classes")
      ->check(CLI::Range(1, 254))
      ->capture_default_str();
  app.add_option("--streams", options.streams, "Segmenters that run at the same time")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--width", options.width, "Frame width in pixels")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--height", options.height, "Frame height in pixels")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--format", options.format, "Pixel format: rgb, bgr, rgbx ... nv12, i420")
      ->capture_default_str();
  app.add_option("--iterations", options.iterations, "Frames that --frame times")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("!--no-stages", options.with_stages, "Time whole frames only");
  app.add_option("--support", options.support, "Support set folder instead of a made one");
  app.add_option("--images", options.images, "Frames instead of made ones")
      ->check(CLI::ExistingFile);
  app.add_option("--save-masks", options.save_masks, "Folder for the masks of --images, as PNG");
  app.add_option("--benchmark", benchmark,
                 "Settings of Google Benchmark without their prefix, as filter=bf16/473");
  return cdfss::run_program(app, argc, argv, [&] {
    if (!frame) return cdfss::bench::run_benchmarks(options, benchmark);
    std::cout << cdfss::bench::frame_report(options).dump(2) << std::endl;
    return cdfss::kExitDone;
  });
}
