#include "model/prototype_allocation.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <string>

#include "cdfss/error.h"

namespace cdfss {
namespace {

constexpr double kNormFloor = 1e-7;

void check_shapes(const at::Tensor& query, const at::Tensor& prototypes) {
  if (query.dim() != 4 || prototypes.dim() != 2 || query.size(1) != prototypes.size(0) ||
      prototypes.size(1) == 0) {
    throw Error(ErrorCode::kInvalidValue, "prototype allocation: query " + c10::str(query.sizes()) +
                                              " and prototypes " + c10::str(prototypes.sizes()) +
                                              ", expected [B, C, h, w] and [C, n > 0]");
  }
}

at::Tensor norms(const at::Tensor& x, int dimension) {
  return at::clamp_min(at::linalg_vector_norm(x, 2, dimension, /*keepdim=*/true), kNormFloor);
}

// query [B, C, h, w], prototypes [B, C, n], either of one image -> a row a pixel, [B, h w, n].
at::Tensor cosines(const at::Tensor& query, const at::Tensor& prototypes) {
  const at::Tensor pixels = query.permute({0, 2, 3, 1}).flatten(1, 2);
  return pixels.matmul(prototypes / norms(prototypes, 1)) / norms(pixels, 2);
}

// [B, h w, n] -> [B, n, h, w]
at::Tensor as_images(const at::Tensor& rows, const at::Tensor& like) {
  return rows.view({rows.size(0), like.size(2), like.size(3), -1}).permute({0, 3, 1, 2});
}

}  // namespace

at::Tensor prototype_cosines(const at::Tensor& query, const at::Tensor& prototypes) {
  check_shapes(query, prototypes);
  return as_images(cosines(query, prototypes.unsqueeze(0)), query);
}

Allocation allocate_prototypes(const at::Tensor& query, const std::vector<at::Tensor>& prototypes) {
  std::vector<std::int64_t> counts;
  for (const at::Tensor& of_image : prototypes) {
    check_shapes(query, of_image);
    counts.push_back(of_image.size(1));
  }
  if (query.size(0) != 1 && query.size(0) != static_cast<std::int64_t>(prototypes.size())) {
    throw Error(ErrorCode::kInvalidValue, "prototype allocation: " + std::to_string(query.size(0)) +
                                              " query images and " +
                                              std::to_string(prototypes.size()) +
                                              " sets of prototypes, expected as many or one image");
  }
  const std::int64_t most = *std::ranges::max_element(counts);
  std::vector<at::Tensor> filled;
  for (const at::Tensor& of_image : prototypes) {
    filled.push_back(at::constant_pad_nd(of_image, {0, most - of_image.size(1)}));
  }
  const at::Tensor sets = at::stack(filled);  // [B, C, n]
  const at::Tensor likeness = cosines(query, sets);
  const at::Tensor missing =
      at::arange(most, at::kLong).ge(at::tensor(counts, at::kLong).unsqueeze(1));  // [B, n]
  const at::Tensor best = likeness.detach()
                              .masked_fill(missing.unsqueeze(1).to(query.device()),
                                           -std::numeric_limits<double>::infinity())
                              .argmax(2, /*keepdim=*/true);  // the first maximum
  const at::Tensor choice =
      at::zeros(likeness.sizes(), query.options().requires_grad(false)).scatter_(2, best, 1);
  return {query, sets, as_images(choice, query), as_images(likeness.sum(2, true), query)};
}

}  // namespace cdfss
