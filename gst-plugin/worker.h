// The thread that segments frames.
#pragma once

#include <gst/video/video.h>

#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "engine.h"
#include "frame_copy.h"
#include "result.h"

namespace cdfss {

// A thread of its own even when frames wait for their masks: a flush or a state change then does
// not wait for the network, and video that must not wait passes by. At most one frame runs and one
// waits.
class Worker {
 public:
  // Called in the worker's thread with everything that it finishes.
  using Finished = std::function<void(const ResultPtr&)>;

  explicit Worker(Finished finished) : finished_(std::move(finished)) {}
  ~Worker() { stop(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start(std::unique_ptr<Engine> engine);
  // Ends the thread; a frame that runs is finished first, one that waits is not.
  void stop();

  // The engine for all frames after the one that runs; the old one serves until then.
  void replace(std::unique_ptr<Engine> engine);
  // For all frames after the one that runs; 0..1, -1 = the model's.
  void set_threshold(float threshold);
  void set_temporal_smoothing(double weight);

  // Segments a frame and waits for the result; null when set_flushing() ended the waiting, or when
  // the thread does not run: frames may come before start() and after stop(), since GStreamer opens
  // a pad before it starts the element. The buffer is not held when this returns a result. Throws
  // what segmenting threw.
  ResultPtr segment(const GstVideoInfo& info, GstBuffer* buffer);

  // Leaves a copy of the frame to be segmented if the thread runs; one that still waits gives way:
  // true if so.
  bool offer(const ImageView& frame, GstClockTime timestamp);
  // The newest result of an offered frame since forget(), null before there is one. Throws what
  // segmenting threw, once.
  ResultPtr newest();
  // Waits until no offered frame waits or runs, or set_flushing().
  void drain();

  // Drops what waits, and the result of what runs: frames of another stream follow.
  void forget();
  // Lets segment() and drain() return at once until it is called with false.
  void set_flushing(bool flushing);

 private:
  struct Job {
    GstVideoInfo info;
    GstBuffer* buffer = nullptr;  // a reference; null: the frame is in waiting_copy_
    GstClockTime timestamp = GST_CLOCK_TIME_NONE;
    unsigned id = 0;
  };
  void run();
  void apply_requests(std::unique_lock<std::mutex>& held);  // leaves it released
  ResultPtr work_on(const Job& job, const FrameCopy& copy);
  void drop_waiting();

  const Finished finished_;
  std::thread thread_;
  std::unique_ptr<Engine> engine_;  // the thread's while it runs
  FrameCopy offered_copy_;          // offer()'s
  FrameCopy working_copy_;          // the thread's

  // Guards what follows; nothing is called or locked while it is held.
  std::mutex lock_;
  std::condition_variable changed_;
  std::optional<Job> waiting_;
  FrameCopy waiting_copy_;
  bool running_ = false;  // a frame is being segmented
  bool stopped_ = true;   // the thread is not there, or is to end
  bool flushing_ = false;
  unsigned last_id_ = 0;
  unsigned forgotten_id_ = 0;  // results of jobs up to this one are not wanted
  unsigned finished_id_ = 0;
  ResultPtr result_;
  std::exception_ptr failure_;
  std::unique_ptr<Engine> replacement_;
  // The last values set; the flags say that the engine does not know them yet.
  std::optional<float> threshold_;
  std::optional<double> smoothing_;
  bool new_threshold_ = false;
  bool new_smoothing_ = false;
};

}  // namespace cdfss
