#include "cdfss/support_set.h"

#include <algorithm>

#include "cdfss/error.h"

namespace cdfss {
namespace {

void check(const SupportShot& shot) {
  const auto fail = [&](const std::string& what) {
    return Error(ErrorCode::kInvalidValue, "support shot " + shot.source + ": " + what);
  };
  if (shot.image == nullptr) {
    throw fail("has no image");
  }
  try {
    validate(shot.image->view());
  } catch (const Error& error) {
    throw fail(error.what());
  }
  const auto pixels = static_cast<std::size_t>(shot.image->width) * shot.image->height;
  if (shot.image->pixels.size() != 3 * pixels || shot.mask.size() != pixels) {
    throw fail("the image has " + std::to_string(shot.image->pixels.size()) +
               " bytes and the mask " + std::to_string(shot.mask.size()) + ", expected " +
               std::to_string(3 * pixels) + " and " + std::to_string(pixels) + " for " +
               std::to_string(shot.image->width) + "x" + std::to_string(shot.image->height));
  }
  const auto wrong = std::ranges::find_if(shot.mask, [](std::uint8_t value) {
    return value != kMaskBackground && value != kMaskObject && value != kMaskIgnore;
  });
  if (wrong != shot.mask.end()) {
    throw fail("the mask holds " + std::to_string(*wrong) +
               ", expected 0 (background), 1 (object) and 255 (ignore)");
  }
  if (std::ranges::find(shot.mask, kMaskObject) == shot.mask.end()) {
    throw fail("the mask is empty, expected some object pixels");
  }
}

}  // namespace

void SupportSet::add(const std::string& class_name, SupportShot shot) {
  if (class_name.empty()) {
    throw Error(ErrorCode::kInvalidValue,
                "support shot " + shot.source + ": its class has no name, expected one");
  }
  check(shot);
  auto entry = std::ranges::find(classes_, class_name, &SupportClass::name);
  if (entry == classes_.end()) {
    classes_.push_back({.name = class_name, .shots = {}});
    entry = classes_.end() - 1;
  }
  entry->shots.push_back(std::move(shot));
}

SupportSet SupportSet::select(const std::vector<std::string>& names) const {
  SupportSet selected;
  for (const std::string& name : names) {
    const auto entry = std::ranges::find(classes_, name, &SupportClass::name);
    if (entry == classes_.end()) {
      std::string known;
      for (const SupportClass& candidate : classes_) {
        known += (known.empty() ? "" : ", ") + candidate.name;
      }
      throw Error(ErrorCode::kInvalidValue, "class '" + name +
                                                "' is not in the support set, which has " +
                                                (known.empty() ? "none" : known));
    }
    if (std::ranges::find(selected.classes_, name, &SupportClass::name) !=
        selected.classes_.end()) {
      throw Error(ErrorCode::kInvalidValue, "class '" + name + "' is selected twice");
    }
    selected.classes_.push_back(*entry);
  }
  return selected;
}

}  // namespace cdfss
