// Twenty-five shots have 750 unit vectors: on the CPU, the scores are read once, a pixel at a time.
#include "model/likeness.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "tensor/cpu_versions.h"
#include "tensor/parallel.h"

namespace cdfss {
namespace {

constexpr double kNormFloor = 1e-7;
constexpr std::int64_t kPixelsPerTask = 64;

// A pixel's norm is divided by after choosing among directions, for which it makes no difference.
Likeness of_any_tensors(const at::Tensor& features, const at::Tensor& scores,
                        const DirectionCounts& counts) {
  const at::Tensor norm =
      at::linalg_vector_norm(features, 2, 1, true, at::kFloat).clamp_min(kNormFloor);
  const at::Tensor of_prototypes = scores.narrow(1, 0, counts.prototypes);
  Likeness result;
  result.choice = at::zeros_like(of_prototypes).scatter_(1, of_prototypes.argmax(1, true), 1.0);
  std::vector<at::Tensor> cosines{of_prototypes.sum(1, true, at::kFloat) / norm};
  if (counts.object > 0) {
    for (const auto& [first, count] : {std::pair{counts.prototypes, counts.object},
                                       {counts.prototypes + counts.object, counts.background}}) {
      cosines.push_back(scores.narrow(1, first, count).amax(1, true) / norm);
    }
    result.margin = cosines[1] - cosines[2];
  }
  result.similarity = at::cat(cosines, 1).to(scores.scalar_type());
  return result;
}

struct Greatest {
  static constexpr float kOfNone = -std::numeric_limits<float>::infinity();
  CDFSS_INLINE void operator()(auto& result, const auto& next) const {
    result = next > result ? next : result;
  }
};
struct Sum {
  static constexpr float kOfNone = 0;
  CDFSS_INLINE void operator()(auto& result, const auto& next) const { result += next; }
};

// `count` values, each multiplied by itself if `squared`, folded into one, sixteen at a time.
template <typename Fold, bool squared = false, typename T>
CDFSS_INLINE float folded(const T* values, std::int64_t count) {
  constexpr Fold kFold;
  Lanes lanes = Lanes{} + Fold::kOfNone;
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    Lanes next;
    load(values + i, next);
    if (squared) next *= next;
    kFold(lanes, next);
  }
  float result = Fold::kOfNone;
  for (; i < count; ++i) {
    const auto next = static_cast<float>(values[i]);
    kFold(result, squared ? next * next : next);
  }
  for (int lane = 0; lane < kLanes; ++lane) kFold(result, static_cast<float>(lanes[lane]));
  return result;
}

// Pixels `begin` to `end` of tensors that have a pixel's channels side by side.
struct ComparePixels {
  template <typename T>
  CDFSS_INLINE void operator()(const T* features, std::int64_t channels, const T* scores,
                               const DirectionCounts* counts, std::int64_t begin, std::int64_t end,
                               T* choice, T* similarity, float* margin) const {
    const auto [prototypes, object, background] = *counts;
    for (std::int64_t pixel = begin; pixel < end; ++pixel) {
      const float squares = folded<Sum, true>(features + pixel * channels, channels);
      const float norm = std::max(std::sqrt(squares), static_cast<float>(kNormFloor));
      const T* const own = scores + pixel * counts->all();
      T* const chosen = choice + pixel * prototypes;
      std::fill_n(chosen, prototypes, static_cast<T>(0.0F));
      const auto best = static_cast<T>(folded<Greatest>(own, prototypes));
      // The last one if no score is a number.
      chosen[std::min(std::find(own, own + prototypes, best) - own, prototypes - 1)] =
          static_cast<T>(1.0F);
      T* const cosines = similarity + pixel * (object > 0 ? 3 : 1);
      cosines[0] = static_cast<T>(folded<Sum>(own, prototypes) / norm);
      if (object == 0) continue;
      const float of_object = folded<Greatest>(own + prototypes, object) / norm;
      const float of_background = folded<Greatest>(own + prototypes + object, background) / norm;
      cosines[1] = static_cast<T>(of_object);
      cosines[2] = static_cast<T>(of_background);
      margin[pixel] = of_object - of_background;
    }
  }
};

template <typename T>
Likeness of_pixels(const at::Tensor& features, const at::Tensor& scores,
                   const DirectionCounts& counts) {
  const bool has_prior = counts.object > 0;
  const auto image = [&](std::int64_t channels, at::ScalarType type) {
    return at::empty({1, channels, scores.size(2), scores.size(3)},
                     scores.options().dtype(type).memory_format(at::MemoryFormat::ChannelsLast));
  };
  Likeness result{image(counts.prototypes, scores.scalar_type()),
                  image(has_prior ? 3 : 1, scores.scalar_type()),
                  has_prior ? image(1, at::kFloat) : at::Tensor()};
  const T* const feature_data = features.const_data_ptr<T>();
  const T* const score_data = scores.const_data_ptr<T>();
  T* const choice = result.choice.template mutable_data_ptr<T>();
  T* const similarity = result.similarity.template mutable_data_ptr<T>();
  float* const margin = has_prior ? result.margin.mutable_data_ptr<float>() : nullptr;
  at::parallel_for(0, scores.size(2) * scores.size(3), kPixelsPerTask,
                   [&](std::int64_t begin, std::int64_t end) {
                     on_this_cpu<ComparePixels{}>(feature_data, features.size(1), score_data,
                                                  &counts, begin, end, choice, similarity, margin);
                   });
  return result;
}

}  // namespace

Likeness likeness(const at::Tensor& features, const at::Tensor& scores,
                  const DirectionCounts& counts) {
  const auto by_pixels = [](const at::Tensor& x) {
    return x.is_cpu() && x.is_contiguous(at::MemoryFormat::ChannelsLast);
  };
  if (by_pixels(features) && by_pixels(scores)) {
    if (scores.scalar_type() == at::kFloat) return of_pixels<float>(features, scores, counts);
    if (scores.scalar_type() == at::kBFloat16) {
      return of_pixels<c10::BFloat16>(features, scores, counts);
    }
  }
  return of_any_tensors(features, scores, counts);
}

}  // namespace cdfss
