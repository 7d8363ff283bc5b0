#include "reduction_init.h"

#include <ATen/ATen.h>

#include <cmath>

#include "autocast.h"
#include "cdfss/error.h"
#include "model/superpixel_clustering.h"
#include "training_encoder.h"

namespace cdfss {
namespace {

constexpr double kLeastDeviation = 1e-3;

// First and second moments of rows, accumulated in double.
class Moments {
 public:
  // rows [n, C]
  void add(const at::Tensor& rows) {
    if (count_ == 0) {
      sum_ = at::zeros({rows.size(1)}, at::kDouble);
      products_ = at::zeros({rows.size(1), rows.size(1)}, at::kDouble);
    }
    count_ += rows.size(0);
    sum_ += rows.sum(0).to(at::kCPU, at::kDouble);
    products_ += rows.t().matmul(rows).to(at::kCPU, at::kDouble);
  }
  at::Tensor mean() const { return sum_ / count_; }
  at::Tensor covariance() const { return products_ / count_ - at::outer(mean(), mean()); }

 private:
  std::int64_t count_ = 0;
  at::Tensor sum_, products_;
};

// Features of the pixels that show the query images: [n, 1536].
at::Tensor visible_features(Asgnet& network, const EpisodeBatch& batch, at::ScalarType precision) {
  const at::Device device = network->parameters().front().device();
  const Autocast autocast(device.type(), precision);
  const at::Tensor features = plain_features(network, batch.query, batch.encoded.query);
  const at::Tensor visible = subsample_mask(batch.query_label).ne(255).to(device);
  return features.to(at::kFloat).permute({0, 2, 3, 1}).index({visible});
}

}  // namespace

void initialise_reduction(Asgnet& network, const std::function<EpisodeBatch()>& next_batch,
                          int images, at::ScalarType precision) {
  const auto parameters = network->named_parameters();
  const at::Tensor* bias = parameters.find("down_conv.0.bias");
  if (bias == nullptr) {
    throw Error(ErrorCode::kInvalidValue,
                "a start of the reduction from data needs its bias, which only a network with the "
                "similarity prior has");
  }
  const at::NoGradGuard no_grad;
  network->eval();
  Moments moments;
  for (int seen = 0; seen < images;) {
    const EpisodeBatch batch = next_batch();
    moments.add(visible_features(network, batch, precision));
    seen += batch.size();
  }
  const at::Tensor deviation =
      moments.covariance().diagonal().clamp_min(0).sqrt() + kLeastDeviation;
  const at::Tensor correlation = moments.covariance() / at::outer(deviation, deviation);
  const auto [values, vectors] = at::linalg_eigh(correlation);  // ascending
  const std::int64_t kept = bias->size(0);
  const at::Tensor components = vectors.slice(1, vectors.size(1) - kept).flip(1);  // [C, kept]
  const double energy = values.slice(0, values.size(0) - kept).sum().item<double>();
  const at::Tensor weight =
      (components / deviation.unsqueeze(1)).t() * std::sqrt(static_cast<double>(kept) / energy);

  parameters["down_conv.0.weight"].copy_(weight.unsqueeze(2).unsqueeze(3));
  bias->copy_(-weight.matmul(moments.mean()));
}

}  // namespace cdfss
