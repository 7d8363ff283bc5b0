#include "batch_queue.h"

#include <utility>

namespace cdfss {
namespace {

constexpr std::size_t kAhead = 2;  // batches held ready at most

}  // namespace

BatchQueue::BatchQueue(std::function<EpisodeBatch()> source)
    : source_(std::move(source)), thread_([this] { work(); }) {}

BatchQueue::~BatchQueue() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  room_.notify_all();
  thread_.join();
}

EpisodeBatch BatchQueue::next() {
  std::unique_lock lock(mutex_);
  ready_.wait(lock, [this] { return !batches_.empty() || error_; });
  if (batches_.empty()) std::rethrow_exception(error_);
  EpisodeBatch batch = std::move(batches_.front());
  batches_.pop_front();
  lock.unlock();
  room_.notify_one();
  return batch;
}

void BatchQueue::work() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      room_.wait(lock, [this] { return stop_ || batches_.size() < kAhead; });
      if (stop_) return;
    }
    EpisodeBatch batch;
    std::exception_ptr error;
    try {
      batch = source_();
    } catch (...) {
      error = std::current_exception();
    }
    {
      const std::lock_guard lock(mutex_);
      error_ = error;
      if (!error) batches_.push_back(std::move(batch));
    }
    ready_.notify_one();
    if (error) return;
  }
}

}  // namespace cdfss
