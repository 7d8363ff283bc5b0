#include "data/class_tables.h"

#include <cctype>
#include <map>

namespace cdfss {
namespace {

constexpr int kVocClassesInFold = 5;
constexpr int kFssSubsetsInFold = kFssSubsets / kFolds;

}  // namespace

const std::vector<std::string>& voc_class_names() {
  static const std::vector<std::string> kNames{
      "aeroplane", "bicycle",     "bird",  "boat",        "bottle", "bus",      "car",
      "cat",       "chair",       "cow",   "diningtable", "dog",    "horse",    "motorbike",
      "person",    "pottedplant", "sheep", "sofa",        "train",  "tvmonitor"};
  return kNames;
}

const std::vector<std::string>& coco_class_names() {
  static const std::vector<std::string> kNames{"person",        "bicycle",      "car",
                                               "motorcycle",    "airplane",     "bus",
                                               "train",         "truck",        "boat",
                                               "traffic light", "fire hydrant", "stop sign",
                                               "parking meter", "bench",        "bird",
                                               "cat",           "dog",          "horse",
                                               "sheep",         "cow",          "elephant",
                                               "bear",          "zebra",        "giraffe",
                                               "backpack",      "umbrella",     "handbag",
                                               "tie",           "suitcase",     "frisbee",
                                               "skis",          "snowboard",    "sports ball",
                                               "kite",          "baseball bat", "baseball glove",
                                               "skateboard",    "surfboard",    "tennis racket",
                                               "bottle",        "wine glass",   "cup",
                                               "fork",          "knife",        "spoon",
                                               "bowl",          "banana",       "apple",
                                               "sandwich",      "orange",       "broccoli",
                                               "carrot",        "hot dog",      "pizza",
                                               "donut",         "cake",         "chair",
                                               "couch",         "potted plant", "bed",
                                               "dining table",  "toilet",       "tv",
                                               "laptop",        "mouse",        "remote",
                                               "keyboard",      "cell phone",   "microwave",
                                               "oven",          "toaster",      "sink",
                                               "refrigerator",  "book",         "clock",
                                               "vase",          "scissors",     "teddy bear",
                                               "hair drier",    "toothbrush"};
  return kNames;
}

const std::vector<SuimClass>& suim_classes() {
  static const std::vector<SuimClass> kClasses{
      {.name = "BW", .meaning = "background and water body", .same_as = ""},
      {.name = "HD", .meaning = "human divers", .same_as = "person"},
      {.name = "PF", .meaning = "aquatic plants and sea-grass", .same_as = ""},
      {.name = "WR", .meaning = "wrecks and ruins", .same_as = ""},
      {.name = "RO", .meaning = "robots and instruments", .same_as = ""},
      {.name = "RI", .meaning = "reefs and invertebrates", .same_as = ""},
      {.name = "FV", .meaning = "fish and vertebrates", .same_as = ""},
      {.name = "SR", .meaning = "sea-floor and rocks", .same_as = ""}};
  return kClasses;
}

std::vector<std::string> suim_class_names() {
  std::vector<std::string> names;
  for (const SuimClass& entry : suim_classes()) {
    names.push_back(entry.name);
  }
  return names;
}

bool voc_fold_tests(int class_id, int fold) { return class_id / kVocClassesInFold == fold; }
bool coco_fold_tests(int class_id, int fold) { return class_id % kFolds == fold; }
bool fss_fold_tests(int class_id, int fold) {
  return class_id / kFssSubsetSize / kFssSubsetsInFold == fold;
}

std::string canonical_class_name(const std::string& name) {
  static const std::map<std::string, std::string> kCocoWord{{"aeroplane", "airplane"},
                                                            {"motorbike", "motorcycle"},
                                                            {"sofa", "couch"},
                                                            {"tvmonitor", "tv"}};
  std::string canonical;
  for (const char c : name) {
    if (c != ' ' && c != '_' && c != '-') {
      canonical += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  const auto word = kCocoWord.find(canonical);
  return word == kCocoWord.end() ? canonical : word->second;
}

}  // namespace cdfss
