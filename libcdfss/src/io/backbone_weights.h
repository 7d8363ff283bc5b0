// ImageNet backbones as others ship them (SPEC part C).
#pragma once

#include <filesystem>

#include "model/resnet.h"

namespace cdfss {

// Fills the backbone from a safetensors file, or from a .pth in PyTorch's zip format. Names are
// torchvision's or semseg's (conv1, bn1, ..., layer1.0...) or the released ASGNet's (layer0.0,
// ...); a leading "module." and an outer {"state_dict": ...} are accepted. Only the stem and layer1
// to layer3 are taken: layer4, fc and the heads of a whole network's checkpoint are left out. Half
// precision is converted. Throws Error(kNotFound | kUnreadable), and Error(kBadModel) naming the
// file and the missing, wrongly shaped or, in those stages, surplus tensor, so that a file of
// another depth or stem is refused and the backbone left as it was; where layer2 strides cannot be
// seen in a file. For the legacy pickle format the message says how to convert it.
void load_backbone_weights(const std::filesystem::path& file, ResNet& backbone);

}  // namespace cdfss
