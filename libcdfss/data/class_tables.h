// The classes of the data sets and how experiments divide them: data, no files.
#pragma once

#include <string>
#include <vector>

namespace cdfss {

// PASCAL-5i and COCO-20i: fold i is tested on its classes and trained on the others (SPEC A12).
inline constexpr int kFolds = 4;
// FSS-1000 (SPEC B23): sorted class names in subsets of 50; fold i tests on subsets 5i..5i+4.
inline constexpr int kFssClasses = 1000;
inline constexpr int kFssSubsetSize = 50;
inline constexpr int kFssSubsets = kFssClasses / kFssSubsetSize;

// PASCAL VOC's 20 classes; element i has mask index i + 1.
const std::vector<std::string>& voc_class_names();
// COCO's 80 classes by ascending category id, as its instances JSON names them.
const std::vector<std::string>& coco_class_names();

struct SuimClass {
  std::string name;     // the authors' two letters
  std::string meaning;  // in words
  std::string same_as;  // the COCO class that means the same; empty: none
};
// SUIM's 8 classes. Element i has the colour whose channels are the bits of i, red the highest.
const std::vector<SuimClass>& suim_classes();
std::vector<std::string> suim_class_names();

// Whether the class with this id, an index into the lists above or into FSS-1000's sorted names, is
// tested on in `fold`, 0 to kFolds - 1.
bool voc_fold_tests(int class_id, int fold);
bool coco_fold_tests(int class_id, int fold);
bool fss_fold_tests(int class_id, int fold);

// A class name as it compares between data sets: lower case, without spaces, `_` and `-`, and
// COCO's word where VOC uses another ("aeroplane" and "airplane" are "airplane").
std::string canonical_class_name(const std::string& name);

enum class FoldTable {
  kStandard,  // the classes as VOC numbers them
  kRepri,     // RePRI's for COCO->PASCAL, which takes VOC's car for cat and cat for car (SPEC B21)
};

}  // namespace cdfss
