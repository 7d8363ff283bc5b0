// finish_options(): from words to values, and which options go together.
#include <sstream>
#include <utility>

#include "process_group.h"
#include "train_options.h"

namespace cdfss {
namespace {

std::vector<int> parse_layers(const std::string& text) {
  std::vector<int> layers;
  if (text.empty() || text == "none") return layers;
  std::istringstream stream(text);
  std::string item;
  while (std::getline(stream, item, ',')) {
    if (item.size() != 1 || item[0] < '0' || item[0] > '3') {
      throw CLI::ValidationError("--memory-layers", "'" + text +
                                                        "': expected none or stages 0 to 3 "
                                                        "separated by commas, e.g. 0,1");
    }
    layers.push_back(item[0] - '0');
  }
  return layers;
}

TargetEnhancement parse_enhancement(const std::string& text, bool has_memory) {
  if (text == "auto") return has_memory ? TargetEnhancement::kBoth : TargetEnhancement::kNone;
  return target_enhancement_from_string(text);
}

// Who is put in another style, and how.
void set_enhancement(TrainOptions& o, const TrainOptionTexts& texts) {
  const std::string& who = texts.source_enhancement;
  o.step.enhance_support = who == "support" || who == "both";
  o.step.enhance_query = who == "query" || who == "both";
  o.network.memory.beta_retention = texts.alpha_mode == "beta";
  if (texts.enhance_with == "noise") {
    o.network.memory.lookup = MemoryLookup::kNoise;
  } else if (texts.enhance_with == "mixstyle") {
    o.step.encoder.style_shift = StyleShift::kMixStyle;
    o.step.encoder.mixing_layers = std::exchange(o.network.memory_layers, {});
  } else if (texts.enhance_with == "mixup") {
    o.step.encoder.style_shift = StyleShift::kMixUp;
    o.network.memory_layers.clear();
  }
}

bool shifts_style(const TrainingStepOptions& o) {
  return o.encoder.style_shift != StyleShift::kMemory && (o.enhance_support || o.enhance_query);
}

void check_amplitude_mix(const TrainOptions& o) {
  if (o.amplitude_mix == 0) return;
  if (o.step.contrastive_weight == 0) {
    throw CLI::ValidationError("--amplitude-mix",
                               "needs a contrastive loss: --contrastive-weight above 0");
  }
  if (o.batch < 2) {
    throw CLI::ValidationError("--amplitude-mix",
                               "takes another episode of the batch: expected --batch 2 or more");
  }
}

void check_feature_cache(const TrainOptions& o) {
  if (o.feature_cache == 0) return;
  const auto refuse = [](const std::string& why) {
    throw CLI::ValidationError("--feature-cache", "cached features are fixed: " + why);
  };
  if (shifts_style(o.step)) refuse("it does not go with --enhance-with mixstyle or mixup");
  if (o.amplitude_mix > 0) refuse("it does not go with --amplitude-mix");
  if (o.step.encoder.train_backbone) refuse("it does not go with --train-backbone");
  if (o.step.encoder.train_batch_norm) refuse("it does not go with --bn train");
}

// What draws by chance within a batch, or reads the whole of it, cannot be shared out.
void check_processes(const TrainOptions& o, const TrainOptionTexts& texts) {
  if (!in_a_group()) return;
  const auto refuse = [](const std::string& option) {
    throw CLI::ValidationError(option, "does not go with several processes");
  };
  if (o.step.encoder.train_batch_norm) refuse("--bn train");
  if (texts.enhance_with != "memory") refuse("--enhance-with " + texts.enhance_with);
  if (o.network.memory.beta_retention) refuse("--alpha-mode beta");
  if (o.network.memory.probability < 1) refuse("--enhancement-probability");
  if (o.amplitude_mix > 0) refuse("--amplitude-mix");
  if (o.feature_cache > 0) refuse("--feature-cache");
}

}  // namespace

void finish_options(TrainOptions& o, const TrainOptionTexts& texts) {
  o.network.memory_layers = parse_layers(texts.memory_layers);
  set_enhancement(o, texts);
  o.target_enhancement =
      parse_enhancement(texts.target_enhancement, !o.network.memory_layers.empty());
  o.network.memory.update =
      texts.memory_update == "paper" ? MemoryUpdate::kPaper : MemoryUpdate::kNearest;
  o.network.memory.init =
      texts.memory_init == "random" ? MemoryInit::kRandom : MemoryInit::kFirstInstances;
  o.optimiser.kind = texts.optimiser == "adamw" ? OptimiserKind::kAdamW : OptimiserKind::kSgd;
  o.optimiser.schedule = texts.schedule == "cosine" ? Schedule::kCosine : Schedule::kPoly;
  o.step.encoder.precision = texts.precision == "bf16"   ? at::kBFloat16
                             : texts.precision == "fp16" ? at::kHalf
                                                         : at::kFloat;
  o.optimiser.scale_loss = texts.precision == "fp16";
  o.step.encoder.train_batch_norm = texts.batch_norm == "train";
  o.step.encoder.train_backbone = o.optimiser.train_backbone;

  const int stored = o.inference_size;
  if (stored != 0 && (stored < 41 || stored % 8 != 1)) {
    throw CLI::ValidationError("--inference-size", std::to_string(stored) +
                                                       ": expected 0, or a multiple of 8 plus 1 "
                                                       "from 41, like 473");
  }
  if (o.augmentation.size % 8 != 1) {
    throw CLI::ValidationError("--input-size", std::to_string(o.augmentation.size) +
                                                   ": expected a multiple of 8 plus 1, like 473");
  }
  if (o.augmentation.scale_min > o.augmentation.scale_max) {
    throw CLI::ValidationError("--scale-min", "is larger than --scale-max");
  }
  if (!o.held_out.empty() &&
      (o.held_out[0] < 2 || o.held_out[1] < 0 || o.held_out[1] >= o.held_out[0])) {
    throw CLI::ValidationError("--held-out", "expected M,R with M of 2 or more and 0 <= R < M");
  }
  if (!o.held_out.empty() && !o.validation.empty()) {
    throw CLI::ValidationError("--validation", "does not go with --held-out");
  }
  if (o.calibrate && o.held_out.empty() && o.validation.empty()) {
    throw CLI::ValidationError("--calibrate", "needs --held-out or --validation");
  }
  if ((o.network.object_directions > 0) != (o.network.background_directions > 0)) {
    throw CLI::ValidationError("--object-directions",
                               "and --background-directions are both 0 or both 1 or more");
  }
  if (o.pca_init > 0 && !o.network.has_prior()) {
    throw CLI::ValidationError("--pca-init",
                               "needs --object-directions and --background-directions");
  }
  if (o.pca_init > 0 && !o.init_from.empty()) {
    throw CLI::ValidationError("--pca-init", "does not go with --init-from");
  }
  check_amplitude_mix(o);
  check_feature_cache(o);
  check_processes(o, texts);
}

}  // namespace cdfss
