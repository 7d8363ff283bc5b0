#include "tensor/tensor_lifetime.h"

#include <ATen/ATen.h>
#include <c10/core/CPUAllocator.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace cdfss {
namespace {

constexpr auto kLeast = static_cast<std::int64_t>(TensorLifetimeGuard::kLeastBytes);

at::Tensor bytes(std::int64_t count) { return at::zeros({count}, at::kByte); }
bool in_arena(const at::Tensor& tensor) { return frame_arena().contains(tensor.const_data_ptr()); }

TEST(TensorLifetime, LargeTensorsOfAFrameComeFromTheArena) {
  EXPECT_FALSE(in_arena(bytes(kLeast)));
  {
    const TensorLifetimeGuard frame(TensorLifetime::kFrame);
    EXPECT_TRUE(in_arena(bytes(kLeast)));
    EXPECT_FALSE(in_arena(bytes(kLeast - 1)));
    {
      const TensorLifetimeGuard kept(TensorLifetime::kLasting);
      EXPECT_FALSE(in_arena(bytes(kLeast)));
    }
    EXPECT_TRUE(in_arena(bytes(kLeast)));
    bool elsewhere = true;
    std::thread([&] { elsewhere = in_arena(bytes(kLeast)); }).join();
    EXPECT_FALSE(elsewhere) << "the guard is another thread's";
  }
  EXPECT_FALSE(in_arena(bytes(kLeast)));
}

TEST(TensorLifetime, ATensorsMemoryIsUsedAgainWhoeverFreesIt) {
  at::Tensor tensor;
  {
    const TensorLifetimeGuard frame(TensorLifetime::kFrame);
    tensor = bytes(kLeast);
  }
  const void* const memory = tensor.const_data_ptr();
  std::thread([moved = std::move(tensor)]() mutable { moved.reset(); }).join();
  const TensorLifetimeGuard frame(TensorLifetime::kFrame);
  EXPECT_EQ(bytes(kLeast).const_data_ptr(), memory);
}

TEST(TensorLifetime, ATensorMayOutliveItsFrameAndGrow) {
  at::Tensor tensor;
  {
    const TensorLifetimeGuard frame(TensorLifetime::kFrame);
    tensor = at::arange(kLeast, at::kInt);
  }
  tensor.resize_({2 * kLeast});
  EXPECT_FALSE(in_arena(tensor));
  EXPECT_TRUE(tensor.narrow(0, 0, kLeast).equal(at::arange(kLeast, at::kInt)));
}

// As oneDNN does, which frees by address.
TEST(TensorLifetime, RawMemoryOfEitherKindIsFreedByAddress) {
  c10::Allocator* allocator = nullptr;
  void *lasting = nullptr, *of_frame = nullptr;
  {
    const TensorLifetimeGuard frame(TensorLifetime::kFrame);
    allocator = c10::GetCPUAllocator();
    of_frame = allocator->raw_allocate(kLeast);
    const TensorLifetimeGuard kept(TensorLifetime::kLasting);
    lasting = allocator->raw_allocate(kLeast);
  }
  EXPECT_TRUE(frame_arena().contains(of_frame));
  EXPECT_FALSE(frame_arena().contains(lasting));
  allocator->raw_deallocate(of_frame);
  const TensorLifetimeGuard frame(TensorLifetime::kFrame);
  EXPECT_EQ(bytes(kLeast).const_data_ptr(), of_frame);
  allocator->raw_deallocate(lasting);
}

TEST(TensorLifetime, WhatDoesNotFitIsLeftToTheAllocatorBefore) {
  const TensorLifetimeGuard frame(TensorLifetime::kFrame);
  try {
    at::empty({std::int64_t{1} << 60}, at::kByte);
    ADD_FAILURE() << "no error";
  } catch (const c10::Error& e) {
    EXPECT_NE(std::string(e.what()).find("DefaultCPUAllocator"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace cdfss
