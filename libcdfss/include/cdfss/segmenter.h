// Few-shot segmentation of images: load a model, give it a support set, segment.
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "cdfss/export.h"
#include "cdfss/image.h"
#include "cdfss/mask.h"
#include "cdfss/model_info.h"
#include "cdfss/support_set.h"

namespace cdfss {

// kAuto is fp16 on CUDA, bf16 on a CPU that multiplies it (AVX512-BF16 or AMX), else fp32. kInt8 is
// for CPUs with AVX512-VNNI or AVX-VNNI: nine tenths of the work are done in 8 bits, the rest in
// what kAuto would be; the ranges of the numbers are learnt from the support set's images.
enum class Precision { kAuto, kFp32, kBf16, kFp16, kInt8 };
CDFSS_EXPORT const char* to_string(Precision value);  // "auto", "fp32", "bf16", "fp16", "int8"

struct SegmenterOptions {
  std::string device = "auto";  // "auto" (cuda when there is one), "cpu", "cuda", "cuda:N"
  Precision precision = Precision::kAuto;
  int input_size = 0;       // network side S, (S - 1) % 8 == 0 and 41..2049; 0 = the model's
  float threshold = -1.0F;  // least foreground probability 0..1; -1 = the model's
  // Whose features the memory restyles; the model's own setting unless `use_model_enhancement` is
  // false.
  bool use_model_enhancement = true;
  TargetEnhancement target_enhancement = TargetEnhancement::kNone;
  int threads = 0;  // CPU threads of segment(); 0 = LibTorch's default
};

// Not thread-safe: one call at a time. Several of them may be used by several threads; those with
// the same model file, device and precision share one network, and images that are given to them at
// the same time run as one batch. Every failure is an Error; after one from set_support the
// previous support set is still in force.
class CDFSS_EXPORT Segmenter {
 public:
  // Reads and validates the whole model file. Throws Error(kNotFound | kUnreadable | kBadModel |
  // kInvalidValue | kOutOfMemory).
  explicit Segmenter(const std::filesystem::path& model, const SegmenterOptions& options = {});
  ~Segmenter();
  Segmenter(Segmenter&&) noexcept;
  Segmenter& operator=(Segmenter&&) noexcept;

  // Turns the support set into prototypes (SPEC A6, all shots of a class concatenated, A7), in
  // fp32 whatever the precision: for that long, the network is in memory in fp32, too. Throws
  // Error(kInvalidValue) for an empty set, or an object too small to be seen at input size, and
  // what the constructor throws; kUnreadable if the model file is no longer the one that was
  // loaded and the precision is not fp32.
  void set_support(const SupportSet& support);
  // The same, unless `stop` asks to give it up, which it does before the next labelled image:
  // false, and the previous support set is still in force.
  bool set_support(const SupportSet& support, const std::stop_token& stop);

  // Segments one image. Each pixel gets the class of highest foreground probability if that is at
  // least the threshold, else 0. Throws Error(kInvalidValue) for a bad view or when no support set
  // was given, (kInference | kOutOfMemory) when the network fails.
  Mask segment(const ImageView& image, bool with_probabilities = false);
  // The same into `mask`, reusing its memory.
  void segment(const ImageView& image, Mask& mask, bool with_probabilities = false);

  // Least foreground probability, 0..1. Throws Error(kInvalidValue) outside.
  void set_threshold(float threshold);

  // Weight, 0 (the default) to less than 1, of the previous image's probabilities in those of the
  // next: for video, where it steadies masks and delays them. Throws Error(kInvalidValue) outside.
  void set_temporal_smoothing(float weight);
  // Makes the next image the first of its scene.
  void forget_previous_image();

  const ModelInfo& model_info() const;
  int input_size() const;
  std::string device() const;                           // "cpu" or "cuda:N", resolved
  Precision precision() const;                          // resolved, never kAuto
  const std::vector<std::string>& class_names() const;  // of the support set in force

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cdfss
