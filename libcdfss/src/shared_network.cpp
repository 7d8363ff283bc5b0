#include "shared_network.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/StreamGuard.h>
#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>

#include "cdfss/error.h"
#include "device.h"
#include "device_graph.h"
#include "io/model_file.h"
#include "model/superpixel_clustering.h"
#include "run_network.h"
#include "unused_memory.h"

namespace cdfss {
namespace {

constexpr std::size_t kLargestBatch = 8;  // streams; more gain nothing and take memory

// All zero for a file that is not there: loading it will say so.
FileVersion version_of(const std::filesystem::path& file) {
  struct stat status{};
  if (stat(file.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec,
          status.st_mtim.tv_nsec};
}

}  // namespace

std::shared_ptr<SharedNetwork> SharedNetwork::open(const std::filesystem::path& file,
                                                   c10::Device device, Precision precision) {
  using Key = std::tuple<FileVersion, std::string, Precision>;
  static std::mutex lock;  // held while loading, so that two that start together load once
  static std::map<Key, std::weak_ptr<SharedNetwork>> networks;
  const std::lock_guard held(lock);
  std::erase_if(networks, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<SharedNetwork>& known = networks[{version_of(file), device.str(), precision}];
  std::shared_ptr<SharedNetwork> network = known.lock();
  if (network == nullptr) {
    network = std::make_shared<SharedNetwork>(file, device, precision, graph_factory(device));
    known = network;
  }
  return network;
}

SharedNetwork::SharedNetwork(const std::filesystem::path& file, c10::Device device,
                             Precision precision, const GraphFactory& make_graph)
    : file_(file),
      version_(version_of(file)),
      device_(device),
      precision_(precision),
      stream_(run_network("preparing the device", [&] { return new_stream(device); })),
      batcher_(kLargestBatch) {
  if (make_graph) captured_.emplace(make_graph);
  LoadedModel model = load_model(file);
  info_ = std::move(model.info);
  run_network("preparing the network", [&] {
    model.network->to(device_);
    network_ = std::make_unique<FrameNetwork>(model.network, scalar_type(precision_),
                                              precision_ == Precision::kInt8);
    current_stream(device_).synchronize();  // other streams read the weights
  });
}

SharedNetwork::~SharedNetwork() {
  network_.reset();
  release_unused_memory();
}

std::shared_ptr<SharedNetwork> SharedNetwork::in_float32() {
  if (precision_ == Precision::kFp32) return shared_from_this();
  std::shared_ptr<SharedNetwork> exact = open(file_, device_, Precision::kFp32);
  if (exact->version_ != version_) {
    throw Error(ErrorCode::kUnreadable,
                file_.string() +
                    ": changed since it was loaded; expected the same file, to read a "
                    "support set with");
  }
  return exact;
}

at::Tensor SharedNetwork::features(const at::Tensor& input, std::optional<Pick> pick) {
  const TensorLifetimeGuard guard = of_frame();
  return network_->features(input.to(device_), pick);
}

std::unique_ptr<ActivationRanges> SharedNetwork::unknown_ranges() const {
  if (precision_ != Precision::kInt8) return nullptr;
  return std::make_unique<ActivationRanges>(network_->unknown_ranges());
}

void SharedNetwork::learn(ActivationRanges& ranges, const at::Tensor& input,
                          std::optional<Pick> pick, const ClassGuide& guide) {
  const TensorLifetimeGuard guard = of_frame();
  const at::Tensor query = network_->features(input, pick, &ranges);
  network_->decoder().logits(query, {&guide}, {0}, &ranges);
}

Prototypes SharedNetwork::prototypes(const at::Tensor& features, const at::Tensor& label,
                                     const at::Tensor& seeds) const {
  return network_->network()->prototypes(features.to(at::kFloat), label, seeds, kEvalIterations);
}

ClassGuide SharedNetwork::guide(const Prototypes& prototypes) const {
  return network_->decoder().guide(prototypes);
}

at::Tensor SharedNetwork::segment(const at::Tensor& input, std::optional<Pick> pick,
                                  const std::vector<ClassGuide>& classes,
                                  ActivationRanges* ranges) {
  return run_network("segmenting an image", [&] {
    Request request{input, pick, classes, ranges, StreamMark(device_), {}, {}, nullptr};
    const auto together = [](const Request& a, const Request& b) {
      return a.pick == b.pick && a.ranges == b.ranges && a.input.sizes() == b.input.sizes();
    };
    batcher_.process(
        request, together, [this] { settle(); },
        [this](const std::vector<Request*>& batch) {
          try {
            run(batch);
          } catch (...) {
            for (Request* failed : batch) failed->failure = std::current_exception();
          }
        });
    if (request.failure != nullptr) std::rethrow_exception(request.failure);
    request.finished->hold_up_current();
    return request.logits;
  });
}

// Requests that come while the device is busy would otherwise be enqueued one by one.
void SharedNetwork::settle() const noexcept {
  try {
    stream_.synchronize();
  } catch (...) {  // of the batch before, whose callers learn of it on their streams
  }
}

void SharedNetwork::run(std::vector<Request*> batch) {
  const at::NoGradGuard no_grad;
  const TensorLifetimeGuard guard = of_frame();
  const c10::StreamGuard on_stream(stream_);
  if (captured_) {  // the same requests make the same batch, whoever came first
    std::sort(batch.begin(), batch.end(), [](const Request* a, const Request* b) {
      return std::less<>()(&a->classes, &b->classes);
    });
  }
  const std::optional<Pick> pick = batch.front()->pick;
  ActivationRanges* const ranges = batch.front()->ranges;
  std::vector<at::Tensor> inputs;
  std::vector<std::int64_t> image_of_class;
  std::vector<const ClassGuide*> classes;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch[i]->arrived.hold_up_current();
    inputs.push_back(batch[i]->input);
    for (const ClassGuide& guide : batch[i]->classes) {
      classes.push_back(&guide);
      image_of_class.push_back(static_cast<std::int64_t>(i));
    }
  }
  const auto logits_of = [this, pick, ranges, classes, image_of_class](const at::Tensor& images) {
    const at::Tensor query = network_->features(images, pick, ranges);
    return network_->decoder().logits(query, classes, image_of_class, ranges);
  };
  const at::Tensor input = inputs.size() == 1 ? inputs[0] : at::cat(inputs);
  at::Tensor logits;
  if (captured_) {
    RunKey key{input.sizes().vec(), pick, {}, image_of_class};
    for (const ClassGuide* guide : classes) key.constants.push_back(guide->directions);
    logits = captured_->run(key, input, logits_of);
  } else {
    logits = logits_of(input);
  }
  std::int64_t first = 0;
  for (Request* request : batch) {
    const auto count = static_cast<std::int64_t>(request->classes.size());
    request->logits = logits.narrow(0, first, count);
    request->finished.emplace(device_);
    first += count;
  }
  if (prepared_sides_.insert(logits.size(2)).second) release_unused_memory();
}

}  // namespace cdfss
