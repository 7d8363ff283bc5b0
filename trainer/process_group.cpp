#include "process_group.h"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <charconv>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "cdfss/error.h"

namespace cdfss {
namespace {

// The leader validates and writes files while the others wait in their next collective call.
constexpr std::chrono::hours kTimeout{2};

std::string required_variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') {
    throw Error(ErrorCode::kInvalidValue,
                std::string("RANK is set and ") + name +
                    " is not: start several processes with torchrun, or set RANK, WORLD_SIZE, "
                    "MASTER_ADDR and MASTER_PORT");
  }
  return value;
}

int number_variable(const char* name, int least, int most) {
  const std::string text = required_variable(name);
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) {
    throw Error(ErrorCode::kInvalidValue, std::string(name) + " is '" + text +
                                              "', expected a number from " + std::to_string(least) +
                                              " to " + std::to_string(most));
  }
  return value;
}

template <class Function>
auto as_our_error(const char* doing, Function&& function) {
  try {
    return function();
  } catch (const c10::Error& e) {
    throw Error(ErrorCode::kInference,
                std::string("processes of the run, ") + doing + ": " + e.what_without_backtrace());
  }
}

c10::intrusive_ptr<c10d::Store> meet(int rank, int size) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(number_variable("MASTER_PORT", 1, 65535));
  // torchrun serves the store itself unless told otherwise.
  const char* agent = std::getenv("TORCHELASTIC_USE_AGENT_STORE");
  options.isServer = rank == 0 && (agent == nullptr || std::string_view(agent) != "True");
  options.numWorkers = size;
  options.waitWorkers = false;
  return c10::make_intrusive<c10d::PrefixStore>(
      "cdfss", c10::make_intrusive<c10d::TCPStore>(required_variable("MASTER_ADDR"), options));
}

// What connects the processes, and whose memory it takes: a tensor elsewhere is copied there first.
struct Connection {
  c10::intrusive_ptr<c10d::Backend> backend;
  c10::Device device;
};

Connection make_connection(c10::Device device, int rank, int size) {
#ifdef USE_C10D_NCCL
  if (device.is_cuda()) {
    auto options = c10d::ProcessGroupNCCL::Options::create();
    options->timeout = kTimeout;
    return {c10::make_intrusive<c10d::ProcessGroupNCCL>(meet(rank, size), rank, size, options),
            device};
  }
#endif
#ifdef USE_C10D_GLOO
  static_cast<void>(device);
  auto options = c10d::ProcessGroupGloo::Options::create(kTimeout);
  options->devices.push_back(c10d::ProcessGroupGloo::createDefaultDevice());
  return {c10::make_intrusive<c10d::ProcessGroupGloo>(meet(rank, size), rank, size, options),
          c10::Device(c10::kCPU)};
#else
  throw Error(ErrorCode::kInvalidValue,
              "RANK is set, but this build cannot join several processes on this device: install "
              "Gloo's headers (Debian package libgloo-dev) and build again");
#endif
}

}  // namespace

class ProcessGroup::Backend {
 public:
  explicit Backend(Connection connection) : connection_(std::move(connection)) {}

  at::Tensor to_backend(const at::Tensor& values) const {
    return values.detach().to(connection_.device).contiguous();
  }
  c10d::Backend& operator*() { return *connection_.backend; }

 private:
  Connection connection_;
};

ProcessGroup::ProcessGroup() = default;
ProcessGroup::~ProcessGroup() = default;
ProcessGroup::ProcessGroup(ProcessGroup&&) noexcept = default;
ProcessGroup& ProcessGroup::operator=(ProcessGroup&&) noexcept = default;

ProcessGroup::ProcessGroup(std::unique_ptr<Backend> backend, int rank, int size)
    : backend_(std::move(backend)), rank_(rank), size_(size) {}

ProcessGroup ProcessGroup::from_environment(c10::Device device) {
  if (std::getenv("RANK") == nullptr) return {};
  constexpr int kMost = 1 << 16;
  const int size = number_variable("WORLD_SIZE", 1, kMost);
  const int rank = number_variable("RANK", 0, size - 1);
  if (size == 1) return {};
  return as_our_error("meeting", [&] {
    return ProcessGroup(std::make_unique<Backend>(make_connection(device, rank, size)), rank, size);
  });
}

void ProcessGroup::sum(at::Tensor& values) {
  if (backend_ == nullptr) return;
  as_our_error("summing", [&] {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> buffers{backend_->to_backend(values)};
    // A call must not write to what the caller still reads through another tensor.
    if (buffers.front().is_alias_of(values)) buffers.front() = buffers.front().clone();
    (**backend_).allreduce(buffers)->wait();
    values.copy_(buffers.front());
  });
}

at::Tensor ProcessGroup::gather_rows(const at::Tensor& rows) {
  if (backend_ == nullptr) return rows.detach();
  return as_our_error("gathering", [&] {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> own{backend_->to_backend(rows)};
    std::vector<std::vector<at::Tensor>> all(1);
    for (int i = 0; i < size_; ++i) all.front().push_back(at::empty_like(own.front()));
    (**backend_).allgather(all, own)->wait();
    return at::cat(all.front()).to(rows.device());
  });
}

at::Tensor ProcessGroup::gather_rows_with_gradient(const at::Tensor& rows) {
  if (backend_ == nullptr) return rows;
  const at::Tensor all = gather_rows(rows);
  const std::int64_t count = rows.size(0);
  return at::cat({all.narrow(0, 0, count * rank_), rows,
                  all.narrow(0, count * (rank_ + 1), count * (size_ - rank_ - 1))});
}

void ProcessGroup::broadcast(at::Tensor& values) {
  if (backend_ == nullptr) return;
  as_our_error("sharing", [&] {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> buffers{backend_->to_backend(values)};
    (**backend_).broadcast(buffers)->wait();
    values.copy_(buffers.front());
  });
}

bool in_a_group() {
  const char* size = std::getenv("WORLD_SIZE");
  return std::getenv("RANK") != nullptr && (size == nullptr || std::string_view(size) != "1");
}

std::string device_of_process(const std::string& device) {
  const char* local_rank = std::getenv("LOCAL_RANK");
  if (local_rank == nullptr || !at::hasCUDA() || (device != "auto" && device != "cuda")) {
    return device;
  }
  return std::string("cuda:") + local_rank;
}

}  // namespace cdfss
