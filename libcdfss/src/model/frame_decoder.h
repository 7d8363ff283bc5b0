// Guided prototype allocation and feature enrichment (SPEC A7-A8) as a frame needs them: the
// function of AsgnetImpl::decode without what nobody reads, with each convolution fused with what
// follows it, and with all work that classes can share done once.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/asgnet.h"
#include "model/likeness.h"
#include "tensor/convolution_chain.h"

namespace cdfss {

// What a class's support set is to a FrameDecoder. Immutable, cheap to copy.
struct ClassGuide {
  DirectionCounts counts;
  // Their unit vectors as a convolution: [1, C, h, w] -> [1, counts.all(), h, w].
  std::shared_ptr<const FusedConvolution> directions;
  // At each scale, what the merging convolution makes of the prototypes and the similarity
  // channels: [1, prototypes + similarity channels, b, b] -> [1, C, b, b].
  std::array<std::shared_ptr<const FusedConvolution>, 4> merge;
};

class FrameDecoder {
 public:
  // Takes the decoder's weights away from `network`, whose decode() cannot be called any more. With
  // `places`, its 3x3 convolutions are in 8 bits (nearly all of the work) and number their places
  // from there on; what follows then wants `ranges`.
  FrameDecoder(Asgnet network, at::ScalarType dtype, int* places = nullptr);

  ClassGuide guide(const Prototypes& prototypes) const;

  // Foreground minus background logit of each class, float [classes, h, w]. query [images, C, h,
  // w]; class i is looked for in image `image_of[i]`.
  at::Tensor logits(const at::Tensor& query, const std::vector<const ClassGuide*>& guides,
                    const std::vector<std::int64_t>& image_of,
                    ActivationRanges* ranges = nullptr) const;

  // The two steps of logits(). `query` [1, C, h, w]; `likenesses`, one a class.
  Likeness compare(const at::Tensor& query, const ClassGuide& guide) const;
  at::Tensor enrich(const at::Tensor& query, const std::vector<const ClassGuide*>& guides,
                    const std::vector<std::int64_t>& image_of,
                    const std::vector<Likeness>& likenesses,
                    ActivationRanges* ranges = nullptr) const;

 private:
  using Convolution = std::unique_ptr<FusedConvolution>;
  struct Scale {
    // The merging convolution's columns: of the query, of prototypes [C, C] and similarities [C,
    // s].
    Convolution merge_query;
    at::Tensor merge_prototypes, merge_similarities;
    Convolution alpha_own, alpha_previous;  // null at the first scale
    std::unique_ptr<ConvolutionChain> beta;
    Convolution collect;  // this scale's columns of res1
  };

  // [images, C, h, w] -> [classes, C, b, b]
  at::Tensor merged(int level, int side, const at::Tensor& query,
                    const std::vector<const ClassGuide*>& guides,
                    const std::vector<std::int64_t>& image_of,
                    const std::vector<Likeness>& likenesses) const;
  at::Tensor refined(int level, at::Tensor m, const at::Tensor& previous,
                     ActivationRanges* ranges) const;

  at::ScalarType dtype_;
  std::array<Scale, 4> scales_;
  std::unique_ptr<ConvolutionChain> res2_, cls_hidden_;
  Convolution cls_out_;
  at::Tensor prior_scale_, prior_bias_;  // float scalars; undefined without the prior
};

}  // namespace cdfss
