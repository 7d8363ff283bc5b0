#include "io/module_tensors.h"

#include <ATen/ATen.h>

#include <string_view>

#include "cdfss/error.h"

namespace cdfss {
namespace {

// What is wrong with `source` as a value for `destination`; empty when it fits.
std::string mismatch(const at::Tensor& destination, const at::Tensor& source) {
  if (source.sizes() != destination.sizes()) {
    return c10::str("shape is ", source.sizes(), ", expected ", destination.sizes());
  }
  if (!destination.is_floating_point()) {
    return source.scalar_type() == destination.scalar_type()
               ? ""
               : c10::str("dtype is ", source.scalar_type(), ", expected ",
                          destination.scalar_type());
  }
  if (!source.is_floating_point()) {
    return c10::str("dtype is ", source.scalar_type(), ", expected a floating one");
  }
  return at::isfinite(source).all().item<bool>() ? "" : "has values that are not finite";
}

}  // namespace

std::map<std::string, at::Tensor> module_tensors(const torch::nn::Module& module) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& parameter : module.named_parameters()) {
    tensors.emplace(parameter.key(), parameter.value());
  }
  for (const auto& buffer : module.named_buffers()) {
    if (!std::string_view(buffer.key()).ends_with("num_batches_tracked")) {
      tensors.emplace(buffer.key(), buffer.value());
    }
  }
  return tensors;
}

void assign_tensors(const std::map<std::string, at::Tensor>& destinations,
                    const std::map<std::string, at::Tensor>& sources,
                    const std::filesystem::path& file, const std::string& owner) {
  const auto refuse = [&](const std::string& name, const std::string& what) {
    throw Error(ErrorCode::kBadModel, file.string() + ": tensor \"" + name + "\" " + what);
  };
  for (const auto& [name, destination] : destinations) {
    const auto source = sources.find(name);
    if (source == sources.end()) refuse(name, "of " + owner + " is missing");
    const std::string wrong = mismatch(destination, source->second);
    if (!wrong.empty()) refuse(name, wrong + " for " + owner);
  }
  for (const auto& [name, source] : sources) {
    if (!destinations.contains(name)) refuse(name, "is none of " + owner);
  }
  const at::NoGradGuard no_grad;
  for (const auto& [name, destination] : destinations) destination.copy_(sources.at(name));
}

}  // namespace cdfss
