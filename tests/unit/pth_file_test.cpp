#include "io/pth_file.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "io_test_support.h"
#include "pth_writer.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;
namespace pickle = testing::pickle;

// See data/README.md.
std::filesystem::path test_data(const char* name) {
  const char* source = std::getenv("CDFSS_SOURCE_DIR");
  return std::filesystem::path(source == nullptr ? "." : source) / "tests" / "unit" / "data" / name;
}

TEST(PthFile, ReadsAModulesStateDict) {
  const auto tensors = read_pth(test_data("state_dict.pth"));
  ASSERT_EQ(tensors.size(), 6U);
  EXPECT_TRUE(tensors.at("conv.weight").equal(at::tensor({1.5F, -2.F}).view({2, 1, 1, 1})));
  EXPECT_TRUE(tensors.at("bn.weight").equal(at::ones({2})));
  EXPECT_TRUE(tensors.at("bn.bias").equal(at::zeros({2})));
  EXPECT_TRUE(tensors.at("bn.running_mean").equal(at::zeros({2})));
  EXPECT_TRUE(tensors.at("bn.running_var").equal(at::full({2}, 4.F)));
  EXPECT_TRUE(tensors.at("bn.num_batches_tracked").equal(at::scalar_tensor(0, at::kLong)));
}

TEST(PthFile, ReadsATrainingCheckpoint) {
  const auto tensors = read_pth(test_data("checkpoint.pth"));
  ASSERT_EQ(tensors.size(), 8U);
  EXPECT_TRUE(tensors.at("parameter").equal(at::tensor({1.F, 2.F})));
  EXPECT_TRUE(tensors.at("transposed").equal(at::arange(12.F).view({3, 4}).t()));
  EXPECT_TRUE(tensors.at("slice").equal(at::tensor({5.F, 6.F, 7.F})));
  EXPECT_TRUE(tensors.at("half").equal(at::tensor({0.5F, 65504.F}).to(at::kHalf)));
  EXPECT_TRUE(tensors.at("bfloat16").equal(at::tensor({3.F}).to(at::kBFloat16)));
  EXPECT_TRUE(tensors.at("scalar").equal(at::scalar_tensor(7, at::kLong)));
  EXPECT_EQ(tensors.at("empty").sizes(), (at::IntArrayRef{0, 3}));
  EXPECT_TRUE(tensors.at("byte").equal(at::full({1}, 255, at::kByte)));
}

// A state dict {"w": float32 [3]} with one record changed; an empty value drops the record.
void expect_refused(const std::string& record, const std::string& value, std::string_view part) {
  const TemporaryFolder folder;
  std::map<std::string, std::string> records{
      {"data.pkl", pickle::program(std::string("}") + pickle::text("w") +
                                   pickle::tensor("0", 3, 0, "K\3", "K\1") + "s")},
      {"data/0", std::string(12, '\0')},
      {"byteorder", "little"}};
  testing::write_archive(folder / "good.pth", records);
  EXPECT_TRUE(read_pth(folder / "good.pth").at("w").equal(at::zeros({3})));
  records[record] = value;
  if (value.empty()) records.erase(record);
  testing::write_archive(folder / "bad.pth", records);
  expect_error(ErrorCode::kBadModel, {"bad.pth", part}, [&] { read_pth(folder / "bad.pth"); });
}

TEST(PthFile, MissingPickleIsRefused) { expect_refused("data.pkl", "", "data.pkl"); }
TEST(PthFile, MissingStorageIsRefused) { expect_refused("data/0", "", "data/0"); }
TEST(PthFile, ShortStorageIsRefused) {
  expect_refused("data/0", std::string(11, '\0'), "data/0 has 11 bytes, expected 3 elements");
}
TEST(PthFile, LongStorageIsRefused) {
  expect_refused("data/0", std::string(16, '\0'), "data/0 has 16 bytes");
}
TEST(PthFile, BigEndianIsRefused) { expect_refused("byteorder", "big", "big-endian"); }

TEST(PthFile, DamagedArchivesLoadOrThrow) {
  const TemporaryFolder folder;
  const std::string original = read_bytes(test_data("checkpoint.pth"));
  ASSERT_FALSE(original.empty());
  std::mt19937 generator(20261122);
  int refused = 0;
  for (int round = 0; round < 500; ++round) {
    std::string bytes = original;
    if (round % 4 == 0) {
      bytes.resize(4 + generator() % (bytes.size() - 4));
    } else {
      bytes[generator() % bytes.size()] = static_cast<char>(generator());
    }
    write_bytes(folder / "f.pth", bytes);
    try {
      for (const auto& [name, tensor] : read_pth(folder / "f.pth")) tensor.to(at::kDouble).sum();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kBadModel);
      ++refused;
    }
  }
  EXPECT_GT(refused, 125);
}

}  // namespace
}  // namespace cdfss
