// Writes a small model file for the element's tests: ResNet-50 with random weights, for an input
// size of 41. Its masks mean nothing, but depend on every pixel and on the support set.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "io/model_file.h"
#include "model/asgnet.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: make_test_model SEED OUTPUT.safetensors\n");
    return 2;
  }
  try {
    at::manual_seed(std::strtoull(argv[1], nullptr, 10));
    cdfss::Asgnet network(cdfss::AsgnetOptions{});
    cdfss::ModelInfo info;
    info.input_size = 41;
    cdfss::save_model(argv[2], network, info, cdfss::Storage::kFloat16);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_test_model: %s\n", error.what());
    return 1;
  }
  return 0;
}
