// Makes batches ahead of the training step, on a thread of its own.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

#include "episode_batch.h"

namespace cdfss {

// Batches come in the order in which the source gives them, so that the thread changes nothing but
// when they are made.
class BatchQueue {
 public:
  // `source` is called on the thread only, and must live as long as the queue.
  explicit BatchQueue(std::function<EpisodeBatch()> source);
  ~BatchQueue();  // waits for the batch that is being made
  BatchQueue(const BatchQueue&) = delete;
  BatchQueue& operator=(const BatchQueue&) = delete;

  // Waits for the next batch. What the source throws is thrown here, and again by later calls.
  EpisodeBatch next();

 private:
  void work();

  const std::function<EpisodeBatch()> source_;
  std::mutex mutex_;  // guards everything below
  std::condition_variable room_, ready_;
  std::deque<EpisodeBatch> batches_;
  std::exception_ptr error_;
  bool stop_ = false;

  std::thread thread_;  // last: started when all else exists
};

}  // namespace cdfss
