#include "request_batcher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace cdfss {
namespace {

struct Request {
  int kind;
  std::size_t batch = 0;  // size of the batch that it ran in
};

bool same_kind(const Request& a, const Request& b) { return a.kind == b.kind; }

void settled() {}

class BatcherTest : public ::testing::Test {
 protected:
  // Runs the first request in a thread of its own and keeps it running until release().
  void occupy() {
    first_ = std::thread([this] {
      batcher_.process(blocking_, same_kind, settled, [this](const std::vector<Request*>& batch) {
        EXPECT_EQ(batch.size(), 1U);
        running_ = true;
        while (!released_) std::this_thread::yield();
      });
    });
    while (!running_) std::this_thread::yield();
  }
  void release() {
    released_ = true;
    first_.join();
  }
  // Requests of these kinds that wait behind the first one; their batch sizes once all are done.
  std::vector<std::size_t> run_behind(const std::vector<int>& kinds) {
    std::vector<Request> requests;
    for (const int kind : kinds) requests.push_back({kind});
    std::atomic<int> arrived{0};
    std::vector<std::thread> threads;
    for (Request& request : requests) {
      threads.emplace_back([&] {
        ++arrived;
        batcher_.process(request, same_kind, settled, [](const std::vector<Request*>& batch) {
          for (Request* done : batch) done->batch = batch.size();
        });
      });
    }
    while (arrived < static_cast<int>(kinds.size())) std::this_thread::yield();
    // Arrived is not yet waiting: give the threads the time to.
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    release();
    for (std::thread& thread : threads) thread.join();
    std::vector<std::size_t> sizes;
    for (const Request& request : requests) sizes.push_back(request.batch);
    return sizes;
  }

  RequestBatcher<Request> batcher_{3};
  Request blocking_{0};
  std::thread first_;
  std::atomic<bool> running_{false}, released_{false};
};

TEST_F(BatcherTest, ALoneRequestRunsAtOnceInItsThread) {
  Request request{1};
  std::thread::id ran_in;
  batcher_.process(request, same_kind, settled, [&](const std::vector<Request*>& batch) {
    EXPECT_EQ(batch, std::vector<Request*>{&request});
    ran_in = std::this_thread::get_id();
  });
  EXPECT_EQ(ran_in, std::this_thread::get_id());
}

TEST_F(BatcherTest, WhatWaitsRunsTogether) {
  occupy();
  EXPECT_EQ(run_behind({1, 1}), (std::vector<std::size_t>{2, 2}));
}

TEST_F(BatcherTest, OnlyWhatFitsRunsTogether) {
  occupy();
  EXPECT_EQ(run_behind({1, 2}), (std::vector<std::size_t>{1, 1}));
}

TEST_F(BatcherTest, BatchesAreBounded) {
  occupy();
  const auto sizes = run_behind({1, 1, 1, 1});
  EXPECT_EQ(std::count(sizes.begin(), sizes.end(), 3U), 3);
  EXPECT_EQ(std::count(sizes.begin(), sizes.end(), 1U), 1);
}

// As long as the device is busy with the batch before, nothing is lost by gathering.
TEST_F(BatcherTest, WhatArrivesWhileTheBatchBeforeSettlesRunsWithTheNext) {
  Request first{1}, second{1};
  std::thread late;
  const auto record = [](const std::vector<Request*>& batch) {
    for (Request* done : batch) done->batch = batch.size();
  };
  const auto settle = [&] {
    if (late.joinable()) return;
    late = std::thread([&] { batcher_.process(second, same_kind, settled, record); });
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  };
  batcher_.process(first, same_kind, settle, record);
  late.join();
  EXPECT_EQ(first.batch, 2U);
  EXPECT_EQ(second.batch, 2U);
}

}  // namespace
}  // namespace cdfss
