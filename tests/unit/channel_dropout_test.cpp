#include "model/channel_dropout.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

namespace cdfss {
namespace {

at::Tensor dropped(double share, BatchShard shard, std::int64_t rows) {
  ChannelDropout dropout(share);
  dropout->set_shard(shard);
  at::manual_seed(7);
  return dropout->forward(at::ones({rows, 16, 2, 3}));
}

TEST(ChannelDropout, ZeroesWholeChannelsAndScalesTheOthers) {
  const at::Tensor out = dropped(0.25, {}, 64);
  const at::Tensor first = out.select(2, 0).select(2, 0);
  EXPECT_TRUE(at::equal(out, first.unsqueeze(2).unsqueeze(3).expand_as(out)));
  const at::Tensor kept = first.ne(0);
  EXPECT_TRUE(at::allclose(first.masked_select(kept), at::full({}, 1 / 0.75F)));
  // 1024 draws: within five standard deviations.
  EXPECT_NEAR(kept.to(at::kDouble).mean().item<double>(), 0.75, 0.07);
}

TEST(ChannelDropout, IsTheReleasedDropoutOfOneProcess) {
  at::manual_seed(7);
  const at::Tensor expected = at::feature_dropout(at::ones({4, 16, 2, 3}), 0.5, true);
  EXPECT_TRUE(at::equal(dropped(0.5, {}, 4), expected));
}

TEST(ChannelDropout, ShardsTogetherDropWhatTheWholeBatchWould) {
  const at::Tensor whole = dropped(0.5, {}, 6);
  const at::Tensor parts =
      at::cat({dropped(0.5, {.index = 0, .count = 3}, 2), dropped(0.5, {.index = 1, .count = 3}, 2),
               dropped(0.5, {.index = 2, .count = 3}, 2)});
  EXPECT_TRUE(at::equal(parts, whole));
}

// Of two processes' 6 rows the second one's 3 threads, each with a generator of its own.
TEST(ChannelDropout, PartsTogetherDropWhatTheirShardWould) {
  const BatchShard shard{.index = 1, .count = 2};
  const at::Tensor expected = dropped(0.5, shard, 6);
  at::manual_seed(7);
  std::vector<at::Tensor> rows;
  for (int i = 0; i < 3; ++i) {
    DropoutOfPart part({.index = i, .count = 3}, at::detail::getDefaultCPUGenerator().clone());
    const DropoutOfPart::Scope scope(part);
    ChannelDropout dropout(0.5);
    dropout->set_shard(shard);
    rows.push_back(dropout->forward(at::ones({2, 16, 2, 3})));
  }
  EXPECT_TRUE(at::equal(at::cat(rows), expected));
  EXPECT_TRUE(at::equal(dropped(0.5, shard, 6), expected));  // without a part, as before
}

TEST(ChannelDropout, IsTheIdentityOutsideTraining) {
  ChannelDropout dropout(0.5);
  dropout->eval();
  const at::Tensor x = at::rand({2, 3, 4, 4});
  EXPECT_TRUE(dropout->forward(x).is_same(x));
}

}  // namespace
}  // namespace cdfss
