#include "cdfss/error.h"
#include "data/dataset_kinds.h"
#include "data/image_file.h"
#include "data/index_mask_dataset.h"
#include "data/video_sequence.h"

namespace cdfss {
namespace {

constexpr int kWhite = 255;

// The first of a sequence's masks that has the value.
const ImageAndMask& mask_with(int value, const std::vector<ImageAndMask>& files,
                              const std::vector<ValueCounts>& counts, std::size_t begin) {
  while (counts[begin][value] == 0) ++begin;
  return files[begin];
}

// DAVIS-2016 draws its one object white; DAVIS-2017 numbers objects from 1 and ignores 255. The
// values of a sequence's objects; a number that skips others would be one of neither, and would
// turn white from an object into what is ignored.
std::vector<int> object_values(const std::vector<ImageAndMask>& files,
                               const std::vector<ValueCounts>& counts, std::size_t begin,
                               std::size_t end) {
  std::vector<int> values;
  for (int value = 1; value <= kWhite; ++value) {
    for (std::size_t frame = begin; frame < end; ++frame) {
      if (counts[frame][value] > 0) {
        values.push_back(value);
        break;
      }
    }
  }
  if (values.size() > 1 && values.back() == kWhite) {
    values.pop_back();
  }
  for (std::size_t i = 0; i < values.size() && values != std::vector{kWhite}; ++i) {
    const int expected = static_cast<int>(i) + 1;
    if (values[i] != expected) {
      throw Error(ErrorCode::kInvalidValue,
                  mask_with(values[i], files, counts, begin).mask.string() + " has the value " +
                      std::to_string(values[i]) + ", and no mask of its sequence has " +
                      std::to_string(expected) +
                      "; expected one object of 255 (DAVIS-2016), or objects 1, 2, ... and 255 for "
                      "what is ignored (DAVIS-2017)");
    }
  }
  return values;
}

}  // namespace

std::shared_ptr<const Dataset> open_davis_dataset(const DatasetSpec& spec) {
  require_known_options(spec, {"list", "minimum_area", "split"});
  IndexMasks masks{.minimum_area = minimum_area_option(spec),
                   .read = [](const ImageAndMask& file) { return read_index(file.mask); }};
  const auto list = list_option(spec, spec.root / "ImageSets");
  const std::vector<VideoSequence> sequences = find_sequences(
      spec.root, list ? read_sequence_list(*list) : std::vector<std::string>{});  // {}: all
  for (std::size_t sequence = 0; sequence < sequences.size(); ++sequence) {
    for (const VideoFrame& frame : sequences[sequence].frames) {
      if (frame.annotation.empty()) {
        throw Error(ErrorCode::kInvalidValue, frame.image.string() +
                                                  " has no mask, expected an annotation of the "
                                                  "same name");
      }
      masks.files.push_back(
          {.image = frame.image, .mask = frame.annotation, .meaning = static_cast<int>(sequence)});
    }
  }
  const std::vector<ValueCounts> counts = count_values(masks.files, masks.read);
  std::size_t begin = 0;
  for (const VideoSequence& sequence : sequences) {
    const std::size_t end = begin + sequence.frames.size();
    const std::vector<int> values = object_values(masks.files, counts, begin, end);
    if (values.empty()) {
      throw Error(ErrorCode::kInvalidValue,
                  "sequence '" + sequence.name + "' in " + spec.root.string() +
                      " has no object in any of its " + std::to_string(end - begin) + " masks");
    }
    MaskMeaning meaning = empty_meaning();
    for (const int value : values) {
      meaning[value] = static_cast<int>(masks.classes.size());
      masks.classes.push_back(values.size() == 1 ? sequence.name
                                                 : sequence.name + "/" + std::to_string(value));
    }
    masks.meanings.push_back(meaning);
    begin = end;
  }
  return std::make_shared<IndexMaskDataset>(std::move(masks), counts);
}

}  // namespace cdfss
