// Where the target datasets of the paper's tasks lie under --data-root, and which of their classes
// are tested on.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/transfer.h"

namespace cdfss {

// The target datasets under one root, each opened once.
class ProtocolData {
 public:
  explicit ProtocolData(std::filesystem::path root) : root_(std::move(root)) {}

  // Throws Error(kNotFound) naming the folder that `transfer` expects and does not find.
  void require(const Transfer& transfer) const;
  // The target as open_dataset takes it: `pascal:ROOT/VOCdevkit/VOC2012`, `suim:ROOT/SUIM,repair=1`
  // and, a selection for each fold, `fss:ROOT/fss-1000,fold=N,repair=1`.
  std::string spec(const Transfer& transfer, int fold) const;
  // All classes of that. Throws as open_dataset.
  std::shared_ptr<const Dataset> open(const Transfer& transfer, int fold);

 private:
  std::filesystem::path folder(const Transfer& transfer) const;

  std::filesystem::path root_;
  std::map<std::string, std::shared_ptr<const Dataset>> opened_;  // by spec
};

// target_classes(), after which the classes named in `keep` are in whatever it says. Throws
// Error(kInvalidValue) for a name that the target lacks.
std::vector<ClassDecision> decide_classes(const Transfer& transfer, int fold,
                                          const std::vector<std::string>& target_class_names,
                                          FoldTable table, const std::vector<std::string>& keep);

std::vector<std::string> names_in(const std::vector<ClassDecision>& decisions);

// Images in which the class covers enough pixels to be drawn, by class id.
std::vector<int> images_of_classes(const Dataset& dataset);

}  // namespace cdfss
