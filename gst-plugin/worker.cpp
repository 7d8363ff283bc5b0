#include "worker.h"

#include <chrono>
#include <utility>

#include "mapped_frame.h"

namespace cdfss {

void Worker::start(std::unique_ptr<Engine> engine) {
  engine_ = std::move(engine);
  {
    const std::lock_guard held(lock_);
    stopped_ = flushing_ = false;
  }
  thread_ = std::thread([this] { run(); });
}

void Worker::stop() {
  {
    const std::lock_guard held(lock_);
    stopped_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  drop_waiting();
  engine_.reset();
  const std::lock_guard held(lock_);  // properties may be set meanwhile
  replacement_.reset();
  threshold_.reset();
  smoothing_.reset();
  result_.reset();
}

void Worker::replace(std::unique_ptr<Engine> engine) {
  std::unique_ptr<Engine> unused;  // released after the lock
  const std::lock_guard held(lock_);
  unused = std::exchange(replacement_, std::move(engine));
}

void Worker::set_threshold(float threshold) {
  const std::lock_guard held(lock_);
  threshold_ = threshold;
  new_threshold_ = true;
}

void Worker::set_temporal_smoothing(double weight) {
  const std::lock_guard held(lock_);
  smoothing_ = weight;
  new_smoothing_ = true;
}

ResultPtr Worker::segment(const GstVideoInfo& info, GstBuffer* buffer) {
  drop_waiting();
  std::unique_lock held(lock_);
  if (flushing_ || stopped_) return nullptr;
  waiting_ = {info, gst_buffer_ref(buffer), GST_BUFFER_PTS(buffer), ++last_id_};
  const unsigned id = last_id_;
  changed_.notify_all();
  changed_.wait(held, [&] { return flushing_ || stopped_ || finished_id_ == id; });
  if (finished_id_ != id) return nullptr;
  if (const std::exception_ptr failure = std::exchange(failure_, nullptr)) {
    held.unlock();
    std::rethrow_exception(failure);
  }
  return result_;
}

bool Worker::offer(const ImageView& frame, GstClockTime timestamp) {
  offered_copy_.assign(frame);
  const std::lock_guard held(lock_);
  if (stopped_) return false;
  const bool replaced = waiting_.has_value();
  std::swap(offered_copy_, waiting_copy_);
  waiting_ = {{}, nullptr, timestamp, ++last_id_};
  changed_.notify_all();
  return replaced;
}

ResultPtr Worker::newest() {
  std::unique_lock held(lock_);
  if (const std::exception_ptr failure = std::exchange(failure_, nullptr)) {
    held.unlock();
    std::rethrow_exception(failure);
  }
  return result_;
}

void Worker::drain() {
  std::unique_lock held(lock_);
  changed_.wait(held, [&] { return flushing_ || stopped_ || (!waiting_ && !running_); });
}

void Worker::drop_waiting() {
  std::optional<Job> dropped;
  {
    const std::lock_guard held(lock_);
    dropped = std::exchange(waiting_, std::nullopt);
  }
  if (dropped && dropped->buffer != nullptr) gst_buffer_unref(dropped->buffer);
}

void Worker::forget() {
  drop_waiting();
  const std::lock_guard held(lock_);
  forgotten_id_ = last_id_;
  result_.reset();
  failure_ = nullptr;
}

void Worker::set_flushing(bool flushing) {
  if (flushing) drop_waiting();
  const std::lock_guard held(lock_);
  flushing_ = flushing;
  changed_.notify_all();
}

// What was set since the last frame, and the end of an old engine, come outside the lock.
void Worker::apply_requests(std::unique_lock<std::mutex>& held) {
  std::unique_ptr<Engine> next = std::move(replacement_);
  // A new engine knows the values of when its loading began.
  const bool all = next != nullptr;
  std::optional<float> threshold;
  std::optional<double> smoothing;
  if (std::exchange(new_threshold_, false) || all) threshold = threshold_;
  if (std::exchange(new_smoothing_, false) || all) smoothing = smoothing_;
  held.unlock();
  if (next != nullptr) engine_ = std::move(next);
  if (smoothing) engine_->set_temporal_smoothing(*smoothing);
  if (threshold) engine_->set_threshold(*threshold);
}

ResultPtr Worker::work_on(const Job& job, const FrameCopy& copy) {
  const auto start = std::chrono::steady_clock::now();
  auto result = std::make_shared<Result>();
  result->timestamp = job.timestamp;
  if (job.buffer != nullptr) {
    const MappedFrame frame(job.info, job.buffer, GST_MAP_READ);
    engine_->segment(frame.view(), result->mask);
  } else {
    engine_->segment(copy.view(), result->mask);
  }
  result->latency = std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count();
  return result;
}

void Worker::run() {
  std::unique_lock held(lock_);
  while (true) {
    changed_.wait(held, [&] { return stopped_ || waiting_.has_value(); });
    if (stopped_) return;
    const Job job = *std::exchange(waiting_, std::nullopt);
    std::swap(working_copy_, waiting_copy_);
    running_ = true;
    ResultPtr result;
    std::exception_ptr failure;
    try {
      apply_requests(held);
      result = work_on(job, working_copy_);
      finished_(result);
    } catch (...) {
      failure = std::current_exception();
    }
    if (job.buffer != nullptr) gst_buffer_unref(job.buffer);
    held.lock();
    running_ = false;
    if (static_cast<int>(job.id - forgotten_id_) > 0) {
      finished_id_ = job.id;
      if (result != nullptr) result_ = result;
      failure_ = failure;
    }
    changed_.notify_all();
  }
}

}  // namespace cdfss
