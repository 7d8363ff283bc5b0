// The loss of one training step and its terms.
#pragma once

namespace cdfss {

struct StepLosses {
  double segmentation = 0;
  double auxiliary = 0;
  double contrastive = 0;
  double orthogonal = 0;
  double total = 0;      // weighted sum
  double scale = 1;      // that the loss was multiplied with for its gradient (LossScaler)
  bool skipped = false;  // the gradients overflowed at that scale, no parameter was changed
};

}  // namespace cdfss
