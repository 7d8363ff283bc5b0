// A cross-domain task with everything that measuring needs, checked before the first episode.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cdfss/model_info.h"
#include "eval_options.h"
#include "protocol_data.h"

namespace cdfss {

// What one fold's models are tested on.
struct FoldData {
  std::string spec;                        // as open_dataset takes it
  std::shared_ptr<const Dataset> dataset;  // only the classes that are tested on
  std::vector<ClassDecision> decisions;    // about all classes
};
// Throws Error naming the folder that is missing.
FoldData open_fold(const EvalOptions& options, const Transfer& transfer, int fold,
                   ProtocolData& data);

struct FoldPlan {
  int fold = 0;
  std::filesystem::path model;
  ModelInfo info;               // of the model's header
  std::string training_source;  // from its metadata
  FoldData data;
};

struct TransferPlan {
  Transfer transfer;
  EvalOptions options;  // with this task's shots
  bool model_for_each_fold = false;
  std::vector<FoldPlan> folds;

  int episodes() const;  // over all folds and runs
};

// The folds that `options` ask for, with `shots`. `model` is a file or a pattern (model_of_fold).
// Throws Error naming the offender: a folder or a model that is missing, a model without
// `training_source` or, named for a fold, trained on another, a fold whose classes have too few
// images.
TransferPlan plan_transfer(const EvalOptions& options, const Transfer& transfer,
                           const std::string& model, int shots, ProtocolData& data);

}  // namespace cdfss
