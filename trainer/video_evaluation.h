// Videos with their first mask given, scored on the frames after it.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/video_sequence.h"
#include "video_method.h"

namespace cdfss {

// One sequence with what is to be done with its frames.
struct VideoTask {
  VideoSequence sequence;
  AnnotationRule rule = AnnotationRule::kBinary;  // of all its masks, told from the support's
  int support = 0;                                // index of the frame whose mask is given
  std::vector<int> scored;                        // indices of the frames to segment, ascending
};

// The first frame whose mask holds an object is the support; scored are the annotated frames after
// it, at every N-th distance from it. Throws Error(kInvalidValue) naming the sequence when no mask
// holds an object or no frame is left to score.
VideoTask plan_video(VideoSequence sequence, int every);

struct SequenceScore {
  std::string name;
  double j = 0;    // mean region similarity |P & G| / |P | G|, both empty = 1
  double f = 0;    // mean contour accuracy
  int frames = 0;  // scored
};

struct VideoEvaluation {
  std::vector<SequenceScore> sequences;
  double seconds = 0;  // spent segmenting, without reading files and scoring

  int frames() const;     // scored in all
  double mean_j() const;  // mean over sequences
  double mean_f() const;
};

// Called after each frame with how many are done; false stops.
using VideoProgress = std::function<bool(int done, const SequenceScore& so_far)>;

// Scores every task's frames at frame size. The support frame is read as a support folder's images
// are, the scored ones by VideoDecoder, as in a pipeline; ignored pixels count for nothing. Masks
// go to `save_masks`/SEQUENCE/STEM.png (indices 0 and 1) unless that is empty. Throws
// Error(kInvalidValue) naming the annotation that is not of its frame's size, and as the method
// and VideoDecoder do.
VideoEvaluation evaluate_videos(VideoMethod& method, const std::vector<VideoTask>& tasks,
                                const std::filesystem::path& save_masks = {},
                                const VideoProgress& progress = {});

}  // namespace cdfss
