// Several episodes as the tensors of one training step.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace cdfss {

// One augmented episode on the CPU. Images uint8 [S, S, 3] RGB, labels uint8 [S, S] of 0, 1, 255.
struct TrainingEpisode {
  int class_id = 0;
  std::string description;  // class and image files, for messages
  at::Tensor query_image, query_label;
  std::vector<at::Tensor> support_images, support_labels;          // K shots
  std::vector<at::Tensor> seeds;                                   // K times int64 [n, 2] (SPEC A4)
  std::vector<at::Tensor> transformed_images, transformed_labels;  // X_t (B15); empty if not wanted
};

// What a tensor of a batch holds a row.
enum class Encoded {
  kNot,     // an image, uint8 [S, S, 3]
  kPartly,  // its features after Asgnet's unstyled_stage(), [C, h, w]
  kWholly,  // its backbone features without a memory, [1536, h, h]
};
struct EncodedParts {
  Encoded query = Encoded::kNot, support = Encoded::kNot, transformed = Encoded::kNot;
};

// B episodes of K shots, shot k of episode b in row b * K + k.
struct EpisodeBatch {
  int shots = 1;
  std::vector<int> class_ids;             // B
  std::vector<std::string> descriptions;  // B
  EncodedParts encoded;
  at::Tensor query;          // B rows
  at::Tensor support;        // B K rows
  at::Tensor transformed;    // B K rows, undefined if not wanted
  at::Tensor query_label;    // uint8 [B, S, S]
  at::Tensor support_label;  // uint8 [B K, S, S]
  at::Tensor transformed_label;
  std::vector<at::Tensor> seeds;  // B K times int64 [n, 2]

  int size() const { return static_cast<int>(class_ids.size()); }
};

// Stacks episodes of the same number of shots and side. At least one.
EpisodeBatch stack_episodes(const std::vector<TrainingEpisode>& episodes);

}  // namespace cdfss
