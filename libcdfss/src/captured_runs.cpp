#include "captured_runs.h"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>

#include <algorithm>

namespace cdfss {

bool RunKey::operator==(const RunKey& other) const {
  const auto same_owner = [](const std::weak_ptr<const void>& a,
                             const std::weak_ptr<const void>& b) {
    return !a.owner_before(b) && !b.owner_before(a);
  };
  return sizes == other.sizes && pick == other.pick && image_of == other.image_of &&
         std::equal(constants.begin(), constants.end(), other.constants.begin(),
                    other.constants.end(), same_owner);
}

bool RunKey::expired() const {
  return std::any_of(constants.begin(), constants.end(),
                     [](const std::weak_ptr<const void>& owner) { return owner.expired(); });
}

void CapturedRuns::give_up(const std::string& why) {
  make_graph_ = nullptr;
  entries_.clear();
  TORCH_WARN("cdfss: no graph could be captured, so images run without, which is slower: ", why);
}

at::Tensor CapturedRuns::captured(Entry& entry, const at::Tensor& input, const Function& function) {
  entry.input = input.clone();
  // Libraries set themselves up for a thread when it first uses them, which a recording does not
  // allow.
  const at::Tensor output = function(entry.input);
  try {
    entry.graph = make_graph_();
    entry.graph->capture([&entry, function] { entry.output = function(entry.input); });
  } catch (const c10::Error& e) {
    give_up(e.what_without_backtrace());
  } catch (const std::exception& e) {
    give_up(e.what());
  }
  return output;
}

at::Tensor CapturedRuns::run(const RunKey& key, const at::Tensor& input, const Function& function) {
  if (!make_graph_) return function(input);
  entries_.remove_if([](const Entry& entry) { return entry.key.expired(); });
  const auto known = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.key == key; });
  if (known == entries_.end()) {
    if (entries_.size() == kMostKeys) entries_.pop_back();
    entries_.push_front({.key = key, .graph = nullptr, .input = {}, .output = {}});
    return function(input);
  }
  entries_.splice(entries_.begin(), entries_, known);
  Entry& entry = entries_.front();
  if (entry.graph == nullptr) return captured(entry, input, function);
  entry.input.copy_(input, /*non_blocking=*/true);
  entry.graph->replay();
  return entry.output.clone();  // the next replay's is in the same memory
}

}  // namespace cdfss
