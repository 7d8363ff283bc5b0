// Segmentation datasets on disk, each read as its authors ship it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/sample.h"

namespace cdfss {

// A set of labelled images. Class ids are indices into classes(). Thread-safe once built.
class Dataset {
 public:
  virtual ~Dataset() = default;

  virtual int size() const = 0;
  // What error messages and reports call image `index`: its path.
  virtual std::string name(int index) const = 0;
  // Names, unique; ids never change. Background and ignore are not classes.
  virtual const std::vector<std::string>& classes() const = 0;
  // Ids of the classes with at least kMinimumArea labelled pixels in image `index` (SPEC A12),
  // ascending.
  virtual const std::vector<int>& classes_in(int index) const = 0;
  // The image, RGB. Throws Error(kUnreadable) naming the file.
  virtual cv::Mat image(int index) const = 0;
  // CV_8UC1 label for one class: class -> 1, 255 stays, everything else 0.
  virtual cv::Mat label(int index, int class_id) const = 0;
};

// The released code's filter: 2 * 32 * 32 labelled pixels in the original image.
inline constexpr int kMinimumArea = 2048;

// Opens `kind:ROOT[,key=value...]` (DESIGN 8):
//   folder:ROOT    images/, masks/, classes.txt. minimum_area=N instead of kMinimumArea.
//   pascal:ROOT    a VOC folder. list=FILE: image ids, one a line (by default
//                  ImageSets/Segmentation/train.txt or val.txt, by part); masks=NAME: their folder
//                  in ROOT (SegmentationClass; another one with the SBD masks merged in);
//                  fold=0..3.
//   coco:IMAGES    json=FILE: the instances (by default IMAGES/annotations.json); fold=0..3.
// `fold` leaves only the classes of the requested part of that fold (SPEC A12); without it, all are
// there. Throws Error(kNotFound | kUnreadable | kInvalidValue) naming the offender.
enum class FoldPart { kTrain, kTest };
std::shared_ptr<const Dataset> open_dataset(const std::string& spec, FoldPart part);

// Several datasets as one; classes of the same name are one class.
std::shared_ptr<const Dataset> merge_datasets(std::vector<std::shared_ptr<const Dataset>> parts);

// The same images with only some classes: every `modulus`-th class name in sorted order, from
// `remainder` on (held out) or all the others (`complement`). A held-out split by name for choosing
// hyper-parameters on source data. Throws Error(kInvalidValue) for modulus < 2.
std::shared_ptr<const Dataset> select_classes(std::shared_ptr<const Dataset> base, int modulus,
                                              int remainder, bool complement);

}  // namespace cdfss
