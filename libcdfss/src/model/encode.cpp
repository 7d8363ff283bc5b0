#include "model/encode.h"

#include <ATen/ATen.h>

#include "tensor/image_threads.h"

namespace cdfss {
namespace {

constexpr int kLayer2 = 2;
constexpr int kLayer3 = 3;

// What a stage makes of features, or several that the hook leaves alone.
using Stages = std::function<at::Tensor(const at::Tensor& features)>;

at::Tensor channels_last_like(const at::Tensor& image, std::int64_t count) {
  return at::empty({count, image.size(1), image.size(2), image.size(3)},
                   image.options().memory_format(at::MemoryFormat::ChannelsLast));
}

bool by_image(const ResNet& encoder, const at::Tensor& x) {
  return encoder->is_folded() && x.is_cpu() && fill_threads(x.size(0));
}

at::Tensor run(const ResNet& encoder, const Stages& stages, const at::Tensor& x) {
  if (!by_image(encoder, x)) return stages(x);
  std::vector<at::Tensor> results(x.size(0));
  for_images(x.size(0), [&](std::int64_t i) { results[i] = stages(x.narrow(0, i, 1)); });
  const at::Tensor all = channels_last_like(results.front(), x.size(0));
  for_images(x.size(0), [&](std::int64_t i) { all.narrow(0, i, 1).copy_(results[i]); });
  return all;
}

// `first` to `last`, if any.
at::Tensor run_stages(ResNet& encoder, int first, int last, const at::Tensor& x) {
  at::Tensor y = x;
  for (int stage = first; stage <= last; ++stage) y = encoder->stage(stage, y);
  return y;
}

// Images (`next` = 0), or features for the stage `next`.
struct Pass {
  at::Tensor x;
  int next;
};

// As far as the last stage, 0 to 2, that the hook changes.
void run_to_last_change(ResNet& encoder, const StageHook& hook, Pass& pass) {
  for (int changed = pass.next; changed <= kLayer2; ++changed) {
    if (!hook.changes(changed)) continue;
    const Stages stages = [&](const at::Tensor& x) {
      return run_stages(encoder, pass.next, changed, x);
    };
    pass = {hook(changed, run(encoder, stages, pass.x)), changed + 1};
  }
}

at::Tensor finish(ResNet& encoder, const StageHook& hook, Pass pass) {
  run_to_last_change(encoder, hook, pass);
  if (hook.changes(kLayer3)) {
    const at::Tensor layer2 = run(
        encoder, [&](const at::Tensor& x) { return run_stages(encoder, pass.next, kLayer2, x); },
        pass.x);
    const at::Tensor layer3 =
        run(encoder, [&](const at::Tensor& x) { return encoder->stage(kLayer3, x); }, layer2);
    return at::cat({hook(kLayer3, layer3), layer2}, 1);
  }
  return run(
      encoder,
      [&](const at::Tensor& x) {
        const at::Tensor layer2 = run_stages(encoder, pass.next, kLayer2, x);
        return at::cat({encoder->stage(kLayer3, layer2), layer2}, 1);
      },
      pass.x);
}

at::Tensor finish_in(const PixelSet& pixels, ResNet& encoder, const StageHook& hook, Pass pass) {
  run_to_last_change(encoder, hook, pass);
  const auto strips = [&](const PixelSet& set, const at::Tensor& x) {
    const at::Tensor layer2 = run_stages(encoder, pass.next, kLayer2, x);
    return at::cat({encoder->last_stage_in(set, layer2), set.strips_of(layer2)}, 1);
  };
  if (!by_image(encoder, pass.x)) return strips(pixels, pass.x);
  std::vector<at::Tensor> of_images(pass.x.size(0));
  // The images of most pixels first, so that threads end at about the same time.
  const at::Tensor order = pixels.counts().argsort(/*stable=*/true, /*dim=*/0, /*descending=*/true);
  const std::int64_t* const by_pixels = order.const_data_ptr<std::int64_t>();
  for_images(pass.x.size(0), [&](std::int64_t place) {
    const std::int64_t i = by_pixels[place];
    of_images[i] = strips(pixels.of_image(i), pass.x.narrow(0, i, 1));
  });
  return pixels.joined(of_images);
}

// From the features of `stage` before the hook.
Pass pass_from(int stage, const at::Tensor& features, const StageHook& hook) {
  return {hook(stage, features), stage + 1};
}

}  // namespace

at::Tensor encode(ResNet encoder, const at::Tensor& images, const StageHook& after_stage) {
  return finish(encoder, after_stage, {images, 0});
}

at::Tensor encode_from(ResNet encoder, int stage, const at::Tensor& features,
                       const StageHook& after_stage) {
  return finish(encoder, after_stage, pass_from(stage, features, after_stage));
}

at::Tensor encode_in(const PixelSet& pixels, ResNet encoder, const at::Tensor& images,
                     const StageHook& after_stage) {
  return finish_in(pixels, encoder, after_stage, {images, 0});
}

at::Tensor encode_from_in(const PixelSet& pixels, ResNet encoder, int stage,
                          const at::Tensor& features, const StageHook& after_stage) {
  return finish_in(pixels, encoder, after_stage, pass_from(stage, features, after_stage));
}

}  // namespace cdfss
