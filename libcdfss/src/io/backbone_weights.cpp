#include "io/backbone_weights.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "cdfss/error.h"
#include "io/mapped_file.h"
#include "io/module_tensors.h"
#include "io/pth_file.h"
#include "io/safetensors.h"

namespace cdfss {
namespace {

using Tensors = std::map<std::string, at::Tensor>;

// The stem as torchvision (one convolution) and semseg's ImageNet files (three) name it: our name's
// begin, theirs. The other stages have the same names everywhere.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kStemNames{{
    {"layer0.0.", "conv1."},
    {"layer0.1.", "bn1."},
    {"layer0.3.", "conv2."},
    {"layer0.4.", "bn2."},
    {"layer0.6.", "conv3."},
    {"layer0.7.", "bn3."},
}};

constexpr std::array<std::string_view, 4> kStages{"layer0.", "layer1.", "layer2.", "layer3."};

bool is_zip(std::span<const std::byte> bytes) {
  return bytes.size() >= 4 && std::memcmp(bytes.data(), "PK\3\4", 4) == 0;
}

// Pickle's PROTO opcode opens PyTorch's legacy format.
bool is_pickle(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x80} && bytes[1] <= std::byte{5};
}

Tensors read_tensors(const std::filesystem::path& file) {
  const MappedFile mapping(file);
  const auto bytes = mapping.bytes();
  if (is_zip(bytes)) return read_pth(file);
  if (is_pickle(bytes) && file.extension() != ".safetensors") {
    throw Error(
        ErrorCode::kBadModel,
        file.string() +
            ": PyTorch's legacy pickle format is not read; convert it once with: python3 -c "
            "\"import torch; torch.save(torch.load('IN.pth', map_location='cpu'), "
            "'OUT.pth')\"");
  }
  return read_safetensors(file).tensors;
}

}  // namespace

void load_backbone_weights(const std::filesystem::path& file, ResNet& backbone) {
  Tensors stored = read_tensors(file);
  const bool own_stem_names = stored.contains("layer0.0.weight");

  // The backbone's tensors under the file's names, so that messages use those.
  Tensors destinations;
  for (const auto& [own_name, tensor] : module_tensors(*backbone)) {
    std::string name = own_name;
    for (const auto& [ours, theirs] : kStemNames) {
      if (!own_stem_names && own_name.starts_with(ours)) name.replace(0, ours.size(), theirs);
    }
    destinations.emplace(std::move(name), tensor);
  }
  std::erase_if(stored, [](const auto& entry) {
    const std::string_view name = entry.first;
    const auto begins = [&](std::string_view prefix) { return name.starts_with(prefix); };
    const bool of_stem = std::any_of(kStemNames.begin(), kStemNames.end(),
                                     [&](const auto& names) { return begins(names.second); });
    const bool of_stage = std::any_of(kStages.begin(), kStages.end(), begins);
    return name.ends_with("num_batches_tracked") || (!of_stem && !of_stage);
  });
  assign_tensors(destinations, stored, file, "backbone " + backbone->layout().name);
}

}  // namespace cdfss
