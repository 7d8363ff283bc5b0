// cdfss-train: meta-trains the few-shot network on a source domain.
#include <ATen/Parallel.h>

#include <opencv2/core/utility.hpp>

#include "presets.h"
#include "program.h"
#include "run_configuration.h"
#include "sweep.h"
#include "train_loop.h"
#include "train_options.h"
#include "unused_memory.h"

namespace {

// The command line without what a sweep says itself: --sweep and --output.
std::vector<std::string> shared_arguments(int argc, char** argv) {
  std::vector<std::string> shared;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--sweep" || word == "--output") {
      ++i;  // and its value
    } else if (!word.starts_with("--sweep=") && !word.starts_with("--output=")) {
      shared.push_back(word);
    }
  }
  return shared;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Meta-trains the few-shot segmentation network on labelled source datasets.",
               "cdfss-train");
  cdfss::TrainOptions options;
  cdfss::TrainOptionTexts texts;
  cdfss::add_train_options(app, options, texts);
  std::string command_line;
  for (int i = 0; i < argc; ++i) command_line += (i > 0 ? " " : "") + std::string(argv[i]);

  return cdfss::run_program(
      app, argc, argv,
      [&] {
        if (!texts.preset.empty()) cdfss::apply_preset(app, texts.preset);
        cdfss::finish_options(options, texts);
        if (!options.sweep.empty()) {
          cdfss::catch_interrupt();
          const bool complete = cdfss::run_sweep(cdfss::read_sweep(options.sweep),
                                                 shared_arguments(argc, argv), options.output);
          return complete ? cdfss::kExitDone : cdfss::interrupt_exit_code();
        }
        cdfss::keep_unused_memory();
        if (options.threads > 0) at::set_num_threads(options.threads);
        cv::setNumThreads(1);  // the loader has threads of its own
        cdfss::catch_interrupt();
        cdfss::train(options, command_line, cdfss::effective_configuration(app));
        return cdfss::interrupt_exit_code();
      },
      cdfss::resumed_configuration(argc, argv));
}
