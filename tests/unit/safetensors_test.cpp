#include "io/safetensors.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <random>
#include <span>
#include <string>

#include "io/safetensors_header.h"
#include "io_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::read_bytes;
using testing::TemporaryFolder;
using testing::write_bytes;

std::string file_bytes(const std::string& header, std::size_t data_size) {
  std::string length(8, '\0');
  for (int i = 0; i < 8; ++i) length[i] = static_cast<char>((header.size() >> (8 * i)) & 0xff);
  return length + header + std::string(data_size, '\1');
}

// One kind of damage a file can have, and what the message must say besides the file's name.
struct Damage {
  const char* name;
  std::string bytes;
  std::vector<std::string> parts;
};

std::ostream& operator<<(std::ostream& out, const Damage& damage) { return out << damage.name; }

class DamagedSafetensors : public ::testing::TestWithParam<Damage> {};

TEST_P(DamagedSafetensors, IsRefusedByName) {
  const TemporaryFolder folder;
  const auto file = folder / "damaged.safetensors";
  write_bytes(file, GetParam().bytes);
  for (const bool metadata_only : {false, true}) {
    expect_error(ErrorCode::kBadModel, {"damaged.safetensors"}, [&] {
      try {
        if (metadata_only) {
          read_safetensors_metadata(file);
        } else {
          read_safetensors(file);
        }
      } catch (const Error& e) {
        for (const std::string& part : GetParam().parts) {
          EXPECT_NE(std::string(e.what()).find(part), std::string::npos)
              << "\"" << part << "\" is not in: " << e.what();
        }
        throw;
      }
    });
  }
}

// A header whose only tensor "w" is F32 [2, 3] in 24 bytes of data, with one part replaced.
std::string with_entry(const std::string& dtype, const std::string& shape,
                       const std::string& offsets) {
  return R"({"w":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets +
         "}}";
}
std::string two_tensors(const std::string& first, const std::string& second) {
  return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + first +
         R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}";
}

