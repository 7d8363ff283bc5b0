#include "autocast.h"

#include <ATen/autocast_mode.h>

namespace cdfss {

Autocast::Autocast(c10::DeviceType device, c10::ScalarType precision)
    : device_(device),
      was_enabled_(at::autocast::is_autocast_enabled(device)),
      previous_(at::autocast::get_autocast_dtype(device)),
      was_cached_(at::autocast::is_autocast_cache_enabled()) {
  const bool enabled = precision != at::kFloat;
  if (enabled) at::autocast::set_autocast_dtype(device_, precision);
  at::autocast::set_autocast_enabled(device_, enabled);
  // No weight is cast twice in a pass, and the cache is shared by all threads.
  at::autocast::set_autocast_cache_enabled(false);
}

Autocast::~Autocast() {
  at::autocast::set_autocast_cache_enabled(was_cached_);
  at::autocast::set_autocast_enabled(device_, was_enabled_);
  at::autocast::set_autocast_dtype(device_, previous_);
}

}  // namespace cdfss
