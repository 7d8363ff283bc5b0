#include "child_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>
#include <utility>

#include "cdfss/error.h"
#include "program.h"

namespace cdfss {
namespace {

// Standard output and error go to an open file.
class OutputTo {
 public:
  explicit OutputTo(int file) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_adddup2(&actions_, file, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, file, STDERR_FILENO);
  }
  ~OutputTo() { posix_spawn_file_actions_destroy(&actions_); }
  OutputTo(const OutputTo&) = delete;
  OutputTo& operator=(const OutputTo&) = delete;
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

// A signal to this process alone is passed on, as the other one of the two: a child that has had it
// already, from the terminal, would take the same one again as "end at once".
void pass_interrupt_on(pid_t child) {
  kill(child, interrupt_exit_code() == 128 + SIGTERM ? SIGINT : SIGTERM);
}

int wait_for(pid_t child) {
  constexpr std::chrono::milliseconds kBetweenLooks{50};
  int status = 0;
  bool told = false;
  for (pid_t ended = 0; ended != child; ended = waitpid(child, &status, WNOHANG)) {
    if (ended < 0 && errno != EINTR) return 128;
    if (interrupted() && !std::exchange(told, true)) pass_interrupt_on(child);
    std::this_thread::sleep_for(kBetweenLooks);
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

int run_child(const std::filesystem::path& program, const std::vector<std::string>& arguments,
              const std::filesystem::path& log) {
  const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) {
    throw Error(ErrorCode::kUnreadable,
                log.string() + " cannot be written: " + std::strerror(errno));
  }
  std::vector<std::string> words{program.string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);

  const OutputTo output(file);
  pid_t child = 0;
  const int failure =
      posix_spawn(&child, program.c_str(), output.get(), nullptr, pointers.data(), environ);
  close(file);
  if (failure != 0) {
    throw Error(ErrorCode::kNotFound,
                program.string() + " cannot be started: " + std::strerror(failure));
  }
  return wait_for(child);
}

std::filesystem::path sibling_program(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

}  // namespace cdfss
