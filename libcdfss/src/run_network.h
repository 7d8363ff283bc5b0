// LibTorch's exceptions as ours.
#pragma once

#include <c10/util/Exception.h>

#include <new>
#include <string>

#include "cdfss/error.h"

namespace cdfss {

// Runs `function` on valid input: what fails there is the network, Error(kInference), or memory,
// Error(kOutOfMemory). `what` begins the message.
template <class Function>
auto run_network(const char* what, Function&& function) {
  try {
    return function();
  } catch (const c10::OutOfMemoryError& e) {
    throw Error(ErrorCode::kOutOfMemory, std::string(what) + ": " + e.what_without_backtrace());
  } catch (const c10::Error& e) {
    throw Error(ErrorCode::kInference, std::string(what) + ": " + e.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::kOutOfMemory, std::string(what) + ": out of memory");
  }
}

}  // namespace cdfss
