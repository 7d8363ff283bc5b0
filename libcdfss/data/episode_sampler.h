// Draws few-shot episodes from a dataset.
#pragma once

#include <memory>
#include <random>
#include <vector>

#include "data/dataset.h"
#include "data/sample.h"

namespace cdfss {

struct EpisodeSamplerOptions {
  int shots = 1;  // K, 1 or more
  // false: SPEC A12, a query image (each image once an epoch, shuffled), then one of its classes.
  // true: a class first, each equally often, then a query of it; for long-tailed sources.
  bool balance_classes = false;
};

// Deterministic: the same dataset, options and seed give the same episodes. The generator is a
// member; nothing global is touched.
class EpisodeSampler {
 public:
  // Throws Error(kInvalidValue) when no class has more than `shots` images.
  EpisodeSampler(std::shared_ptr<const Dataset> dataset, EpisodeSamplerOptions options,
                 std::uint64_t seed);

  // Which images make the next episode; `query` and `supports` stay empty.
  Episode draw();
  // draw() with the images and labels read.
  Episode next();
  // Reads images and labels of a drawn episode. Thread-safe.
  void load(Episode& episode) const;
  // Images that can be a query: the episodes of an epoch.
  int queries() const { return static_cast<int>(queries_.size()); }

 private:
  std::shared_ptr<const Dataset> dataset_;
  EpisodeSamplerOptions options_;
  std::mt19937_64 generator_;
  std::vector<std::vector<int>> images_of_class_;  // by class id
  std::vector<int> classes_;                       // ids with more than `shots` images
  std::vector<int> queries_;                       // in this epoch's order
  std::size_t position_ = 0;                       // next in queries_
};

}  // namespace cdfss