INSTANTIATE_TEST_SUITE_P(
    All, DamagedSafetensors,
    ::testing::Values(
        Damage{"Empty", "", {"0 bytes"}},  //
        Damage{"ShorterThanLength", "1234567", {"7 bytes"}},
        Damage{"HeaderPastEnd", file_bytes("{}", 0).substr(0, 9), {"header length is 2"}},
        Damage{"HugeLength", std::string(8, '\xff') + "{}", {"18446744073709551615"}},
        Damage{"ForeignFile", "PK\3\4 some other format entirely", {"header length"}},
        Damage{"NoHeader", file_bytes("", 0), {"not valid JSON"}},
        Damage{"NotJson", file_bytes("{\"w\":", 0), {"not valid JSON"}},
        Damage{"NotUtf8", file_bytes("{\"\xff\":1}", 0), {"not valid JSON"}},
        Damage{"TextAfterJson", file_bytes("{} x", 0), {"not valid JSON"}},
        Damage{"NotAnObject", file_bytes("[1]", 0), {"JSON object"}},
        Damage{"DeeplyNested", file_bytes(std::string(1000000, '['), 0), {"nested"}},
        Damage{"DuplicateTensor",
               file_bytes(R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                          R"("w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
                          1),
               {"\"w\" twice"}},
        Damage{
            "DuplicateField",
            file_bytes(R"({"w":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}})", 1),
            {"\"dtype\" twice"}},
        Damage{"EntryNotAnObject", file_bytes(R"({"w":3})", 0), {"\"w\"", "expected an object"}},
        Damage{"MissingField",
               file_bytes(R"({"w":{"dtype":"U8","shape":[1]}})", 1),
               {"\"w\"", "data_offsets"}},
        Damage{"UnknownField",
               file_bytes(R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":0}})", 1),
               {"\"w\""}},
        Damage{"UnknownDtype",
               file_bytes(with_entry("\"F8_E4M3\"", "[24]", "[0,24]"), 24),
               {"\"w\"", "F8_E4M3", "BF16"}},
        Damage{"DtypeNotAString",
               file_bytes(with_entry("32", "[24]", "[0,24]"), 24),
               {"\"w\"", "dtype is 32"}},
        Damage{"ShapeNotAnArray",
               file_bytes(with_entry("\"F32\"", "6", "[0,24]"), 24),
               {"\"w\"", "shape is 6"}},
        Damage{"NegativeExtent",
               file_bytes(with_entry("\"F32\"", "[-2,-3]", "[0,24]"), 24),
               {"\"w\"", "[-2,-3]"}},
        Damage{"FractionalExtent",
               file_bytes(with_entry("\"F32\"", "[1.5,4]", "[0,24]"), 24),
               {"\"w\"", "1.5"}},
        Damage{"ExtentBeyondInt64",
               file_bytes(with_entry("\"U8\"", "[9223372036854775808]", "[0,24]"), 24),
               {"\"w\"", "9223372036854775808"}},
        // 2^62 * 4 elements wrap to 0 in 64 bits.
        Damage{"OverflowingShape",
               file_bytes(with_entry("\"U8\"", "[4611686018427387904,4]", "[0,0]"), 0),
               {"\"w\"", "4611686018427387904"}},
        // No elements, but the strides of the other extents overflow.
        Damage{"OverflowingStrides",
               file_bytes(with_entry("\"U8\"", "[0,4611686018427387904,4]", "[0,0]"), 0),
               {"\"w\"", "4611686018427387904"}},
        // 2^61 elements of 4 bytes: the product fits, the bytes do not.
        Damage{"OverflowingBytes",
               file_bytes(with_entry("\"F32\"", "[2305843009213693952]", "[0,24]"), 24),
               {"\"w\"", "2305843009213693952"}},
        Damage{"OffsetsReversed",
               file_bytes(with_entry("\"F32\"", "[2,3]", "[24,0]"), 24),
               {"\"w\"", "[24,0]"}},
        Damage{"NegativeOffset",
               file_bytes(with_entry("\"F32\"", "[2,3]", "[-24,0]"), 24),
               {"\"w\"", "[-24,0]"}},
        Damage{"ThreeOffsets",
               file_bytes(with_entry("\"F32\"", "[2,3]", "[0,24,24]"), 24),
               {"\"w\"", "[0,24,24]"}},
        Damage{"Truncated",
               file_bytes(with_entry("\"F32\"", "[2,3]", "[0,24]"), 23),
               {"\"w\"", "23 data bytes", "truncated"}},
        Damage{"SizeMismatch",
               file_bytes(with_entry("\"F32\"", "[2,3]", "[0,20]"), 20),
               {"\"w\"", "expected 24 bytes", "F32"}},
        Damage{"TrailingBytes",
               file_bytes(with_entry("\"F32\"", "[2,3]", "[0,24]"), 25),
               {"1 bytes follow", "\"w\""}},
        Damage{"DataWithoutTensors", file_bytes("{}", 5), {"5 bytes follow"}},
        Damage{"Overlap", file_bytes(two_tensors("[0,4]", "[2,6]"), 6), {"\"b\"", "overlap"}},
        Damage{"SameBytesTwice", file_bytes(two_tensors("[0,4]", "[0,4]"), 4), {"overlap"}},
        Damage{"Gap", file_bytes(two_tensors("[0,4]", "[6,10]"), 10), {"\"b\"", "gap"}},
        Damage{"GapAtStart", file_bytes(two_tensors("[2,6]", "[6,10]"), 10), {"\"a\"", "gap"}},
        Damage{"MetadataNotAnObject", file_bytes(R"({"__metadata__":"x"})", 0), {"__metadata__"}},
        Damage{"MetadataNotStrings",
               file_bytes(R"({"__metadata__":{"layers":2}})", 0),
               {"__metadata__", "\"layers\"", "2"}}),
    [](const auto& info) { return info.param.name; });

TEST(Safetensors, BoolWithAnotherValueIsRefused) {
  const TemporaryFolder folder;
  std::string bytes = file_bytes(with_entry("\"BOOL\"", "[3]", "[0,3]"), 3);
  write_bytes(folder / "good", bytes);
  EXPECT_TRUE(read_safetensors(folder / "good").tensors.at("w").all().item<bool>());
  bytes.back() = '\2';
  write_bytes(folder / "bad", bytes);
  expect_error(ErrorCode::kBadModel, {"bad", "\"w\"", "BOOL"},
               [&] { read_safetensors(folder / "bad"); });
}

TEST(Safetensors, WhatIsNoReadableFileIsRefused) {
  const TemporaryFolder folder;
  expect_error(ErrorCode::kNotFound, {"absent"}, [&] { read_safetensors(folder / "absent"); });
  write_bytes(folder / "file", "x");
  expect_error(ErrorCode::kNotFound, {"file/below"},
               [&] { read_safetensors(folder / "file" / "below"); });
  expect_error(ErrorCode::kUnreadable, {"directory"}, [&] { read_safetensors(folder / ""); });
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  expect_error(ErrorCode::kUnreadable, {"fifo", "regular file"},
               [&] { read_safetensors(folder / "fifo"); });
}

