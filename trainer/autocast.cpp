#include "autocast.h"

#include <ATen/autocast_mode.h>

namespace cdfss {

Autocast::Autocast(c10::DeviceType device, c10::ScalarType precision)
    : device_(device),
      was_enabled_(at::autocast::is_autocast_enabled(device)),
      previous_(at::autocast::get_autocast_dtype(device)) {
  const bool enabled = precision != at::kFloat;
  if (enabled) at::autocast::set_autocast_dtype(device_, precision);
  at::autocast::set_autocast_enabled(device_, enabled);
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, was_enabled_);
  at::autocast::set_autocast_dtype(device_, previous_);
}

}  // namespace cdfss
