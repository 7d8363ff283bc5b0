#include "train_options.h"

#include "number_in.h"
#include "presets.h"

namespace cdfss {
namespace {

const auto kAtLeastOne = CLI::Range(1, 1 << 30);
const auto kAtLeastZero = CLI::Range(0, 1 << 30);

void add_data_options(CLI::App& app, TrainOptions& o) {
  const std::string group = "Data";
  app.add_option("--data", o.data,
                 "Source dataset, kind:ROOT[,key=value...]; repeat to merge several by class name")
      ->required()
      ->type_name("KIND:ROOT[,KEY=VALUE...]")
      ->group(group);
  app.add_option("--held-out", o.held_out,
                 "M,R: every M-th class in sorted order from the R-th on is kept out of training "
                 "and validated on")
      ->delimiter(',')
      ->expected(2)
      ->type_name("M,R")
      ->group(group);
  app.add_option("--validation", o.validation,
                 "Dataset to validate on (its test part if it has folds); repeatable, instead of "
                 "--held-out")
      ->type_name("KIND:ROOT[,KEY=VALUE...]")
      ->group(group);
  app.add_option("--shots", o.shots, "Support images an episode")
      ->check(kAtLeastOne)
      ->type_name("K")
      ->group(group);
  app.add_flag("--balance-classes", o.balance_classes,
               "Draw the class first, each equally often, instead of the query image")
      ->group(group);
  app.add_option("--input-size", o.augmentation.size,
                 "Side of the network's square input in pixels, a multiple of 8 plus 1")
      ->check(CLI::Range(41, 2049))
      ->type_name("PIXELS")
      ->group(group);
  app.add_option("--inference-size", o.inference_size,
                 "Side of the input that the model file names for its users, a multiple of 8 plus "
                 "1; 0 = --input-size")
      ->check(CLI::Range(0, 2049))
      ->type_name("PIXELS")
      ->group(group);
  app.add_option("--scale-min", o.augmentation.scale_min, "Least random scale of an image")
      ->check(number_in(0.05, 4.0))
      ->type_name("X")
      ->group(group);
  app.add_option("--scale-max", o.augmentation.scale_max, "Largest random scale of an image")
      ->check(number_in(0.05, 4.0))
      ->type_name("X")
      ->group(group);
  app.add_flag("--resize", o.augmentation.resize,
               "Fit the whole image into the input instead of cropping it")
      ->group(group);
  app.add_option("--amplitude-mix", o.amplitude_mix,
                 "Give the transformed views of the contrastive loss the amplitudes of another "
                 "episode's low frequencies, up to this share of the input's side, e.g. 0.01. "
                 "0 = off")
      ->check(number_in(0.0, 0.5))
      ->type_name("X")
      ->group(group);
  app.add_option("--feature-cache", o.feature_cache,
                 "Encode this many augmented views of each image once, as far as no memory "
                 "restyles them, and train on those; needs a frozen backbone. 3 to 4 MB of disk a "
                 "view at side 241. 0 = off")
      ->check(CLI::Range(0, 1000))
      ->type_name("N")
      ->group(group);
}

void add_model_options(CLI::App& app, TrainOptions& o, TrainOptionTexts& texts) {
  const std::string group = "Model";
  app.add_option("--backbone", o.network.backbone,
                 "resnet50-caffe, resnet50, resnet50-deep, resnet101, resnet101-deep")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--backbone-weights", o.backbone_weights,
                 "ImageNet weights, .safetensors or .pth; random if absent")
      ->type_name("FILE")
      ->group(group);
  app.add_option(
         "--init-from", o.init_from,
         "Model file to start from, with its similarity prior; a memory bank it lacks starts empty")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--object-directions", o.network.object_directions,
                 "Directions that describe a shot's object for the similarity prior; 0 = the "
                 "published network, without that prior")
      ->check(CLI::Range(0, 1000))
      ->type_name("N")
      ->group(group);
  app.add_option("--background-directions", o.network.background_directions,
                 "The same for a shot's background")
      ->check(CLI::Range(0, 1000))
      ->type_name("N")
      ->group(group);
  app.add_option("--pca-init", o.pca_init,
                 "Start the channel reduction at the principal components of this many images' "
                 "features; needs the similarity prior. 0 = random")
      ->check(kAtLeastZero)
      ->type_name("N")
      ->group(group);
  app.add_option("--memory-layers", texts.memory_layers,
                 "Backbone stages followed by a meta-memory, e.g. 0,1; none = no memory")
      ->type_name("LAYERS")
      ->group(group);
  app.add_option("--memory-slots", o.network.memory.slots, "Styles stored a layer")
      ->check(CLI::Range(1, 4096))
      ->type_name("N")
      ->group(group);
  app.add_option("--memory-update", texts.memory_update,
                 "nearest: a style moves the slot most like it; paper: Eq. 3-4 as printed")
      ->check(CLI::IsMember({"nearest", "paper"}))
      ->group(group);
  app.add_option("--memory-init", texts.memory_init,
                 "first: the first support styles; random: uniform 0..1")
      ->check(CLI::IsMember({"first", "random"}))
      ->group(group);
  app.add_option("--memory-momentum", o.network.memory.momentum,
                 "Share of a slot that stays at an update: lambda of Eq. 4")
      ->check(number_in(0.0, 1.0))
      ->type_name("X")
      ->group(group);
  app.add_option("--memory-alpha", o.network.memory.retention,
                 "Share of the own style that an enhanced image keeps: alpha of Eq. 7")
      ->check(number_in(0.0, 1.0))
      ->type_name("X")
      ->group(group);
  app.add_option("--alpha-mode", texts.alpha_mode,
                 "const: always --memory-alpha; beta: in training, drawn from Beta(.1, .1)")
      ->check(CLI::IsMember({"const", "beta"}))
      ->group(group);
  app.add_option("--enhancement-probability", o.network.memory.probability,
                 "How likely the memory restyles an image in training")
      ->check(number_in(0.0, 1.0))
      ->type_name("P")
      ->group(group);
  app.add_option("--enhance-with", texts.enhance_with,
                 "memory: stored styles; noise: drawn with the memory's mean and variance instead; "
                 "mixstyle: styles of the batch, after the stages of --memory-layers; mixup: "
                 "blended images. The last two train a network without memory")
      ->check(CLI::IsMember({"memory", "noise", "mixstyle", "mixup"}))
      ->group(group);
  app.add_option("--source-enhancement", texts.source_enhancement,
                 "none, support, query, both: whose style is changed in training; a memory picks "
                 "its least similar pair")
      ->check(CLI::IsMember({"none", "support", "query", "both"}))
      ->group(group);
  app.add_option("--target-enhancement", texts.target_enhancement,
                 "none, support, query, both, union: used in validation and stored in the model; "
                 "auto = both with a memory, else none")
      ->check(CLI::IsMember({"auto", "none", "support", "query", "both", "union"}))
      ->group(group);
}

