// The labelled images that tell the network what to segment.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cdfss/export.h"
#include "cdfss/image.h"

namespace cdfss {

// Values of a support mask.
inline constexpr std::uint8_t kMaskBackground = 0;
inline constexpr std::uint8_t kMaskObject = 1;
inline constexpr std::uint8_t kMaskIgnore = 255;

// One labelled image ("shot") of one class.
struct SupportShot {
  std::shared_ptr<const Image> image;  // shared by the classes that are labelled in it
  std::vector<std::uint8_t> mask;      // height x width, row-major: kMask* values, some kMaskObject
  std::string source;                  // what error messages call it: usually the mask's path
};

struct SupportClass {
  std::string name;                // not empty, unique in the set
  std::vector<SupportShot> shots;  // one or more
};

// Classes in the order in which masks number them: classes()[0] is index 1 of a result mask.
class CDFSS_EXPORT SupportSet {
 public:
  SupportSet() = default;

  // Reads a folder: one sub-folder a class, or images and masks directly inside (one class named
  // after the folder, or an index PNG with classes.txt); LabelMe JSON beside an image, one COCO
  // annotations.json, and FSS-1000's layout are read as they are. Nothing is skipped in silence:
  // throws Error(kNotFound) for a missing folder, (kUnreadable) for a file that cannot be decoded
  // and (kInvalidValue) for an image without a mask, a size mismatch, an empty mask or a mask that
  // fits no rule, each naming the file and what was expected.
  static SupportSet load(const std::filesystem::path& folder);

  // Adds a shot to the class of that name, making the class if it is new. The image must be valid
  // (see validate) and of the mask's size; the mask must hold only kMask* values and at least one
  // kMaskObject. Throws Error(kInvalidValue) naming `shot.source`.
  void add(const std::string& class_name, SupportShot shot);

  // The same set with only these classes, in this order. Throws Error(kInvalidValue) for a name
  // that is not in the set or occurs twice, listing what there is.
  SupportSet select(const std::vector<std::string>& names) const;

  const std::vector<SupportClass>& classes() const { return classes_; }
  bool empty() const { return classes_.empty(); }

 private:
  std::vector<SupportClass> classes_;
};

}  // namespace cdfss
