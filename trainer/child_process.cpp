#include "child_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cdfss/error.h"

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

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return 128;
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
