#include "eval_figure_data.h"

#include "protocol_model.h"
#include "protocol_plan.h"

namespace cdfss {

FigureData open_figure_data(const EvalOptions& options) {
  if (options.protocol.empty()) {
    return {.name = options.dataset, .dataset = open_dataset(options.dataset, FoldPart::kTest)};
  }
  ProtocolData data(options.data_root);
  const FoldData fold =
      open_fold(options, transfer_named(options.protocol), options.fold.value(), data);
  return {.name = options.protocol + ", fold " + std::to_string(*options.fold) + ": " + fold.spec,
          .dataset = fold.dataset};
}

std::filesystem::path figure_model(const EvalOptions& options, const std::filesystem::path& model) {
  if (options.protocol.empty()) return model;
  return model_of_fold(model.string(), transfer_named(options.protocol), options.fold.value());
}

}  // namespace cdfss
