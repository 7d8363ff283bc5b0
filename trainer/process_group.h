// The processes that train one network together (data parallel), over c10d.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <memory>
#include <string>

namespace cdfss {

// Collective calls must be made by all processes in the same order, with tensors of any device. A
// lost process makes them throw Error(kInference) in the others.
class ProcessGroup {
 public:
  // This process alone: every call leaves its tensor as it is.
  ProcessGroup();
  ~ProcessGroup();
  ProcessGroup(ProcessGroup&&) noexcept;
  ProcessGroup& operator=(ProcessGroup&&) noexcept;

  // The group that torchrun's environment describes: RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT;
  // alone where RANK is not set. `device` is what this process works on: NCCL connects CUDA devices
  // where this build has it, else Gloo. Waits for all processes. Throws Error(kInvalidValue) naming
  // a variable that is missing or no number, or what this build lacks, and Error(kInference) when
  // the processes do not meet.
  static ProcessGroup from_environment(c10::Device device);

  int rank() const { return rank_; }  // 0..size()-1
  int size() const { return size_; }
  bool leads() const { return rank_ == 0; }

  // Sum over all processes, in place. Any device and dtype; all processes get the same bits.
  void sum(at::Tensor& values);
  // Rows [B, ...] of all processes in the order of ranks: [size * B, ...], without gradient. All
  // must bring as many.
  at::Tensor gather_rows(const at::Tensor& rows);
  // The same with gradient through the rows of this process.
  at::Tensor gather_rows_with_gradient(const at::Tensor& rows);
  // The leader's values, in place.
  void broadcast(at::Tensor& values);

 private:
  class Backend;
  ProcessGroup(std::unique_ptr<Backend> backend, int rank, int size);

  std::unique_ptr<Backend> backend_;  // null: alone
  int rank_ = 0, size_ = 1;
};

// Whether torchrun's environment describes more than this process.
bool in_a_group();

// "cuda:N" with torchrun's LOCAL_RANK for `device` "auto" or "cuda" on a machine with CUDA, else
// `device`.
std::string device_of_process(const std::string& device);

}  // namespace cdfss
