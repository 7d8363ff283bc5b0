// Computations that a device repeats from a recording, so that the host need not ask for each of
// their hundreds of operations again.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/meta_memory.h"

namespace cdfss {

// What a device can do again on the same memory.
class CapturedGraph {
 public:
  virtual ~CapturedGraph() = default;
  // Records what `body` asks of the device on the current stream, once; whether it is also done is
  // left open. Throws what `body` throws and c10::Error; then this is of no use any more.
  virtual void capture(const std::function<void()>& body) = 0;
  // Enqueues all that was recorded on the current stream. Throws c10::Error.
  virtual void replay() = 0;
};
using GraphFactory = std::function<std::unique_ptr<CapturedGraph>()>;

// What a recording is good for.
struct RunKey {
  std::vector<std::int64_t> sizes;  // of the input
  std::optional<Pick> pick;
  // The constants it reads beside the network's, one owner a class; it is dropped with any of them.
  std::vector<std::weak_ptr<const void>> constants;
  std::vector<std::int64_t> image_of;  // a class's, in the batch

  bool operator==(const RunKey& other) const;
  bool expired() const;
};

// For one thread at a time, always on the same stream, of which the device has done all that was
// enqueued before a call: a recording may be dropped by any.
class CapturedRuns {
 public:
  using Function = std::function<at::Tensor(const at::Tensor& input)>;
  static constexpr std::size_t kMostKeys = 8;  // another replaces the one not met for longest

  explicit CapturedRuns(GraphFactory make_graph) : make_graph_(std::move(make_graph)) {}

  // function(input), a tensor of its own. When a key is met for the second time, `function` is
  // recorded, which is then not called any more for that key: beside `input`, it may depend on what
  // belongs to the key only. If recording fails, LibTorch warns (TORCH_WARN) and `function` is
  // called for everything from then on. Throws what `function` throws.
  at::Tensor run(const RunKey& key, const at::Tensor& input, const Function& function);

 private:
  struct Entry {
    RunKey key;
    std::unique_ptr<CapturedGraph> graph;  // null: met once
    at::Tensor input, output;              // the graph's memory
  };
  // function(input), after which `entry` has a graph or recording has been given up.
  at::Tensor captured(Entry& entry, const at::Tensor& input, const Function& function);
  void give_up(const std::string& why);

  GraphFactory make_graph_;   // empty once recording has failed
  std::list<Entry> entries_;  // the last met first
};

}  // namespace cdfss
