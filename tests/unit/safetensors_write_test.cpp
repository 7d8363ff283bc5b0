#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <string>

#include "io/safetensors.h"
#include "io_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

TEST(SafetensorsWrite, EveryDtypeAndShapeComesBackEqual) {
  const TemporaryFolder folder;
  std::map<std::string, at::Tensor> tensors;
  for (const at::ScalarType dtype : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16, at::kLong,
                                     at::kInt, at::kShort, at::kChar, at::kByte, at::kBool}) {
    const std::string name = c10::toString(dtype);
    tensors[name + ".vector"] = at::arange(-3, 4).to(dtype);  // 7 elements: nothing stays aligned
    tensors[name + ".scalar"] = at::scalar_tensor(1, dtype);
    tensors[name + ".empty"] = at::empty({2, 0, 3}, dtype);
    tensors[name + ".transposed"] = at::arange(6).to(dtype).view({2, 3}).t();
  }
  const std::map<std::string, std::string> metadata{
      {"key", "value"}, {"größe", "\"\\\n"}, {"", ""}};
  write_safetensors(folder / "f", tensors, metadata);
  EXPECT_EQ(folder.file_count(), 1);

  const SafetensorsFile file = read_safetensors(folder / "f");
  EXPECT_EQ(file.metadata, metadata);
  ASSERT_EQ(file.tensors.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor& read = file.tensors.at(name);
    EXPECT_EQ(read.scalar_type(), tensor.scalar_type()) << name;
    EXPECT_EQ(read.sizes(), tensor.sizes()) << name;
    EXPECT_TRUE(read.is_contiguous()) << name;
    EXPECT_TRUE(read.equal(tensor)) << name;
    if (read.numel() > 0) {  // widest elements first: no tensor had to be copied to be aligned
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(read.const_data_ptr()) % read.element_size(), 0U);
    }
  }
}

TEST(SafetensorsWrite, BytesAreTheFormats) {
  const TemporaryFolder folder;
  write_safetensors(folder / "f", {{"w", at::tensor({1, 2}, at::kByte)}}, {});
  const std::string header = R"({"w":{"data_offsets":[0,2],"dtype":"U8","shape":[2]}})";
  const std::size_t padding = (8 - header.size() % 8) % 8;
  EXPECT_EQ(read_bytes(folder / "f"), static_cast<char>(header.size() + padding) +
                                          std::string(7, '\0') + header +
                                          std::string(padding, ' ') + "\x01\x02");
}

TEST(SafetensorsWrite, ReplacesAFileThatIsStillMapped) {
  const TemporaryFolder folder;
  write_safetensors(folder / "f", {{"w", at::zeros({4000})}}, {});
  const SafetensorsFile old = read_safetensors(folder / "f");
  write_safetensors(folder / "f", {{"w", at::ones({2})}}, {});
  EXPECT_TRUE(old.tensors.at("w").equal(at::zeros({4000})));
  EXPECT_TRUE(read_safetensors(folder / "f").tensors.at("w").equal(at::ones({2})));
}

TEST(SafetensorsWrite, WhatCannotBeStoredIsRefusedBeforeAnyFileIsTouched) {
  const TemporaryFolder folder;
  const auto refuse = [&](const at::Tensor& tensor, const std::string& name,
                          const std::map<std::string, std::string>& metadata,
                          std::string_view offender) {
    expect_error(ErrorCode::kInvalidValue, {"some-file", offender},
                 [&] { write_safetensors(folder / "some-file", {{name, tensor}}, metadata); });
  };
  refuse(at::zeros({2}, at::kComplexFloat), "phase", {}, "\"phase\"");
  refuse(at::zeros({2}), "__metadata__", {}, "__metadata__");
  refuse(at::zeros({2}), "w", {{"path", "\xff"}}, "UTF-8");
  EXPECT_EQ(folder.file_count(), 0);
}

TEST(SafetensorsWrite, MissingFolderIsNamed) {
  const TemporaryFolder folder;
  expect_error(ErrorCode::kUnreadable, {"absent/f", "No such file"},
               [&] { write_safetensors(folder / "absent" / "f", {}, {}); });
}

TEST(SafetensorsWrite, TargetThatCannotBeReplacedLeavesNoTemporaryFile) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "f" / "below");
  expect_error(ErrorCode::kUnreadable, {"f: cannot be written"},
               [&] { write_safetensors(folder / "f", {}, {}); });
  EXPECT_EQ(folder.file_count(), 1);
}

TEST(SafetensorsWrite, FailureHalfwayKeepsTheOldFile) {
  const TemporaryFolder folder;
  write_bytes(folder / "f", "the old file");
  // A file size limit stands in for a full disk.
  const auto old_handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  const rlimit small_limit{10000, old_limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small_limit), 0);
  expect_error(ErrorCode::kUnreadable, {"f: cannot be written", "File too large"},
               [&] { write_safetensors(folder / "f", {{"w", at::zeros({100000})}}, {}); });
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old_limit), 0);
  ::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(read_bytes(folder / "f"), "the old file");
  EXPECT_EQ(folder.file_count(), 1);
}

}  // namespace
}  // namespace cdfss