TEST(Safetensors, ReadsAHandWrittenFile) {
  const TemporaryFolder folder;
  // Offsets out of the header's order, empty tensors in between, JSON with white space.
  std::string bytes = file_bytes(
      R"( {"b": {"dtype":"I16", "shape":[2], "data_offsets":[0,4]},
           "empty": {"dtype":"F32", "shape":[0,7], "data_offsets":[4,4]},
           "a": {"dtype":"U8", "shape":[], "data_offsets":[4,5]},
           "__metadata__": {"k":"v"}} )",
      5);
  bytes.replace(bytes.size() - 5, 5, std::string("\x01\x02\xff\xff\x07", 5));
  write_bytes(folder / "f", bytes);
  const SafetensorsFile file = read_safetensors(folder / "f");
  ASSERT_EQ(file.tensors.size(), 3U);
  EXPECT_EQ(file.tensors.at("b")[0].item<int>(), 0x201);
  EXPECT_EQ(file.tensors.at("b")[1].item<int>(), -1);
  EXPECT_EQ(file.tensors.at("a").dim(), 0);
  EXPECT_EQ(file.tensors.at("a").item<int>(), 7);
  EXPECT_EQ(file.tensors.at("empty").sizes(), (at::IntArrayRef{0, 7}));
  EXPECT_EQ(file.metadata, (std::map<std::string, std::string>{{"k", "v"}}));
  EXPECT_EQ(read_safetensors_metadata(folder / "f"), file.metadata);
}

TEST(Safetensors, UnalignedTensorIsReadAllTheSame) {
  const TemporaryFolder folder;
  std::string header = with_entry("\"F32\"", "[2]", "[0,8]");
  while (header.size() % 4 != 1) header += ' ';
  std::string bytes = file_bytes(header, 8);
  bytes.replace(bytes.size() - 8, 8, std::string("\0\0\x80\x3f\0\0\0\xc0", 8));  // 1.0, -2.0
  write_bytes(folder / "f", bytes);
  const at::Tensor w = read_safetensors(folder / "f").tensors.at("w");
  EXPECT_EQ(w[0].item<float>(), 1.0F);
  EXPECT_EQ(w[1].item<float>(), -2.0F);
}

TEST(Safetensors, TensorsOutliveTheFileAndWritingToThemDoesNotReachIt) {
  const TemporaryFolder folder;
  write_safetensors(folder / "f", {{"w", at::arange(5000, at::kFloat)}}, {});
  const std::string before = read_bytes(folder / "f");
  at::Tensor w = read_safetensors(folder / "f").tensors.at("w");
  w.add_(1);
  EXPECT_EQ(read_bytes(folder / "f"), before);
  std::filesystem::remove(folder / "f");
  EXPECT_TRUE(w.equal(at::arange(1, 5001, at::kFloat)));
}

// Whatever bytes change: the file loads or is refused with an Error; nothing else is thrown, read
// out of bounds or left undefined (the sanitizers watch this test).
TEST(Safetensors, DamagedFilesLoadOrThrow) {
  const TemporaryFolder folder;
  const auto file = folder / "f";
  write_safetensors(file,
                    {{"layer.weight", at::arange(24, at::kFloat).view({2, 3, 4})},
                     {"layer.bias", at::arange(3, at::kHalf)},
                     {"count", at::scalar_tensor(7, at::kLong)},
                     {"flags", at::ones({5}, at::kBool)},
                     {"none", at::empty({0, 3}, at::kDouble)}},
                    {{"format", "test"}, {"note", "a longer piece of text"}});
  const std::string original = read_bytes(file);
  const std::size_t header_end =
      8 + static_cast<unsigned char>(original[0]) + 256 * static_cast<unsigned char>(original[1]);
  ASSERT_LT(header_end, original.size());

  std::mt19937 generator(20261122);
  const auto below = [&](std::size_t n) { return generator() % n; };
  // Characters that keep the JSON likely to parse, so that the checks behind it are reached.
  const std::string digits = "0123456789-[]{},:\"eF";
  int loaded = 0;
  int refused = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string bytes = original;
    const auto kind = below(8);
    const std::size_t changes = 1 + below(4);
    for (std::size_t i = 0; i < changes; ++i) {
      const std::size_t at = kind == 7 ? below(bytes.size()) : below(header_end);
      if (kind == 0) {
        bytes.resize(std::max<std::size_t>(at, 1));
        break;
      }
      if (kind == 1) {
        bytes.insert(at, 1 + below(16), digits[below(digits.size())]);
      } else if (kind == 2) {
        bytes.erase(at, 1 + below(16));
      } else if (kind == 3) {
        bytes[at] = static_cast<char>(below(256));
      } else if (kind == 7) {
        bytes[at] ^= static_cast<char>(1U << below(8));
      } else {
        bytes[std::max<std::size_t>(at, 8)] = digits[below(digits.size())];
      }
      if (bytes.size() < header_end) break;
    }
    try {
      // Most are refused here; that spares writing them.
      parse_safetensors_header(std::as_bytes(std::span(bytes)), file);
      write_bytes(file, bytes);
      for (const auto& [name, tensor] : read_safetensors(file).tensors) {
        tensor.to(at::kDouble).sum();
      }
      ++loaded;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kBadModel);
      ++refused;
    }
  }
  EXPECT_GT(loaded, 100);
  EXPECT_GT(refused, 2000);
}

}  // namespace
}  // namespace cdfss
