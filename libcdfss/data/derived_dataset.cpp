// Datasets that wrap datasets.
#include <algorithm>
#include <map>
#include <numeric>
#include <opencv2/core.hpp>

#include "cdfss/error.h"
#include "data/dataset_kinds.h"

namespace cdfss {
namespace {

constexpr int kAbsent = -1;

class MergedDataset : public Dataset {
 public:
  explicit MergedDataset(std::vector<std::shared_ptr<const Dataset>> parts)
      : parts_(std::move(parts)) {
    std::map<std::string, int> ids;
    std::vector<std::vector<int>> merged_id(parts_.size());  // by the part's class id
    for (std::size_t part = 0; part < parts_.size(); ++part) {
      for (const std::string& name : parts_[part]->classes()) {
        const auto [known, is_new] = ids.emplace(name, static_cast<int>(classes_.size()));
        if (is_new) {
          classes_.push_back(name);
        }
        merged_id[part].push_back(known->second);
      }
    }
    for (std::size_t part = 0; part < parts_.size(); ++part) {
      part_id_.emplace_back(classes_.size(), kAbsent);
      for (std::size_t id = 0; id < merged_id[part].size(); ++id) {
        part_id_[part][merged_id[part][id]] = static_cast<int>(id);
      }
      for (int index = 0; index < parts_[part]->size(); ++index) {
        std::vector<int> present;
        for (const int id : parts_[part]->classes_in(index)) {
          present.push_back(merged_id[part][id]);
        }
        std::ranges::sort(present);
        images_.push_back({.part = part, .index = index, .classes = std::move(present)});
      }
    }
  }

  int size() const override { return static_cast<int>(images_.size()); }
  std::string name(int index) const override { return part_of(index).name(images_[index].index); }
  const std::vector<std::string>& classes() const override { return classes_; }
  const std::vector<int>& classes_in(int index) const override { return images_[index].classes; }
  cv::Mat image(int index) const override { return part_of(index).image(images_[index].index); }
  cv::Mat label(int index, int class_id) const override {
    const int id = part_id_[images_[index].part][class_id];
    if (id != kAbsent) {
      return part_of(index).label(images_[index].index, id);
    }
    // Nothing of a class that this part does not know; its ignored pixels are still ignored.
    cv::Mat label = part_of(index).label(images_[index].index, 0);
    label.setTo(0, label == 1);
    return label;
  }

 private:
  struct MergedImage {
    std::size_t part;  // in parts_
    int index;         // in that part
    std::vector<int> classes;
  };

  const Dataset& part_of(int index) const { return *parts_[images_[index].part]; }

  std::vector<std::shared_ptr<const Dataset>> parts_;
  std::vector<std::string> classes_;
  std::vector<std::vector<int>> part_id_;  // by part and class id; kAbsent
  std::vector<MergedImage> images_;
};

class SelectedDataset : public Dataset {
 public:
  SelectedDataset(std::shared_ptr<const Dataset> base, std::vector<int> ids)
      : base_(std::move(base)), base_id_(std::move(ids)) {
    std::vector<int> selected_id(base_->classes().size(), kAbsent);  // by the base's class id
    for (std::size_t id = 0; id < base_id_.size(); ++id) {
      classes_.push_back(base_->classes()[base_id_[id]]);
      selected_id[base_id_[id]] = static_cast<int>(id);
    }
    for (int index = 0; index < base_->size(); ++index) {
      std::vector<int> present;
      for (const int id : base_->classes_in(index)) {
        if (selected_id[id] != kAbsent) {
          present.push_back(selected_id[id]);
        }
      }
      std::ranges::sort(present);
      classes_in_.push_back(std::move(present));
    }
  }

  int size() const override { return base_->size(); }
  std::string name(int index) const override { return base_->name(index); }
  const std::vector<std::string>& classes() const override { return classes_; }
  const std::vector<int>& classes_in(int index) const override { return classes_in_[index]; }
  cv::Mat image(int index) const override { return base_->image(index); }
  cv::Mat label(int index, int class_id) const override {
    return base_->label(index, base_id_[class_id]);
  }

 private:
  std::shared_ptr<const Dataset> base_;
  std::vector<int> base_id_;  // by class id
  std::vector<std::string> classes_;
  std::vector<std::vector<int>> classes_in_;
};

}  // namespace

std::shared_ptr<const Dataset> merge_datasets(std::vector<std::shared_ptr<const Dataset>> parts) {
  if (parts.empty()) {
    throw Error(ErrorCode::kInvalidValue, "no dataset is given, expected one or more");
  }
  return parts.size() == 1 ? parts.front() : std::make_shared<MergedDataset>(std::move(parts));
}

std::shared_ptr<const Dataset> select_classes(std::shared_ptr<const Dataset> base, int modulus,
                                              int remainder, bool complement) {
  if (modulus < 2 || remainder < 0 || remainder >= modulus) {
    throw Error(ErrorCode::kInvalidValue,
                "every " + std::to_string(modulus) + "th class from number " +
                    std::to_string(remainder) +
                    " on: expected a modulus of 2 or more and a remainder below it");
  }
  std::vector<int> sorted(base->classes().size());  // class ids by name
  std::iota(sorted.begin(), sorted.end(), 0);
  std::ranges::sort(sorted, {}, [&](int id) { return base->classes()[id]; });
  std::vector<int> ids;
  for (std::size_t position = 0; position < sorted.size(); ++position) {
    const bool held_out = position % modulus == static_cast<std::size_t>(remainder);
    if (held_out != complement) {
      ids.push_back(sorted[position]);
    }
  }
  if (ids.empty()) {
    throw Error(ErrorCode::kInvalidValue, "the dataset's " + std::to_string(sorted.size()) +
                                              " classes leave none for one side of the split");
  }
  return keep_classes(std::move(base), ids);
}

std::shared_ptr<const Dataset> keep_classes(std::shared_ptr<const Dataset> base,
                                            const std::vector<int>& ids) {
  return std::make_shared<SelectedDataset>(std::move(base), ids);
}

}  // namespace cdfss
