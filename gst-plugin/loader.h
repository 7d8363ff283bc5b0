// Loads models and support sets beside the running stream, and watches a support folder.
#pragma once

#include <gio/gio.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace cdfss {

// A thread with a main loop of its own, so that it works in programs without one. Requests that come
// while one is being served become a single one after it.
class Loader {
 public:
  // Called in the loader's thread for every request; must not throw.
  explicit Loader(std::function<void()> load) : load_(std::move(load)) {}
  ~Loader() { stop(); }
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  void start();
  // Waits for a load that has begun.
  void stop();

  // Any thread; nothing happens while it is stopped.
  void request();
  // Requests a load whenever something changed in the folder or a folder directly inside it, half a
  // second after the last change; an empty path ends that.
  void watch(const std::filesystem::path& folder);

 private:
  // Runs `task` in the thread; false when there is none.
  bool invoke(std::function<void()> task);
  void watch_now(const std::filesystem::path& folder);
  void on_change();

  const std::function<void()> load_;
  std::thread thread_;
  std::atomic<bool> requested_{false};  // and not begun
  std::mutex lock_;  // guards the next two; only GLib's own short locks are taken while it is held
  GMainContext* context_ = nullptr;
  GMainLoop* loop_ = nullptr;

  // The thread's.
  std::filesystem::path watched_;
  std::vector<GFileMonitor*> monitors_;
  GSource* settle_ = nullptr;  // runs out when changes have stopped
};

}  // namespace cdfss
