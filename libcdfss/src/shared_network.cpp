#include "shared_network.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <sys/stat.h>

#include <map>
#include <mutex>
#include <tuple>

#include "device.h"
#include "io/model_file.h"
#include "model/superpixel_clustering.h"
#include "run_network.h"

namespace cdfss {
namespace {

constexpr std::size_t kLargestBatch = 8;  // streams; more gain nothing and take memory

// A version of a file: another one in its place differs in one of these.
using FileVersion = std::tuple<dev_t, ino_t, off_t, std::int64_t, std::int64_t>;

// All zero for a file that is not there: loading it will say so.
FileVersion version_of(const std::filesystem::path& file) {
  struct stat status{};
  if (stat(file.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec,
          status.st_mtim.tv_nsec};
}

void use_threads(int threads) {
  static const int kDefault = at::get_num_threads();
  const int wanted = threads > 0 ? threads : kDefault;
  if (at::get_num_threads() != wanted) at::set_num_threads(wanted);
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
    network = std::make_shared<SharedNetwork>(file, device, precision);
    known = network;
  }
  return network;
}

SharedNetwork::SharedNetwork(const std::filesystem::path& file, c10::Device device,
                             Precision precision)
    : device_(device), precision_(precision), batcher_(kLargestBatch) {
  LoadedModel model = load_model(file);
  info_ = std::move(model.info);
  network_ = model.network;
  run_network("preparing the network", [&] {
    network_->to(device_);
    network_->prepare_inference(scalar_type(precision_));
  });
}

at::Tensor SharedNetwork::features(const at::Tensor& input, std::optional<Pick> pick) {
  const at::Tensor ready =
      input.to(device_).to(scalar_type(precision_)).contiguous(at::MemoryFormat::ChannelsLast);
  return network_->reduce(network_->backbone_features(ready, pick));
}

Prototypes SharedNetwork::prototypes(const at::Tensor& features, const at::Tensor& label,
                                     const at::Tensor& seeds) const {
  return network_->prototypes(features, label, seeds, kEvalIterations);
}

at::Tensor SharedNetwork::segment(const at::Tensor& input, std::optional<Pick> pick,
                                  const std::vector<Prototypes>& prototypes, int threads) {
  Request request{input, pick, prototypes, threads, {}, nullptr};
  const auto together = [](const Request& a, const Request& b) {
    return a.pick == b.pick && a.input.sizes() == b.input.sizes();
  };
  batcher_.process(request, together, [this](const std::vector<Request*>& batch) {
    try {
      run(batch);
    } catch (...) {
      for (Request* failed : batch) failed->failure = std::current_exception();
    }
  });
  if (request.failure != nullptr) std::rethrow_exception(request.failure);
  return request.logits;
}

void SharedNetwork::run(const std::vector<Request*>& batch) {
  use_threads(batch.front()->threads);
  run_network("segmenting an image", [&] {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> inputs;
    std::vector<std::int64_t> image_of_class;
    std::vector<Prototypes> prototypes;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      inputs.push_back(batch[i]->input);
      image_of_class.resize(image_of_class.size() + batch[i]->prototypes.size(),
                            static_cast<std::int64_t>(i));
      prototypes.insert(prototypes.end(), batch[i]->prototypes.begin(),
                        batch[i]->prototypes.end());
    }
    at::Tensor query = features(inputs.size() == 1 ? inputs[0] : at::cat(inputs),
                                batch.front()->pick);
    // decode() itself repeats one image; it wants several images as often as they have classes.
    if (batch.size() > 1) {
      query = query.index_select(0, at::tensor(image_of_class, at::kLong).to(device_));
    }
    const at::Tensor both = network_->decode(query, prototypes, false).logits;
    // softmax over two logits depends on their difference only, and resizing is linear.
    const at::Tensor logits = (both.select(1, 1) - both.select(1, 0)).to(at::kCPU, at::kFloat);
    std::int64_t first = 0;
    for (Request* request : batch) {
      const auto classes = static_cast<std::int64_t>(request->prototypes.size());
      request->logits = logits.narrow(0, first, classes);
      first += classes;
    }
  });
}

}  // namespace cdfss
