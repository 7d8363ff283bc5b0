// The meta-memory: styles (channel means and standard deviations) of source instances, and features
// restyled with them (paper 4.1, SPEC B1-B9).
#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <vector>

namespace cdfss {

// Channel statistics of each instance, Eq. 1. v is a standard deviation: sqrt(var + 1e-6), biased.
struct Style {
  at::Tensor mean;  // [B, C]
  at::Tensor std;   // [B, C]
};
Style style_of(const at::Tensor& features);  // [B, C, H, W]

enum class MemoryUpdate {
  kNearest,  // each instance moves the slot most similar to it (SPEC B4, default)
  kPaper,    // Eq. 3-4 literally: every slot moves to a weighted batch mean; collapses (B4)
};
enum class MemoryInit { kFirstInstances, kRandom };  // SPEC B5
enum class Pick { kLowest, kHighest };  // Eq. 6 in source training, Eq. 7 on the target (B9)

struct MetaMemoryOptions {
  int channels = 0;
  int slots = 10;             // N
  double retention = 0.1;     // alpha of Eq. 6-7: share of the own style that stays
  double momentum = 0.9;      // lambda of Eq. 4
  MemoryUpdate update = MemoryUpdate::kNearest;
  MemoryInit init = MemoryInit::kFirstInstances;
  // kNearest: a slot that no instance chose for this many commits is set to the instance that
  // fits the memory worst.
  int dead_after = 100;
};

// Parameters `mean` and `std`, [N, C], non-negative; buffers `filled` (slots in use, int64 scalar)
// and `idle` (commits since each slot was last chosen, int64 [N]). Similarity is the cosine over
// channels, clamped at 0 (B3).
class MetaMemoryImpl : public torch::nn::Module {
 public:
  explicit MetaMemoryImpl(const MetaMemoryOptions& options);

  // Restyles each instance with the stored pair picked by similarity, mean and std independently
  // (B8); statistics and memory carry no gradient here. Returns `features` unchanged while the
  // memory is empty. [B, C, H, W] -> same.
  at::Tensor enhance(const at::Tensor& features, Pick pick) const;
  // Slot indices that enhance() uses: {mean's, std's}, each int64 [B].
  std::pair<at::Tensor, at::Tensor> pick_slots(const Style& style, Pick pick) const;

  // Writes a batch of source styles into the memory: first-instance filling, then the update rule;
  // in place, without gradient, clamped at 0. To be called after the optimiser's step (B6).
  void commit(const Style& style);

  // Mean over both banks of Eq. 5's squared cosines between slots: 1/(2 N^2) sum_ij (cos^2(m_i,m_j)
  // + cos^2(e_i,e_j)), diagonal included unless `diagonal` is false. Scalar with gradient.
  at::Tensor orthogonal_loss(bool diagonal = true) const;
  // Mean cosine between different slots of the mean bank: 1 = collapsed. For logs.
  double slot_cosine() const;

  bool empty() const;
  const MetaMemoryOptions& options() const { return options_; }

 private:
  MetaMemoryOptions options_;
  at::Tensor mean_, std_, filled_, idle_;
};
TORCH_MODULE(MetaMemory);

}  // namespace cdfss
