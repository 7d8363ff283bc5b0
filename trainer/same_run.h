// That the processes which train one network together train the same one.
#pragma once

#include <string>

#include "process_group.h"

namespace cdfss {

// A collective call: what this process was started with (effective_configuration), the fingerprint
// of its data, and after which step it begins. Throws Error(kInvalidValue) in all processes where
// one differs from the first, naming it and what differs.
void require_same_run(ProcessGroup& group, const std::string& configuration,
                      const std::string& data, int step);

}  // namespace cdfss
