// ImageNet backbones as others ship them (SPEC part C).
#pragma once

#include <filesystem>

#include "model/resnet.h"

namespace cdfss {

// Fills the backbone from a safetensors file, or from a .pth in PyTorch's zip format; names are
// torchvision's (conv1, bn1, layer1.0...) or semseg's (layer0.0, ...), a leading "module." and an
// outer {"state_dict": ...} are accepted; layer4 and fc are left out. Convolutions stored as
// float16 are converted. Throws Error(kNotFound | kUnreadable), and Error(kBadModel) naming the file
// and the missing or wrongly shaped tensor (so a weight file of another layout is refused); for the
// legacy pickle format the message says how to convert it.
void load_backbone_weights(const std::filesystem::path& file, ResNet& backbone);

}  // namespace cdfss
