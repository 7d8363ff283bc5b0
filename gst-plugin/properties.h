// The element's properties as GObject sees them.
#pragma once

#include <gst/gst.h>

#include "settings.h"

namespace cdfss {

// The one property that is no setting: `stats`, read-only.
inline constexpr guint kStatsProperty = 1000;

void install_properties(GObjectClass* klass);
// Stores a property's value and returns the Change bits that follow, kNoChange for an equal value.
unsigned set_property(Settings& settings, guint id, const GValue* value);
void get_property(const Settings& settings, guint id, GValue* value);

}  // namespace cdfss
