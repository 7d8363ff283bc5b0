#include "loader.h"

#include <sys/resource.h>

#include <system_error>
#include <utility>

namespace cdfss {
namespace {

constexpr int kNice = 10;           // frames come first
constexpr guint kSettleTime = 500;  // ms; copying a picture with its mask takes less

}  // namespace

void Loader::start(const std::filesystem::path& watched) {
  stop();
  const std::lock_guard held(lock_);
  context_ = g_main_context_new();
  loop_ = g_main_loop_new(context_, FALSE);
  stopping_ = {};
  // Not left to the thread, which may begin late: a change before that would go unseen.
  g_main_context_push_thread_default(context_);
  watch_now(watched);
  g_main_context_pop_thread_default(context_);
  thread_ = std::thread([this] {
    setpriority(PRIO_PROCESS, 0, kNice);  // of this thread and those that LibTorch makes for it
    g_main_context_push_thread_default(context_);
    g_main_loop_run(loop_);
    watch_now({});
    g_main_context_pop_thread_default(context_);
  });
}

void Loader::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard held(lock_);
    stopping_.request_stop();
    invoke_locked([this] { g_main_loop_quit(loop_); });
  }
  thread_.join();
  const std::lock_guard held(lock_);
  g_main_loop_unref(std::exchange(loop_, nullptr));
  g_main_context_unref(std::exchange(context_, nullptr));
  tasks_.clear();
  requested_ = false;
}

void Loader::invoke(Task task) {
  const std::lock_guard held(lock_);
  invoke_locked(std::move(task));
}

void Loader::invoke_locked(Task task) {
  if (context_ == nullptr) return;
  tasks_.push_back(std::move(task));
  GSource* source = g_idle_source_new();
  g_source_set_priority(source, G_PRIORITY_DEFAULT);
  g_source_set_callback(
      source,
      [](gpointer self) -> gboolean {
        static_cast<Loader*>(self)->run_next();
        return G_SOURCE_REMOVE;
      },
      this, nullptr);
  g_source_attach(source, context_);
  g_source_unref(source);
}

void Loader::run_next() {
  Task task;
  {
    const std::lock_guard held(lock_);
    task = std::move(tasks_.front());
    tasks_.pop_front();
  }
  task();
}

void Loader::request() {
  const std::lock_guard held(lock_);
  if (context_ == nullptr || std::exchange(requested_, true)) return;
  invoke_locked([this] {
    std::stop_token stop;
    {
      const std::lock_guard held(lock_);
      requested_ = false;
      stop = stopping_.get_token();
    }
    if (!stop.stop_requested()) load_(stop);
  });
}

void Loader::watch(const std::filesystem::path& folder) {
  invoke([this, folder] {
    if (folder != watched_) watch_now(folder);
  });
}

void Loader::watch_now(const std::filesystem::path& folder) {
  for (GFileMonitor* monitor : monitors_) {
    g_file_monitor_cancel(monitor);
    g_object_unref(monitor);
  }
  monitors_.clear();
  if (settle_ != nullptr) {
    g_source_destroy(settle_);
    g_source_unref(std::exchange(settle_, nullptr));
  }
  watched_ = folder;
  if (folder.empty()) return;

  std::vector<std::filesystem::path> folders{folder};
  std::error_code ignored;  // a folder that is not there is complained about where it is loaded
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (entry.is_directory(ignored)) folders.push_back(entry.path());
  }
  for (const auto& path : folders) {
    GFile* file = g_file_new_for_path(path.c_str());
    GFileMonitor* monitor =
        g_file_monitor_directory(file, G_FILE_MONITOR_WATCH_MOVES, nullptr, nullptr);
    g_object_unref(file);
    if (monitor == nullptr) continue;
    g_signal_connect_swapped(monitor, "changed",
                             G_CALLBACK(+[](Loader* self) { self->on_change(); }), this);
    monitors_.push_back(monitor);
  }
}

void Loader::on_change() {
  if (settle_ != nullptr) {
    g_source_destroy(settle_);
    g_source_unref(settle_);
  }
  settle_ = g_timeout_source_new(kSettleTime);
  g_source_set_callback(
      settle_,
      [](gpointer self) -> gboolean {
        auto* loader = static_cast<Loader*>(self);
        loader->watch_now(loader->watched_);  // there may be new folders; ends this source
        loader->request();
        return G_SOURCE_REMOVE;
      },
      this, nullptr);
  g_source_attach(settle_, context_);
}

}  // namespace cdfss
