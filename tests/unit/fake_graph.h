// A graph that the CPU can "capture", for tests of what is built on graphs.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>

#include "captured_runs.h"

namespace cdfss::testing {

// Remembers what was captured and does it again when replayed; counts what happens.
struct GraphCounts {
  int alive = 0, captures = 0, replays = 0;
  bool capture_fails = false;
};

class FakeGraph final : public CapturedGraph {
 public:
  explicit FakeGraph(GraphCounts& counts) : counts_(counts) { ++counts_.alive; }
  FakeGraph(const FakeGraph&) = delete;
  FakeGraph& operator=(const FakeGraph&) = delete;
  ~FakeGraph() override { --counts_.alive; }

  void capture(const std::function<void()>& body) override {
    ++counts_.captures;
    if (counts_.capture_fails) throw std::runtime_error("out of luck");
    body();
    body_ = body;
  }
  void replay() override {
    ++counts_.replays;
    body_();
  }

 private:
  GraphCounts& counts_;
  std::function<void()> body_;
};

inline GraphFactory fake_graphs(GraphCounts& counts) {
  return [&counts] { return std::make_unique<FakeGraph>(counts); };
}

}  // namespace cdfss::testing
