#include "tensor/tensor_lifetime.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>

namespace cdfss {
namespace {

// Addresses, not memory. A frame takes tens of MB; what does not fit comes from the C library.
constexpr std::size_t kMostBytes = std::size_t{16} << 30;

thread_local TensorLifetime thread_lifetime = TensorLifetime::kLasting;

// Hands everything but a frame's large tensors on to the allocator that was there before.
class FrameAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    if (thread_lifetime == TensorLifetime::kFrame && bytes >= TensorLifetimeGuard::kLeastBytes) {
      void* const block = frame_arena().allocate(bytes);
      if (block != nullptr) return {block, block, &release, c10::Device(c10::kCPU)};
    }
    return before()->allocate(bytes);
  }

  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

  // oneDNN's memory comes without a deleter of its own, and may be of either kind.
  c10::DeleterFnPtr raw_deleter() const override {
    return before()->raw_deleter() == nullptr ? nullptr : &release_either;
  }

  // The one in use, installed by the first call.
  static c10::Allocator* before() {
    static c10::Allocator* const kBefore = [] {
      c10::Allocator* const found = c10::GetCPUAllocator();
      c10::SetCPUAllocator(new FrameAllocator);  // kept until the process ends, as tensors may be
      return found;
    }();
    return kBefore;
  }

 private:
  static void release(void* block) { frame_arena().release(block); }
  static void release_either(void* memory) {
    frame_arena().contains(memory) ? release(memory) : before()->raw_deleter()(memory);
  }
};

}  // namespace

Arena& frame_arena() {
  static auto* const kArena = new Arena(kMostBytes);  // never deleted: tensors may live longer
  return *kArena;
}

TensorLifetimeGuard::TensorLifetimeGuard(TensorLifetime lifetime) : before_(thread_lifetime) {
  FrameAllocator::before();
  thread_lifetime = lifetime;
}

TensorLifetimeGuard::~TensorLifetimeGuard() { thread_lifetime = before_; }

}  // namespace cdfss
