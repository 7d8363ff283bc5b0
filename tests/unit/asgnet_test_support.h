// Networks and prototypes of chance for tests of the network.
#pragma once

#include <ATen/ATen.h>

#include "model/asgnet.h"

namespace cdfss {

inline Asgnet random_network(AsgnetOptions options) {
  Asgnet network(options);
  network->eval();
  at::NoGradGuard no_grad;
  // BatchNorm statistics of a fresh module are 0 and 1, which would hide mistakes in using them.
  for (auto& buffer : network->named_buffers()) {
    if (buffer.key().ends_with("running_mean")) buffer.value().uniform_(-0.2, 0.2);
    if (buffer.key().ends_with("running_var")) buffer.value().uniform_(0.5, 1.5);
  }
  return network;
}

inline Prototypes random_prototypes(bool prior) {
  Prototypes prototypes{at::randn({256, 2}), {}, {}};
  if (prior) {
    prototypes.object_directions = at::randn({256, 2});
    prototypes.background_directions = at::randn({256, 3});
  }
  return prototypes;
}

}  // namespace cdfss
