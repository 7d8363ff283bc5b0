#include "episode_loader.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "batch_queue.h"
#include "io_test_support.h"
#include "model/seed_placement.h"
#include "training_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::kSide;
using testing::loader_options;
using testing::SquaresDataset;

TEST(EpisodeLoader, EpisodesAreTensorsOfTheInputSize) {
  EpisodeLoader loader(std::make_shared<SquaresDataset>(), loader_options(true, 2));
  const TrainingEpisode episode = loader.next();
  EXPECT_EQ(episode.query_image.sizes(), (std::vector<std::int64_t>{kSide, kSide, 3}));
  EXPECT_EQ(episode.query_label.sizes(), (std::vector<std::int64_t>{kSide, kSide}));
  ASSERT_EQ(episode.support_images.size(), 2U);
  ASSERT_EQ(episode.transformed_images.size(), 2U);
  for (int shot = 0; shot < 2; ++shot) {
    EXPECT_TRUE(at::equal(episode.seeds[shot], place_seeds(episode.support_labels[shot])));
    EXPECT_FALSE(at::equal(episode.support_images[shot], episode.transformed_images[shot]));
  }
  EXPECT_NE(episode.description.find("query squares/"), std::string::npos) << episode.description;
  EXPECT_NE(episode.description.find("support squares/"), std::string::npos) << episode.description;
}

TEST(EpisodeLoader, TheNumberOfThreadsChangesNothing) {
  EpisodeLoaderOptions many = loader_options(true);
  many.threads = 3;
  many.queue = 7;
  EpisodeLoader one(std::make_shared<SquaresDataset>(), loader_options(true));
  EpisodeLoader three(std::make_shared<SquaresDataset>(), many);
  for (int i = 0; i < 25; ++i) {
    const TrainingEpisode a = one.next();
    const TrainingEpisode b = three.next();
    ASSERT_EQ(a.description, b.description) << i;
    ASSERT_TRUE(at::equal(a.query_image, b.query_image)) << i;
    ASSERT_TRUE(at::equal(a.transformed_labels[0], b.transformed_labels[0])) << i;
  }
}

TEST(EpisodeLoader, AnotherSeedGivesOtherEpisodes) {
  EpisodeLoaderOptions other = loader_options();
  other.seed = 6;
  EpisodeLoader a(std::make_shared<SquaresDataset>(), loader_options());
  EpisodeLoader b(std::make_shared<SquaresDataset>(), other);
  EXPECT_FALSE(at::equal(a.next().query_image, b.next().query_image));
}

TEST(EpisodeLoader, SkippedEpisodesAreThoseAtTheBegin) {
  EpisodeLoaderOptions later = loader_options(true);
  later.skip = 11;  // more than an epoch of nine
  EpisodeLoader all(std::make_shared<SquaresDataset>(), loader_options(true));
  EpisodeLoader rest(std::make_shared<SquaresDataset>(), later);
  for (int i = 0; i < 11; ++i) all.next();
  for (int i = 0; i < 5; ++i) {
    const TrainingEpisode a = all.next();
    const TrainingEpisode b = rest.next();
    ASSERT_EQ(a.description, b.description) << i;
    ASSERT_TRUE(at::equal(a.query_image, b.query_image)) << i;
    ASSERT_TRUE(at::equal(a.transformed_images[0], b.transformed_images[0])) << i;
  }
}

class UnreadableDataset : public SquaresDataset {
 public:
  cv::Mat image(int index) const override {
    throw Error(ErrorCode::kUnreadable, name(index) + " is broken");
  }
};

TEST(EpisodeLoader, AnUnreadableImageIsThrownByNext) {
  EpisodeLoader loader(std::make_shared<UnreadableDataset>(), loader_options());
  expect_error(ErrorCode::kUnreadable, {"squares/", "is broken"}, [&] { loader.next(); });
}

EpisodeBatch numbered_batch(int number) {
  EpisodeBatch batch;
  batch.class_ids = {number};
  return batch;
}

TEST(BatchQueue, KeepsTheOrderAndStaysAhead) {
  std::atomic<int> made = 0;
  BatchQueue queue([&] { return numbered_batch(made++); });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(queue.next().class_ids.front(), i);
  while (made < 22) std::this_thread::yield();  // without being asked
}

TEST(BatchQueue, ThrowsWhatTheSourceThrewAfterWhatItGave) {
  int made = 0;
  BatchQueue queue([&] {
    if (made == 2) throw Error(ErrorCode::kUnreadable, "picture 7 is broken");
    return numbered_batch(made++);
  });
  queue.next();
  queue.next();
  for (int i = 0; i < 2; ++i) {
    expect_error(ErrorCode::kUnreadable, {"picture 7"}, [&] { queue.next(); });
  }
}

TEST(StackEpisodes, ShotsOfAnEpisodeAreNeighbouringRows) {
  EpisodeLoader loader(std::make_shared<SquaresDataset>(), loader_options(true, 2));
  const std::vector<TrainingEpisode> episodes{loader.next(), loader.next()};
  const EpisodeBatch batch = stack_episodes(episodes);
  EXPECT_EQ(batch.size(), 2);
  EXPECT_EQ(batch.shots, 2);
  EXPECT_EQ(batch.class_ids, (std::vector<int>{episodes[0].class_id, episodes[1].class_id}));
  EXPECT_TRUE(at::equal(batch.query[1], episodes[1].query_image));
  EXPECT_TRUE(at::equal(batch.support[3], episodes[1].support_images[1]));
  EXPECT_TRUE(at::equal(batch.support_label[2], episodes[1].support_labels[0]));
  EXPECT_TRUE(at::equal(batch.transformed[1], episodes[0].transformed_images[1]));
  EXPECT_TRUE(at::equal(batch.seeds[2], episodes[1].seeds[0]));
}

}  // namespace
}  // namespace cdfss
