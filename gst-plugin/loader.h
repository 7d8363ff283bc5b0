// Loads models and support sets beside the running stream, and watches a support folder.
#pragma once

#include <gio/gio.h>

#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace cdfss {

// A thread with a main loop of its own, so that it works in programs without one. Requests that
// come while one is being served become a single one after it.
class Loader {
 public:
  // Called in the loader's thread for every request; must not throw. It is to end soon once its
  // token asks for that.
  using Load = std::function<void(const std::stop_token&)>;

  explicit Loader(Load load) : load_(std::move(load)) {}
  ~Loader() { stop(); }
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // Changes in the folder `watched` count from the return on (see watch()); none if it is empty.
  void start(const std::filesystem::path& watched);
  // Asks a load that has begun to end, and waits until it does.
  void stop();

  // Any thread; nothing happens while it is stopped.
  void request();
  // Requests a load whenever something changed in the folder or a folder directly inside it, half a
  // second after the last change; an empty path ends that.
  void watch(const std::filesystem::path& folder);

 private:
  using Task = std::function<void()>;
  // Runs `task` in the thread if there is one.
  void invoke(Task task);
  void invoke_locked(Task task);
  void run_next();
  void watch_now(const std::filesystem::path& folder);
  void on_change();

  const Load load_;
  std::thread thread_;
  std::mutex lock_;  // guards what follows; only GLib's own short locks are taken while it is held
  GMainContext* context_ = nullptr;
  GMainLoop* loop_ = nullptr;
  std::deque<Task> tasks_;
  std::stop_source stopping_;
  bool requested_ = false;  // a load that has not begun

  // The thread's.
  std::filesystem::path watched_;
  std::vector<GFileMonitor*> monitors_;
  GSource* settle_ = nullptr;  // runs out when changes have stopped
};

}  // namespace cdfss
