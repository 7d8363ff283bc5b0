// cdfss-element-bench: what the element costs around the network, and how it keeps live video
// going.
#include <gst/gst.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "measurements.h"
#include "stream.h"

namespace cdfss {

std::string ElementBench::properties() const {
  return "model=" + quoted(model) + " support=" + quoted(support) +
         " input-size=" + std::to_string(input_size) + " threads=" + std::to_string(threads);
}

}  // namespace cdfss

int main(int argc, char** argv) {
  cdfss::ElementBench bench;
  CLI::App app{"Measures the element cdfssseg in pipelines; prints JSON"};
  app.require_subcommand(1);
  app.add_option("--model", bench.model, "Model file")->required()->check(CLI::ExistingFile);
  app.add_option("--support", bench.support, "Support set folder")->required();
  app.add_option("--width", bench.width, "Of the video, pixels")->capture_default_str();
  app.add_option("--height", bench.height, "Of the video, pixels")->capture_default_str();
  app.add_option("--input-size", bench.input_size, "Side the network sees; 0 = the model's")
      ->capture_default_str();
  app.add_option("--threads", bench.threads, "CPU threads; 0 = one a core")->capture_default_str();
  auto* sync = app.add_subcommand("sync", "A frame in a pipeline against Segmenter::segment alone");
  sync->add_option("--frames", bench.frames, "Frames of each kind")->capture_default_str();
  auto* live = app.add_subcommand("live", "async=true on live video at 30 frames a second");
  auto* replace = app.add_subcommand("replace", "Longest pause while support sets are replaced");
  replace->add_option("--other-support", bench.other_support, "Second support set")->required();
  for (auto* timed : {live, replace}) {
    timed->add_option("--seconds", bench.seconds, "Of video")->capture_default_str();
  }
  CLI11_PARSE(app, argc, argv);
  gst_init(nullptr, nullptr);
  try {
    const nlohmann::json result = sync->parsed()   ? cdfss::measure_sync(bench)
                                  : live->parsed() ? cdfss::measure_live(bench)
                                                   : cdfss::measure_replacement(bench);
    std::printf("%s\n", result.dump(2).c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cdfss-element-bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
