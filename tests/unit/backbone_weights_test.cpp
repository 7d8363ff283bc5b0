#include "io/backbone_weights.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <map>
#include <string>

#include "io/module_tensors.h"
#include "io/safetensors.h"
#include "io_test_support.h"
#include "pth_writer.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;
using testing::write_pth;
using Tensors = std::map<std::string, at::Tensor>;

// A backbone's tensors, all values drawn anew, under the names of published files.
Tensors published(const std::string& layout, bool with_rest = true) {
  static const std::map<std::string, std::string> kStem{{"layer0.0", "conv1"}, {"layer0.1", "bn1"},
                                                        {"layer0.3", "conv2"}, {"layer0.4", "bn2"},
                                                        {"layer0.6", "conv3"}, {"layer0.7", "bn3"}};
  ResNet backbone(ResNetLayout::from_name(layout));
  Tensors tensors;
  for (const auto& [name, tensor] : module_tensors(*backbone)) {
    std::string theirs = name;
    if (name.starts_with("layer0")) theirs = kStem.at(name.substr(0, 8)) + name.substr(8);
    tensors[theirs] = at::rand_like(tensor).detach();
  }
  if (with_rest) {  // what a classifier's file has besides
    tensors["bn1.num_batches_tracked"] = at::scalar_tensor(5, at::kLong);
    tensors["layer4.0.conv1.weight"] = at::zeros({512, 1024, 1, 1});
    tensors["fc.weight"] = at::zeros({1000, 2048});
  }
  return tensors;
}

const at::Tensor& published_tensor(const Tensors& file, const std::string& name) {
  if (!name.starts_with("layer0.")) return file.at(name);
  static const std::map<char, std::string> kStem{{'0', "conv1"}, {'1', "bn1"},   {'3', "conv2"},
                                                 {'4', "bn2"},   {'6', "conv3"}, {'7', "bn3"}};
  return file.at(kStem.at(name[7]) + name.substr(8));
}

void expect_loaded(ResNet& backbone, const Tensors& file) {
  for (const auto& [name, tensor] : module_tensors(*backbone)) {
    EXPECT_TRUE(tensor.equal(published_tensor(file, name).to(tensor.scalar_type()))) << name;
  }
}

class BackboneWeights : public ::testing::Test {
 protected:
  void expect_refused(const std::filesystem::path& file,
                      std::initializer_list<std::string_view> parts,
                      ErrorCode code = ErrorCode::kBadModel) {
    expect_error(code, parts, [&] { load_backbone_weights(file, backbone_); });
  }
  TemporaryFolder folder_;
  ResNet backbone_{ResNetLayout::from_name("resnet50")};
};

TEST_F(BackboneWeights, TorchvisionNamesInSafetensors) {
  Tensors tensors = published("resnet50");
  for (auto& [name, tensor] : tensors) {
    if (tensor.dim() == 4) tensor = tensor.to(at::kHalf);
  }
  write_safetensors(folder_ / "f.safetensors", tensors, {});
  load_backbone_weights(folder_ / "f.safetensors", backbone_);
  expect_loaded(backbone_, tensors);
}

TEST_F(BackboneWeights, TorchvisionNamesInPth) {
  const Tensors tensors = published("resnet50");
  write_pth(folder_ / "f.pth", tensors);
  load_backbone_weights(folder_ / "f.pth", backbone_);
  expect_loaded(backbone_, tensors);
}

TEST_F(BackboneWeights, DeepStemByEitherName) {
  ResNet deep(ResNetLayout::from_name("resnet50-deep"));
  const Tensors semseg = published("resnet50-deep");
  write_pth(folder_ / "semseg.pth", semseg);
  load_backbone_weights(folder_ / "semseg.pth", deep);
  expect_loaded(deep, semseg);

  // ASGNet's and PFENet's checkpoints: stages by our names, and the heads.
  Tensors asgnet;
  for (const auto& [name, tensor] : module_tensors(*deep)) asgnet[name] = at::rand_like(tensor);
  Tensors with_heads = asgnet;
  with_heads["cls.0.weight"] = at::zeros({256, 256, 3, 3});
  write_pth(folder_ / "asgnet.pth", with_heads);
  load_backbone_weights(folder_ / "asgnet.pth", deep);
  for (const auto& [name, tensor] : module_tensors(*deep)) {
    EXPECT_TRUE(tensor.equal(asgnet.at(name))) << name;
  }
}

TEST_F(BackboneWeights, AnotherLayoutIsRefusedAndNothingIsChanged) {
  const at::Tensor before = module_tensors(*backbone_).at("layer1.0.conv1.weight").clone();
  write_safetensors(folder_ / "deep.safetensors", published("resnet50-deep"), {});
  expect_refused(folder_ / "deep.safetensors",
                 {"deep.safetensors", "\"conv1.weight\"", "[64, 3, 3, 3]", "[64, 3, 7, 7]"});
  EXPECT_TRUE(before.equal(module_tensors(*backbone_).at("layer1.0.conv1.weight")));
}

TEST_F(BackboneWeights, DeeperNetworkIsNotCutShort) {
  Tensors tensors = published("resnet50");
  tensors["layer3.6.conv1.weight"] = at::zeros({256, 1024, 1, 1});
  write_safetensors(folder_ / "r101.safetensors", tensors, {});
  expect_refused(folder_ / "r101.safetensors", {"\"layer3.6.conv1.weight\"", "resnet50"});
}

TEST_F(BackboneWeights, MissingAndDamagedTensorsAreNamed) {
  Tensors tensors = published("resnet50", false);
  const at::Tensor bias = tensors.at("bn1.bias");
  tensors.erase("bn1.bias");
  write_safetensors(folder_ / "f", tensors, {});
  expect_refused(folder_ / "f", {"\"bn1.bias\"", "missing", "resnet50"});
  tensors["bn1.bias"] = at::full_like(bias, std::numeric_limits<float>::infinity());
  write_safetensors(folder_ / "f", tensors, {});
  expect_refused(folder_ / "f", {"\"bn1.bias\"", "not finite"});
}

TEST_F(BackboneWeights, LegacyPickleSaysHowToConvert) {
  write_bytes(folder_ / "old.pth", "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20j\xa8P\x19.");
  expect_refused(folder_ / "old.pth", {"old.pth", "legacy", "torch.save(torch.load("});
}

TEST_F(BackboneWeights, ForeignFilesAreRefused) {
  write_bytes(folder_ / "zip.pth", "PK\3\4 but not a PyTorch archive");
  expect_refused(folder_ / "zip.pth", {"zip.pth", "PyTorch"});
  write_bytes(folder_ / "text.pth", "<html>404: not found, says the download page</html>");
  expect_refused(folder_ / "text.pth", {"text.pth", "header length"});
  expect_refused(folder_ / "absent.pth", {"absent.pth"}, ErrorCode::kNotFound);
}

TEST_F(BackboneWeights, PublishedImageNetFile) {
  const char* shared = std::getenv("CDFSS_SHARED_DIR");
  const auto file = std::filesystem::path(shared == nullptr ? "" : shared) / "weights" /
                    "resnet50_imagenet.safetensors";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "needs " << file;
  ResNet caffe(ResNetLayout::from_name("resnet50-caffe"));
  load_backbone_weights(file, caffe);
  expect_loaded(caffe, read_safetensors(file).tensors);

  ResNet deep(ResNetLayout::from_name("resnet50-deep"));
  expect_error(ErrorCode::kBadModel, {"resnet50_imagenet.safetensors", "resnet50-deep"},
               [&] { load_backbone_weights(file, deep); });
}

}  // namespace
}  // namespace cdfss
