// DAVIS-style video folders: frames as images, annotations as masks of the same stem.
#pragma once

#include <filesystem>
#include <opencv2/core/mat.hpp>
#include <string>
#include <vector>

namespace cdfss {

struct VideoFrame {
  std::filesystem::path image;
  std::filesystem::path annotation;  // empty: this frame is not annotated
};

// Frames in the order of their names.
struct VideoSequence {
  std::string name;
  std::vector<VideoFrame> frames;
};

// The sequences that a list names, each once, in its order. A line is a name, or an image of one
// ("/JPEGImages/480p/bear/00000.jpg /Annotations/480p/bear/00000.png"). Throws Error(kNotFound |
// kUnreadable), (kInvalidValue) for an empty list.
std::vector<std::string> read_sequence_list(const std::filesystem::path& file);

// The sequences of ROOT/JPEGImages[/480p]/SEQ/*.jpg with ROOT/Annotations[/480p]/SEQ/*.png: those
// in the lists ROOT/ImageSets/**/*.txt (in their order), or every folder where there is no list;
// only `names`, in that order, unless it is empty. Throws Error(kNotFound | kInvalidValue) naming
// the folder, sequence or annotation that is missing or stands alone.
std::vector<VideoSequence> find_sequences(const std::filesystem::path& root,
                                          const std::vector<std::string>& names);

// How a sequence's masks mark the object.
enum class AnnotationRule {
  kBinary,   // only 0 and 255 occur: 255 is the object
  kIndexed,  // every index but 0 is an object, 255 is ignored
};
AnnotationRule annotation_rule(const cv::Mat& indices);

// CV_8UC1 indices of a mask -> CV_8UC1 of 0, 1 (object), 255 (ignore).
cv::Mat object_label(const cv::Mat& indices, AnnotationRule rule);

}  // namespace cdfss