void add_loss_options(CLI::App& app, TrainOptions& o) {
  const std::string group = "Losses";
  app.add_option("--foreground-weight", o.step.foreground_weight,
                 "How often a foreground pixel counts in the segmentation loss")
      ->check(number_in(1e-3, 1e3))
      ->type_name("X")
      ->group(group);
  app.add_option("--contrastive-weight", o.step.contrastive_weight,
                 "Weight of the contrastive loss; 0 skips its pass")
      ->check(number_in(0.0, 1e6))
      ->type_name("X")
      ->group(group);
  app.add_option("--orthogonal-weight", o.step.orthogonal_weight,
                 "Weight of the memory's orthogonal loss")
      ->check(number_in(0.0, 1e6))
      ->type_name("X")
      ->group(group);
  app.add_option("--temperature", o.step.temperature, "Temperature of the contrastive loss")
      ->check(number_in(1e-3, 1e3))
      ->type_name("X")
      ->group(group);
  app.add_flag("--prototype-gradient", o.step.prototype_gradient,
               "Let the segmentation loss reach the reduction through superpixel clustering")
      ->group(group);
}

void add_schedule_options(CLI::App& app, TrainOptions& o, TrainOptionTexts& texts) {
  const std::string group = "Optimisation";
  app.add_option("--batch", o.batch, "Episodes a step")
      ->check(kAtLeastOne)
      ->type_name("N")
      ->group(group);
  CLI::Option* epochs =
      app.add_option("--epochs", o.epochs, "Passes over the query images")->check(kAtLeastOne);
  epochs->type_name("N")->group(group);
  app.add_option("--steps", o.steps, "Training steps, instead of --epochs")
      ->check(kAtLeastOne)
      ->excludes(epochs)
      ->type_name("N")
      ->group(group);
  app.add_option("--max-seconds", o.max_seconds,
                 "Stop after this time, to be resumed; the schedule still spans all steps. 0 = no "
                 "limit")
      ->check(number_in(0.0, 1e9))
      ->type_name("SECONDS")
      ->group(group);
  app.add_option("--optimiser", texts.optimiser, "Optimiser")
      ->check(CLI::IsMember({"sgd", "adamw"}))
      ->group(group);
  app.add_option("--schedule", texts.schedule, "How the learning rates decay to 0 over all steps")
      ->check(CLI::IsMember({"poly", "cosine"}))
      ->group(group);
  app.add_option("--learning-rate", o.optimiser.learning_rate,
                 "Base learning rate: that of the memory bank")
      ->check(number_in(0.0, 1e3))
      ->type_name("RATE")
      ->group(group);
  app.add_option("--learning-rate-scale", o.optimiser.scale,
                 "The decoder and reduction learn at the base rate times this; 10 is what the "
                 "released ASGNet code does, so .0025 means .025")
      ->check(number_in(0.0, 1e3))
      ->type_name("X")
      ->group(group);
  app.add_option("--reduction-scale", o.optimiser.reduction_scale,
                 "The channel reduction learns at the decoder's rate times this")
      ->check(number_in(0.0, 1e3))
      ->type_name("X")
      ->group(group);
  app.add_option("--reduction-dropout", o.step.reduction_dropout,
                 "Share of reduced channels dropped in training")
      ->check(number_in(0.0, 0.99))
      ->type_name("P")
      ->group(group);
  app.add_option("--warmup", o.optimiser.warmup, "Steps over which the learning rates rise")
      ->check(kAtLeastZero)
      ->type_name("N")
      ->group(group);
  app.add_option("--momentum", o.optimiser.momentum, "Of sgd")
      ->check(number_in(0.0, 0.9999))
      ->type_name("X")
      ->group(group);
  app.add_option("--weight-decay", o.optimiser.weight_decay, "Of all but the memory bank")
      ->check(number_in(0.0, 1.0))
      ->type_name("X")
      ->group(group);
  app.add_flag("--train-backbone", o.optimiser.train_backbone, "Train the backbone, too")
      ->group(group);
  app.add_option("--backbone-learning-rate", o.optimiser.backbone_learning_rate,
                 "With --train-backbone")
      ->check(number_in(0.0, 1e3))
      ->type_name("RATE")
      ->group(group);
  app.add_option("--bn", texts.batch_norm,
                 "eval: the backbone's BatchNorm uses its stored statistics; train: the batch's, "
                 "and updates them")
      ->check(CLI::IsMember({"eval", "train"}))
      ->group(group);
}

