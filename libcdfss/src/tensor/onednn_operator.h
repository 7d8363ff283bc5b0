// LibTorch's oneDNN operators, which it registers without declaring them in C++.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace cdfss {

// None if this LibTorch lacks it. Called boxed, since the C++ types of their arguments change
// between LibTorch's versions.
using OneDnnOperator = std::optional<c10::OperatorHandle>;

inline OneDnnOperator find_operator(const char* name, const char* overload) {
  return c10::Dispatcher::singleton().findSchema({name, overload});
}

template <typename... Arguments>
at::Tensor call(const OneDnnOperator& function, Arguments&&... arguments) {
  std::vector<c10::IValue> stack{c10::IValue(std::forward<Arguments>(arguments))...};
  function->callBoxed(stack);
  return stack.front().toTensor();
}

inline std::vector<std::int64_t> twice(int value) { return {value, value}; }
inline c10::List<std::optional<at::Scalar>> no_scalars() {
  return c10::List<std::optional<at::Scalar>>();
}

}  // namespace cdfss
