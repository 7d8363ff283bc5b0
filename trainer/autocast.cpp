#include "autocast.h"

#include <ATen/autocast_mode.h>

namespace cdfss {

Bf16Autocast::Bf16Autocast(c10::DeviceType device, bool enabled)
    : device_(device), previous_(at::autocast::is_autocast_enabled(device)) {
  at::autocast::set_autocast_dtype(device_, at::kBFloat16);
  at::autocast::set_autocast_enabled(device_, enabled);
  at::autocast::increment_nesting();
}

Bf16Autocast::~Bf16Autocast() {
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, previous_);
}

}  // namespace cdfss
