// The meta-memory: styles (channel means and standard deviations) of source instances, and features
// restyled with them (paper 4.1-4.2, SPEC B1-B9).
#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <utility>

#include "model/style.h"

namespace cdfss {

enum class MemoryUpdate {
  kNearest,  // each instance moves the slot most similar to it (SPEC B4, default)
  kPaper,    // Eq. 3-4 literally: every slot moves to a weighted batch mean; collapses (B4)
};
enum class MemoryInit {
  kFirstInstances,  // the first N styles committed (SPEC B5, default)
  kRandom,          // uniform in [0, 1): all slots in use from the start
};
enum class MemoryLookup {
  kStored,  // a stored mean and std (default)
  // The control of paper 5.4: a mean and a std drawn from normal distributions with the bank's own
  // mean and standard deviation of each channel, whatever was asked for.
  kNoise,
};
enum class Pick { kLowest, kHighest };  // Eq. 6 in source training, Eq. 7 on the target (B9)

struct MetaMemoryOptions {
  int channels = 0;        // C, at least 1
  int slots = 10;          // N, at least 1
  double retention = 0.1;  // alpha of Eq. 7, 0..1: share of the own style that stays
  double momentum = 0.9;   // lambda of Eq. 4, 0..1
  MemoryUpdate update = MemoryUpdate::kNearest;
  MemoryInit init = MemoryInit::kFirstInstances;
  // kNearest: a mean or std that no instance chose for this many commits, at least 1, is set to
  // the instance that fits its bank worst; one a commit and bank.
  int dead_after = 100;
  MemoryLookup lookup = MemoryLookup::kStored;
  // Of training only (SPEC B8): alpha of each instance drawn from Beta(0.1, 0.1) instead of
  // `retention`, as MixStyle does; and how likely an instance is restyled at all, 0..1.
  bool beta_retention = false;
  double probability = 1;
};

// Parameters `mean` and `std`, [N, C], non-negative; buffers `filled` (slots in use, the first
// ones; int64 scalar) and `idle` (commits since each mean [0] and each std [1] was last chosen,
// int64 [2, N]). Similarity is the cosine over channels, clamped at 0 (B3). The two banks are
// looked up and updated independently (B8): only first-instance filling stores a mean and std of
// one image in the same slot.
class MetaMemoryImpl : public torch::nn::Module {
 public:
  // Throws Error(kInvalidValue) naming an option out of its range.
  explicit MetaMemoryImpl(const MetaMemoryOptions& options);

  // Restyles each instance with the stored mean and std picked by similarity, Eq. 2, 6, 7. Gradient
  // flows through `features` as if its statistics were constants (B8), and none into the memory.
  // Equals `features` while the memory is empty. [B, C, H, W] -> same. Runs without a host
  // synchronisation; draws from the default generator where the options ask for chance. Throws
  // Error(kInvalidValue) on features of another channel count.
  at::Tensor enhance(const at::Tensor& features, Pick pick) const;
  // The same with the features' style at hand.
  at::Tensor enhance(const at::Tensor& features, const Style& own, Pick pick) const;
  // Slot indices that enhance() uses: {mean's, std's}, each int64 [B]. Only filled slots take part,
  // ties go to the first; 0 while the memory is empty.
  std::pair<at::Tensor, at::Tensor> pick_slots(const Style& style, Pick pick) const;

  // Writes a batch of source styles into the memory, in place, without gradient, clamped at 0: free
  // slots take the first instances, the rest of the batch goes through the update rule. To be
  // called after the optimiser's step (B6). Throws Error(kInvalidValue) on a style of another shape
  // or with a value that is not finite; the memory is then as before.
  void commit(const Style& style);

  // Eq. 5, the mean over both banks of the similarity between filled slots,
  //   1/(2 N^2) sum_ij (cos(m_i, m_j) + cos(e_i, e_j)).
  // `diagonal` includes i = j, a constant 1/N as long as no slot is zero (B7). Scalar with
  // gradient; 0 while the memory is empty.
  at::Tensor orthogonal_loss(bool diagonal = true) const;
  // Mean cosine between different filled slots of the mean bank, for logs: 1 = collapsed; 0 with
  // fewer than two.
  double slot_cosine() const;

  bool empty() const { return filled_slots() == 0; }
  const MetaMemoryOptions& options() const { return options_; }

 private:
  int64_t filled_slots() const;
  at::Tensor share_of_memory(const Style& own) const;
  Style look_up(const Style& own, Pick pick) const;
  void check_style(const Style& style) const;
  // Move the slots of one bank [N, C] towards `styles` [B, C]; `idle` is the bank's row, [N].
  void update_nearest(at::Tensor bank, at::Tensor idle, const at::Tensor& styles) const;
  void update_paper(at::Tensor bank, const at::Tensor& styles) const;

  MetaMemoryOptions options_;
  at::Tensor mean_, std_, filled_, idle_;
};
TORCH_MODULE(MetaMemory);

}  // namespace cdfss
