#include "inference_copy.h"

#include <ATen/ATen.h>

#include "io/module_tensors.h"

namespace cdfss {

Asgnet inference_copy(Asgnet& network, at::ScalarType dtype) {
  const at::NoGradGuard no_grad;
  Asgnet copy(network->options());
  copy->to(network->parameters().front().device());
  const auto sources = module_tensors(*network);
  for (auto& [name, tensor] : module_tensors(*copy)) at::Tensor(tensor).copy_(sources.at(name));
  copy->prepare_inference(dtype);
  return copy;
}

}  // namespace cdfss
