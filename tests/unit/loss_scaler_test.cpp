#include "loss_scaler.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

#include "io_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;

LossScaler scaler(double scale, int good_steps) {
  LossScaler scaler(at::kCPU);
  scaler.set_state({{"loss_scaler.scale", at::full({1}, scale, at::kFloat)},
                    {"loss_scaler.good_steps", at::full({1}, good_steps, at::kLong)}},
                   "state");
  return scaler;
}

TEST(LossScaler, ScalesTheLossAndUnscalesItsGradients) {
  LossScaler scaler(at::kCPU);
  EXPECT_EQ(scaler.scaled(at::full({}, 0.5F)).item<float>(), 32768);
  const at::Tensor first = at::tensor({65536.0F, -131072.0F}), second = at::tensor({6.5536F});
  EXPECT_TRUE(scaler.unscale({first, second}));
  EXPECT_TRUE(at::equal(first, at::tensor({1.0F, -2.0F})));
  EXPECT_FLOAT_EQ(second.item<float>(), 1e-4F);
  EXPECT_EQ(scaler.scale(), 65536);
}

TEST(LossScaler, HalvesTheScaleWhenAGradientOverflows) {
  for (const float bad :
       {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    LossScaler halved = scaler(1024, 1999);
    EXPECT_FALSE(halved.unscale({at::ones({2}), at::tensor({0.0F, bad})}));
    EXPECT_EQ(halved.scale(), 512);
    EXPECT_EQ(halved.state().at("loss_scaler.good_steps").item<int>(), 0);
  }
}

TEST(LossScaler, DoublesTheScaleAfterTwoThousandGoodSteps) {
  LossScaler grows = scaler(1024, 1998);
  EXPECT_TRUE(grows.unscale({at::ones({1})}));
  EXPECT_EQ(grows.scale(), 1024);
  EXPECT_TRUE(grows.unscale({at::ones({1})}));
  EXPECT_EQ(grows.scale(), 2048);
  EXPECT_EQ(grows.state().at("loss_scaler.good_steps").item<int>(), 0);
}

TEST(LossScaler, RefusesAStateThatIsNone) {
  LossScaler scaler(at::kCPU);
  auto state = scaler.state();
  state.erase("loss_scaler.good_steps");
  expect_error(ErrorCode::kBadModel, {"file", "loss_scaler.good_steps"},
               [&] { scaler.set_state(state, "file"); });
  for (const float scale : {0.0F, -1.0F, std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN()}) {
    state = scaler.state();
    state["loss_scaler.scale"] = at::full({1}, scale);
    expect_error(ErrorCode::kBadModel, {"file", "loss_scaler.scale"},
                 [&] { scaler.set_state(state, "file"); });
  }
  EXPECT_EQ(scaler.scale(), 65536);
}

}  // namespace
}  // namespace cdfss
