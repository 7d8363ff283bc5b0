// cdfss-train: meta-trains the few-shot network on a source domain.
#include <ATen/Parallel.h>

#include <opencv2/core/utility.hpp>

#include "program.h"
#include "train_loop.h"
#include "train_options.h"

int main(int argc, char** argv) {
  CLI::App app("Meta-trains the few-shot segmentation network on labelled source datasets.",
               "cdfss-train");
  cdfss::TrainOptions options;
  cdfss::TrainOptionTexts texts;
  cdfss::add_train_options(app, options, texts);
  std::string command_line;
  for (int i = 0; i < argc; ++i) command_line += (i > 0 ? " " : "") + std::string(argv[i]);

  return cdfss::run_program(app, argc, argv, [&] {
    cdfss::finish_options(options, texts);
    if (options.threads > 0) at::set_num_threads(options.threads);
    cv::setNumThreads(1);  // the loader has threads of its own
    cdfss::catch_interrupt();
    cdfss::train(options, command_line);
    return cdfss::kExitDone;
  });
}
