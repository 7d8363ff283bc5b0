#include "generator_state.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include "cdfss/error.h"

namespace cdfss {
namespace {

at::Generator generator_of(const std::string& name, at::Device device) {
  return name == "cpu" ? at::detail::getDefaultCPUGenerator()
                       : at::globalContext().defaultGenerator(device);
}

}  // namespace

std::map<std::string, at::Tensor> generator_states(at::Device device) {
  std::map<std::string, at::Tensor> states{{"cpu", generator_of("cpu", device).get_state()}};
  if (device.is_cuda()) states.emplace("cuda", generator_of("cuda", device).get_state());
  return states;
}

void set_generator_states(const std::map<std::string, at::Tensor>& states, at::Device device,
                          const std::string& source) {
  for (const auto& [name, state] : states) {
    if (name != "cpu" && !device.is_cuda()) continue;
    try {
      generator_of(name, device).set_state(state);
    } catch (const c10::Error& e) {
      throw Error(ErrorCode::kBadModel,
                  source + ": tensor \"generator." + name +
                      "\" is no state of a random generator: " + e.what_without_backtrace());
    }
  }
}

}  // namespace cdfss
