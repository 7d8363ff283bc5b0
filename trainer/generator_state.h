// LibTorch's default random generators, kept and put back.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace cdfss {

// The states of LibTorch's random generators: "cpu", and "cuda" when `device` is one.
std::map<std::string, at::Tensor> generator_states(at::Device device);
// Throws Error(kBadModel) naming `source` for a state that is none. One of a device that is not
// used now is passed over.
void set_generator_states(const std::map<std::string, at::Tensor>& states, at::Device device,
                          const std::string& source);

// Gives the generators back as they were: what draws inside the scope leaves training the same.
class GeneratorGuard {
 public:
  explicit GeneratorGuard(at::Device device) : device_(device), states_(generator_states(device)) {}
  ~GeneratorGuard() { set_generator_states(states_, device_, "generator"); }
  GeneratorGuard(const GeneratorGuard&) = delete;
  GeneratorGuard& operator=(const GeneratorGuard&) = delete;

 private:
  at::Device device_;
  std::map<std::string, at::Tensor> states_;
};

}  // namespace cdfss
