#include "device_graph.h"

#ifdef CDFSS_CUDA_GRAPHS
#include <ATen/cuda/CUDAGraph.h>
#endif

namespace cdfss {

#ifdef CDFSS_CUDA_GRAPHS
namespace {

// To be captured on a stream other than the default one.
class CudaGraph final : public CapturedGraph {
 public:
  void capture(const std::function<void()>& body) override {
    // Threads that send or decide images meanwhile may allocate memory.
    graph_.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
    try {
      body();
    } catch (...) {
      end_after_failure();
      throw;
    }
    graph_.capture_end();
  }
  void replay() override { graph_.replay(); }

 private:
  // The stream must leave its capturing state; what went wrong is known already.
  void end_after_failure() noexcept {
    try {
      graph_.capture_end();
    } catch (const c10::Error&) {
    }
  }

  at::cuda::CUDAGraph graph_;
};

}  // namespace

GraphFactory graph_factory(c10::Device device) {
  if (!device.is_cuda()) return {};
  return [] { return std::make_unique<CudaGraph>(); };
}
#else
GraphFactory graph_factory(c10::Device /*device*/) { return {}; }
#endif

}  // namespace cdfss