void add_run_options(CLI::App& app, TrainOptions& o, TrainOptionTexts& texts) {
  const std::string group = "Run";
  app.add_option(
         "--preset", texts.preset,
         "Settings of the paper's ablations, where nothing else is said:\n" + list_presets())
      ->type_name("NAME")
      ->group(group);
  app.add_option(
         "--sweep", o.sweep,
         "Train a grid of runs instead, each with the other options given here, and compare "
         "them in one table in --output; FILE is JSON, see the training guide")
      ->configurable(false)  // it would be every run's, too
      ->type_name("FILE")
      ->group(group);
  app.add_option("--output", o.output,
                 "Folder of the run: models, checkpoint, metrics, configuration and report")
      ->required()
      ->type_name("DIR")
      ->group(group);
  app.add_flag("--resume", o.resume,
               "Go on with the run in --output, exactly where its last checkpoint was made, or "
               "start it if there is none; options left out are as they were")
      ->configurable(false)
      ->group(group);
  app.add_option("--checkpoint-every", o.checkpoint_every,
                 "Steps between checkpoints; 0 = every two minutes. One is also made at each "
                 "validation, at the end, and on Ctrl-C")
      ->check(kAtLeastZero)
      ->type_name("N")
      ->group(group);
  app.add_option("--export", o.export_file,
                 "Also write the final model (the best, if validated) here with half-precision "
                 "storage")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--validate-every", o.validate_every, "Steps between validations; 0 = each epoch")
      ->check(kAtLeastZero)
      ->type_name("N")
      ->group(group);
  app.add_option("--validation-episodes", o.validation_episodes, "Episodes a validation")
      ->check(kAtLeastOne)
      ->type_name("N")
      ->group(group);
  app.add_flag("--calibrate", o.calibrate,
               "Validate at the threshold of best mIoU, and store that in the model")
      ->group(group);
  app.add_option("--device", o.device, "auto, cpu, cuda, cuda:N")
      ->type_name("DEVICE")
      ->group(group);
  app.add_option("--precision", texts.precision,
                 "fp32; or of convolutions bf16, or fp16 with a scaled loss (meant for CUDA)")
      ->check(CLI::IsMember({"fp32", "bf16", "fp16"}))
      ->group(group);
  app.add_option("--threads", o.threads, "CPU threads of the network; 0 = one a core")
      ->check(CLI::Range(0, 1024))
      ->type_name("N")
      ->group(group);
  app.add_option("--loader-threads", o.loader_threads, "Threads that read and augment images")
      ->check(CLI::Range(1, 256))
      ->type_name("N")
      ->group(group);
  app.add_option("--seed", o.seed, "Of episodes, augmentation and initial weights")
      ->type_name("N")
      ->group(group);
}

}  // namespace

void add_train_options(CLI::App& app, TrainOptions& options, TrainOptionTexts& texts) {
  app.option_defaults()->always_capture_default();
  add_data_options(app, options);
  add_model_options(app, options, texts);
  add_loss_options(app, options);
  add_schedule_options(app, options, texts);
  add_run_options(app, options, texts);
}

}  // namespace cdfss
