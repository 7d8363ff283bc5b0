// The state of a training run in one file: what a later process needs to go on exactly there.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "io/model_settings.h"

namespace cdfss {

struct RunState {
  int step = 0;              // done
  int steps = 0;             // of the whole run: what the learning rates are scheduled over
  std::int64_t batches = 0;  // taken, those that initialised the reduction included
  int validated_step = 0;    // the last one that was validated; 0: none
  double best_miou = -1;     // below 0: none
  double seconds = 0;        // spent training so far

  std::string configuration;  // as effective_configuration() gives it
  std::string environment;    // JSON, as run_environment() gives it
  std::string data;           // fingerprint of the datasets
  ModelSettings model;        // its threshold is that of the last validation

  // By name, any device, any layout; on the CPU once read.
  std::map<std::string, at::Tensor> network;     // as module_tensors(): float32, int64
  std::map<std::string, at::Tensor> optimiser;   // as Optimiser::state()
  std::map<std::string, at::Tensor> generators;  // as generator_states()
};

// One safetensors file, replaced atomically: whoever is killed meanwhile leaves the old one. Throws
// Error(kUnreadable) when writing fails, and Error(kInvalidValue) naming a tensor with values that
// are not finite; the old file then stays, too.
void write_run_state(const std::filesystem::path& file, const RunState& state);

// Reading executes nothing. Throws Error(kNotFound | kUnreadable), and Error(kBadModel) naming the
// file and what is missing, malformed or out of its range. Whether the tensors fit the network and
// its optimiser is for assign_tensors() and Optimiser::set_state() to say.
RunState read_run_state(const std::filesystem::path& file);

}  // namespace cdfss
