#include "loss/contrastive.h"

#include <ATen/ATen.h>

#include <limits>
#include <map>
#include <string>

#include "cdfss/error.h"
#include "tensor/pairwise_cosine.h"

namespace cdfss {

at::Tensor average_by_class(const at::Tensor& prototypes, const std::vector<int>& class_ids) {
  if (prototypes.dim() != 2 || class_ids.empty() ||
      prototypes.size(0) != static_cast<int64_t>(class_ids.size())) {
    throw Error(ErrorCode::kInvalidValue,
                "average_by_class: " + std::to_string(class_ids.size()) +
                    " class ids, expected one for each row of prototypes [B, C], B >= 1");
  }
  std::map<int, size_t> category_of;
  std::vector<std::vector<int64_t>> rows;  // per category, in order of first appearance
  for (size_t i = 0; i < class_ids.size(); ++i) {
    const auto [entry, is_new] = category_of.try_emplace(class_ids[i], rows.size());
    if (is_new) rows.emplace_back();
    rows[entry->second].push_back(static_cast<int64_t>(i));
  }
  std::vector<at::Tensor> averages;
  for (const auto& category : rows) {
    const auto index = at::tensor(category, at::kLong).to(prototypes.device());
    averages.push_back(prototypes.index_select(0, index).mean(0));
  }
  return at::stack(averages);
}

at::Tensor contrastive_loss(const at::Tensor& anchors, const at::Tensor& positives,
                            double temperature) {
  if (anchors.dim() != 2 || anchors.sizes() != positives.sizes()) {
    throw Error(ErrorCode::kInvalidValue,
                "contrastive_loss: anchors and positives must both be [B, C], of one shape");
  }
  if (!(temperature > 0)) {
    throw Error(ErrorCode::kInvalidValue,
                "contrastive_loss: temperature " + std::to_string(temperature) + " is not above 0");
  }
  const int64_t categories = anchors.size(0);
  if (categories < 2) return at::zeros({}, anchors.options().requires_grad(false));

  const auto to_positives = pairwise_cosine(anchors, positives) / temperature;  // [B, B]
  const auto self = at::eye(categories, anchors.options().dtype(at::kBool).requires_grad(false));
  const auto to_anchors = (pairwise_cosine(anchors, anchors) / temperature)
                              .masked_fill(self, -std::numeric_limits<double>::infinity());
  // -log(pos / (pos + neg)); pos is the diagonal of the first block.
  const auto each = at::cat({to_positives, to_anchors}, 1).logsumexp(1) - to_positives.diag();
  return each.sum() / static_cast<double>(2 * categories);
}

}  // namespace cdfss
