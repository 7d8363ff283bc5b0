// Gathers what several threads ask for at the same time into batches.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <vector>

namespace cdfss {

// A thread that finds nobody at work runs its own request at once; what arrives meanwhile waits and
// runs as one batch afterwards. There is no thread of its own and no waiting for company: one
// caller alone loses nothing.
template <typename Request>
class RequestBatcher {
 public:
  explicit RequestBatcher(std::size_t largest) : largest_(largest) {}
  RequestBatcher(const RequestBatcher&) = delete;
  RequestBatcher& operator=(const RequestBatcher&) = delete;

  // Returns when `request` is done. `run` takes a batch (std::vector<Request*>&) that `together`
  // allows with each other, oldest first, in one of the threads that call this; it must not throw
  // but store results and failures in the requests. `settle` is called before, in the same thread,
  // to wait for what the batch before may have left running; what arrives meanwhile still gets
  // into the batch. It must not throw either.
  template <typename Together, typename Settle, typename Run>
  void process(Request& request, Together&& together, Settle&& settle, Run&& run) {
    Entry own{&request};
    std::unique_lock held(lock_);
    waiting_.push_back(&own);
    while (true) {
      changed_.wait(held, [&] { return own.done || !busy_; });
      if (own.done) return;
      busy_ = true;
      held.unlock();
      settle();
      held.lock();
      const std::vector<Entry*> taken = take(together);
      held.unlock();
      std::vector<Request*> batch;
      for (const Entry* entry : taken) batch.push_back(entry->request);
      run(batch);
      held.lock();
      for (Entry* entry : taken) entry->done = true;
      busy_ = false;
      changed_.notify_all();
    }
  }

 private:
  struct Entry {
    Request* request;
    bool done = false;
  };

  // The oldest entry with the others that fit to it.
  template <typename Together>
  std::vector<Entry*> take(Together&& together) {
    std::vector<Entry*> taken, left;
    for (Entry* entry : waiting_) {
      const bool fits = taken.empty() || (taken.size() < largest_ &&
                                          together(*taken.front()->request, *entry->request));
      (fits ? taken : left).push_back(entry);
    }
    waiting_ = std::move(left);
    return taken;
  }

  const std::size_t largest_;
  std::mutex lock_;  // guards what follows; nothing else is locked or called while it is held
  std::condition_variable changed_;
  std::vector<Entry*>
      waiting_;  // in the order of their arrival; they live on their threads' stacks
  bool busy_ = false;
};

}  // namespace cdfss
