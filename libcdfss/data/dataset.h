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
// No filter, as for FSS-1000: all of its ten images a class count, small as they are (224 x 224).
inline constexpr int kAnyArea = 1;

// Opens `KIND:ROOT[,key=value...]` (DESIGN 8). Every kind has minimum_area=N, the labelled pixels
// that a class needs to count in an image (kMinimumArea; fss: kAnyArea). docs/datasets.md shows the
// trees.
//   folder:ROOT    images/, masks/ with index PNGs, classes.txt.
//   pascal:ROOT    a VOC folder (JPEGImages/, ImageSets/). fold=0..3; sbd=FOLDER: SBD's
//                  benchmark_RELEASE, whose masks serve where VOC has none; split=NAME:
//                  ImageSets/Segmentation/NAME.txt, or with SBD sbd-train, sbd-val or merged (VOC's
//                  train.txt and all of SBD without VOC's val.txt); or list=FILE: image ids, one a
//                  line. By default val for testing, train (with SBD: merged) for training.
//                  masks=NAME: the masks' folder in ROOT (SegmentationClass).
//   coco:IMAGES    json=FILE: the instances (by default IMAGES/annotations.json); fold=0..3.
//   fss:ROOT       FSS-1000: CLASS/N.jpg and N.png. One of split=train|val|test: the class names in
//                  ROOT/NAME.txt; list=FILE: those in that file; subset=0..19: 50 of the 1000
//                  sorted classes; fold=0..3: the subsets 5i..5i+4 (for training: the others).
//                  repair=1: read the release's flawed files (fss_mask.h), leave out its strays.
//   suim:ROOT      train_val/{images,masks}, TEST/{images,masks}; part=train_val|TEST (both).
//                  repair=1: read the release's flawed masks (suim_mask.h).
//   davis:ROOT     a DAVIS-2016 or 2017 tree, where each object of a sequence is a class: SEQUENCE,
//                  or SEQUENCE/NUMBER for one of several. split=NAME: ImageSets/NAME.txt, or
//                  list=FILE: sequences, one a line; by default those of all lists.
// `fold` leaves only the classes of the requested part of that fold (SPEC A12, B23); without it,
// all are there. Throws Error(kNotFound | kUnreadable | kInvalidValue) naming the offender, also
// for a mask that is not of its image's size.
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
