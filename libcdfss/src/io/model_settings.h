// The string metadata of a model file: what network it is and how to run it.
#pragma once

#include <map>
#include <string>

#include "cdfss/model_info.h"
#include "model/asgnet.h"

namespace cdfss {

struct ModelSettings {
  AsgnetOptions network;
  ModelInfo info;
};

// To and from the metadata entries: format, format_version, every option of the network, input
// size, threshold and target enhancement; anything else is info.metadata. Both check each value's
// range. Encoding takes backbone and memory entries from `network`. Throws Error(kInvalidValue)
// naming the entry; decoding requires every entry, encoding refuses free metadata of a setting's
// name.
std::map<std::string, std::string> encode_settings(const AsgnetOptions& network,
                                                   const ModelInfo& info);
ModelSettings decode_settings(const std::map<std::string, std::string>& metadata);

}  // namespace cdfss
