#include "data/video_sequence.h"

#include <algorithm>
#include <map>
#include <opencv2/core.hpp>
#include <set>
#include <utility>

#include "cdfss/error.h"
#include "data/text_lines.h"

namespace cdfss {
namespace {

namespace fs = std::filesystem;

// Entries of a folder in the order of their names.
std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::vector<fs::path> entries(fs::directory_iterator(folder), fs::directory_iterator{});
  std::sort(entries.begin(), entries.end());
  return entries;
}

// ROOT/KIND/480p where there is one, else ROOT/KIND.
fs::path media_folder(const fs::path& root, const std::string& kind) {
  const fs::path folder = root / kind;
  if (!fs::is_directory(folder)) {
    throw Error(ErrorCode::kNotFound, root.string() + " has no folder " + kind +
                                          ": expected JPEGImages[/480p]/SEQUENCE/*.jpg and "
                                          "Annotations[/480p]/SEQUENCE/*.png");
  }
  return fs::is_directory(folder / "480p") ? folder / "480p" : folder;
}

// Those of all lists, each once.
std::vector<std::string> listed_sequences(const fs::path& root) {
  std::vector<fs::path> lists;
  if (fs::is_directory(root / "ImageSets")) {
    for (const auto& entry : fs::recursive_directory_iterator(root / "ImageSets")) {
      if (entry.path().extension() == ".txt") lists.push_back(entry.path());
    }
  }
  std::sort(lists.begin(), lists.end());
  std::vector<std::string> names;
  for (const fs::path& list : lists) {
    for (const std::string& name : read_sequence_list(list)) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

VideoSequence read_sequence(const std::string& name, const fs::path& images,
                            const fs::path& annotations) {
  if (!fs::is_directory(images / name)) {
    throw Error(ErrorCode::kNotFound,
                "sequence \"" + name + "\": there is no folder " + (images / name).string());
  }
  if (!fs::is_directory(annotations / name)) {
    throw Error(ErrorCode::kNotFound,
                "sequence \"" + name + "\": there is no folder " + (annotations / name).string());
  }
  std::map<std::string, fs::path> masks;  // by stem
  for (const fs::path& file : sorted_entries(annotations / name)) {
    if (file.extension() == ".png") masks[file.stem()] = file;
  }
  VideoSequence sequence{.name = name, .frames = {}};
  for (const fs::path& file : sorted_entries(images / name)) {
    if (file.extension() != ".jpg" && file.extension() != ".png") continue;
    auto mask = masks.extract(file.stem());
    sequence.frames.push_back({file, mask.empty() ? fs::path() : mask.mapped()});
  }
  if (!masks.empty()) {
    throw Error(ErrorCode::kInvalidValue, masks.begin()->second.string() +
                                              " has no image of the same name in " +
                                              (images / name).string());
  }
  return sequence;
}

}  // namespace

std::vector<std::string> read_sequence_list(const fs::path& file) {
  std::vector<std::string> names;
  for (std::string line : trimmed_lines(file)) {
    line.erase(std::min(line.find_first_of(" \t"), line.size()));
    const fs::path path(line);
    const std::string name = path.has_extension() ? path.parent_path().filename() : path;
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(name);
    }
  }
  if (names.empty()) {
    throw Error(ErrorCode::kInvalidValue, file.string() + " is empty, expected sequence names");
  }
  return names;
}

std::vector<VideoSequence> find_sequences(const fs::path& root,
                                          const std::vector<std::string>& names) {
  if (!fs::is_directory(root)) {
    throw Error(ErrorCode::kNotFound, "video folder " + root.string() + " does not exist");
  }
  const fs::path images = media_folder(root, "JPEGImages");
  const fs::path annotations = media_folder(root, "Annotations");
  std::vector<std::string> wanted = names.empty() ? listed_sequences(root) : names;
  if (wanted.empty()) {
    // Of both, so that a sequence that lacks its folder in one of them is not passed over.
    std::set<std::string> names_of_folders;
    for (const fs::path& media : {images, annotations}) {
      for (const auto& entry : fs::directory_iterator(media)) {
        if (entry.is_directory()) names_of_folders.insert(entry.path().filename());
      }
    }
    wanted.assign(names_of_folders.begin(), names_of_folders.end());
  }
  if (wanted.empty()) {
    throw Error(ErrorCode::kInvalidValue, images.string() + " holds no sequence folders");
  }
  std::vector<VideoSequence> sequences;
  for (const std::string& name : wanted) {
    sequences.push_back(read_sequence(name, images, annotations));
  }
  return sequences;
}

AnnotationRule annotation_rule(const cv::Mat& indices) {
  const bool others = cv::countNonZero((indices != 0) & (indices != 255)) > 0;
  return others ? AnnotationRule::kIndexed : AnnotationRule::kBinary;
}

cv::Mat object_label(const cv::Mat& indices, AnnotationRule rule) {
  cv::Mat label = cv::Mat::zeros(indices.size(), CV_8UC1);
  label.setTo(1, indices != 0);
  if (rule == AnnotationRule::kIndexed) label.setTo(255, indices == 255);
  return label;
}

}  // namespace cdfss
