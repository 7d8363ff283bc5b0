// Dropout of whole channels (SPEC A2, A8) that gives the same masks however a batch is shared out.
#pragma once

#include <ATen/core/Generator.h>
#include <torch/nn/module.h>

namespace cdfss {

// The part of a batch that one of several training processes holds: rows [index * B, (index + 1) *
// B) of count * B.
struct BatchShard {
  int index = 0;
  int count = 1;
};

// An equal part of the rows that this process holds, which a thread computes apart from the others:
// where the thread has a Scope of it, dropout is that of these rows, as drawn from `generator`.
// Parts whose generators agree drop together what the whole would.
class DropoutOfPart {
 public:
  DropoutOfPart(BatchShard part, at::Generator generator)
      : part_(part), generator_(std::move(generator)) {}

  class Scope {
   public:
    explicit Scope(DropoutOfPart& part);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
  };

 private:
  friend class ChannelDropoutImpl;
  BatchShard part_;
  at::Generator generator_;
};

// In training, zeroes each channel of each row with probability `share` and scales the others by
// 1 / (1 - share); otherwise the identity. The masks of the whole batch are drawn from the default
// generator and those of the shard used: processes whose generators agree drop what one process
// with the whole batch would.
class ChannelDropoutImpl : public torch::nn::Module {
 public:
  explicit ChannelDropoutImpl(double share) : share_(share) {}

  at::Tensor forward(const at::Tensor& x);  // [B, C, H, W] -> same
  // What it multiplies an x of these options with: [rows, channels, 1, 1], or undefined if nothing
  // is dropped.
  at::Tensor masks(std::int64_t rows, std::int64_t channels, const at::TensorOptions& options);
  void set_share(double share) { share_ = share; }  // 0 to below 1
  void set_shard(BatchShard shard) { shard_ = shard; }

 private:
  double share_;
  BatchShard shard_;
};
TORCH_MODULE(ChannelDropout);

}  // namespace cdfss
