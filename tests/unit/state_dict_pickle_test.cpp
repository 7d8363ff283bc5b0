#include "io/state_dict_pickle.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <random>

#include "io_test_support.h"
#include "pth_writer.h"

namespace cdfss {
namespace {

using testing::expect_error;
namespace pickle = testing::pickle;

// Every storage holds 0, 1, 2, ...
at::Tensor counting_storage(const std::string&, at::ScalarType dtype, std::int64_t elements) {
  if (elements > 1000) throw Error(ErrorCode::kBadModel, "counting storage is too large");
  return at::arange(elements, dtype);
}

std::map<std::string, at::Tensor> parse(const std::string& program) {
  return parse_state_dict(program, counting_storage, "some.pth");
}

std::string one(std::string_view value) {  // {"w": value}
  return pickle::program(std::string("}").append(pickle::text("w")).append(value).append("s"));
}

void expect_refused(const std::string& program, std::string_view part) {
  expect_error(ErrorCode::kBadModel, {"some.pth", part}, [&] { parse(program); });
}

const std::string kTwoByThree = pickle::integer(2) + pickle::integer(3);

TEST(StateDictPickle, ReadsViewsOfStorages) {
  const std::string sizes = kTwoByThree;
  const std::string strides = pickle::integer(1) + pickle::integer(4);
  const at::Tensor w = parse(one(pickle::tensor("0", 12, 2, sizes, strides))).at("w");
  EXPECT_TRUE(w.equal(at::tensor({2.F, 6.F, 10.F, 3.F, 7.F, 11.F}).view({2, 3})));
  EXPECT_EQ(parse(one(pickle::tensor("0", 5, 4, "", ""))).at("w").item<float>(), 4.F);
  const at::Tensor empty =
      parse(one(pickle::tensor("0", 0, 0, std::string("K\0K\3", 4), "K\3K\1"))).at("w");
  EXPECT_EQ(empty.sizes(), (at::IntArrayRef{0, 3}));
}

TEST(StateDictPickle, SharedStorageIsLoadedOnce) {
  int loads = 0;
  const auto tensors = parse_state_dict(
      pickle::program("}(" + pickle::text("a") + pickle::tensor("0", 6, 0, "K\6", "K\1") +
                      pickle::text("b") + pickle::tensor("0", 6, 3, "K\3", "K\1") + "u"),
      [&](const std::string&, at::ScalarType dtype, std::int64_t elements) {
        ++loads;
        return at::arange(elements, dtype);
      },
      "some.pth");
  EXPECT_EQ(loads, 1);
  EXPECT_TRUE(tensors.at("b").is_alias_of(tensors.at("a")));
}

TEST(StateDictPickle, MemoisedValuesAndIntegersOfEveryWidth) {
  // The state dict is made first, in a tuple that stays below; the outer dict recalls it from the
  // memo. Offset 3 is a BININT2, size 2 a BININT1, stride 1 a LONG1.
  const std::string storage = pickle::tuple(pickle::text("storage") + "ctorch\nShortStorage\n" +
                                            pickle::text("0") + pickle::text("cpu") + "K\x09") +
                              "Q";
  const std::string arguments =
      storage + std::string("M\3\0", 3) + "K\2\x85" + "\x8a\1\1\x85" + "\x89N";
  const std::string long_put = "r" + std::string("\1\1\0\0", 4);
  const std::string long_get = "j" + std::string("\1\1\0\0", 4);
  const std::string inner = "}" + long_put + pickle::text("w") + "q\5" +
                            pickle::call("torch._utils\n_rebuild_tensor_v2", arguments) + "s";
  const std::string program =
      pickle::program(pickle::tuple(inner) + "}" + pickle::text("state_dict") + long_get + "s");
  EXPECT_TRUE(parse(program).at("w").equal(at::tensor({3, 4}, at::kShort)));
}

TEST(StateDictPickle, OpensCheckpointsOfParallelModels) {
  const std::string inner =
      pickle::ordered_dict(pickle::text("module.w") + pickle::tensor("0", 1, 0, "K\1", "K\1"));
  const auto tensors = parse(pickle::program("}(" + pickle::text("epoch") + "K\3" +
                                             pickle::text("state_dict") + inner + "u"));
  ASSERT_EQ(tensors.size(), 1U);
  EXPECT_EQ(tensors.begin()->first, "w");
}

TEST(StateDictPickle, WhatIsNoStateDictIsRefused) {
  expect_refused(pickle::program("N"), "no state dict");
  expect_refused(pickle::program("]"), "no state dict");
  expect_refused(pickle::program(pickle::tensor("0", 1, 0, "", "")), "no state dict");
  expect_refused(one("K\3"), "\"w\" is not a tensor");
  expect_refused(one("}"), "\"w\" is not a tensor");
  expect_refused(one(pickle::tensor("0", 1, 0, "", "", "ComplexFloatStorage")), "known type");
  expect_refused(pickle::program("}K\1" + pickle::tensor("0", 1, 0, "", "") + "s"), "not a string");
  const std::string w = pickle::tensor("0", 1, 0, "", "");
  expect_refused(pickle::program("}(" + pickle::text("w") + w + pickle::text("module.w") + w + "u"),
                 "\"w\" twice");
}

TEST(StateDictPickle, NothingIsCalled) {
  const testing::TemporaryFolder folder;
  const std::string command = "touch " + (folder / "executed").string();
  expect_refused(one(pickle::call("os\nsystem", pickle::text(command))), "\"w\" is not a tensor");
  expect_refused(pickle::program(pickle::call("posix\nsystem", pickle::text(command))),
                 "no state dict");
  expect_refused(pickle::program(pickle::call("builtins\neval", pickle::text("1"))),
                 "no state dict");
  EXPECT_EQ(folder.file_count(), 0);
}

TEST(StateDictPickle, ViewsOutsideTheirStorageAreRefused) {
  const auto view = [](int elements, int offset, const std::string& sizes,
                       const std::string& strides) {
    expect_refused(one(pickle::tensor("0", elements, offset, sizes, strides)), "");
  };
  view(5, 0, "K\6", "K\1");                                         // one too many
  view(5, 1, "K\5", "K\1");                                         // offset pushes it out
  view(5, 5, "", "");                                               // a scalar behind the end
  view(5, 0, "K\2", "K\5");                                         // stride
  view(5, -1, "K\1", "K\1");                                        // before the begin
  view(5, 0, pickle::integer(-1), "K\1");                           // negative size
  view(5, 4, "K\2", pickle::integer(-1));                           // negative stride
  view(5, 0, kTwoByThree, "K\1");                                   // fewer strides than sizes
  view(-1, 0, "K\1", "K\1");                                        // negative storage
  view(5, 6, std::string("K\0", 2), "K\1");                         // nothing, but behind the end
  std::string huge = "\x8a\x08" + std::string(7, '\xff') + "\x7f";  // 2^63 - 1
  view(5, 0, huge, "K\2");                                          // the last index overflows
  view(5, 0, huge + "K\2", std::string("K\0K\0", 4));               // the element count overflows
}

TEST(StateDictPickle, StorageOfTwoTypesIsRefused) {
  expect_refused(
      pickle::program("}(" + pickle::text("a") + pickle::tensor("0", 2, 0, "", "") +
                      pickle::text("b") + pickle::tensor("0", 2, 0, "", "", "LongStorage") + "u"),
      "two types");
}

TEST(StateDictPickle, MalformedProgramsAreRefused) {
  for (const std::string& body : {std::string(""),
                                  std::string("s"),
                                  std::string("u"),
                                  std::string("(u"),
                                  std::string("}(Nu"),
                                  std::string("t"),
                                  std::string("e"),
                                  std::string("(."),
                                  std::string("a"),
                                  std::string("R"),
                                  std::string("NR"),
                                  std::string("\x85"),
                                  std::string("}}\x87"),
                                  std::string("h\1"),
                                  std::string("q\1"),
                                  std::string("Q"),
                                  std::string(")Q"),
                                  std::string("NQ"),
                                  std::string("b"),
                                  std::string("X\xff\xff\xff\xff"),
                                  std::string("cos\nsystem"),
                                  std::string("]NNs"),
                                  std::string("(((ttt"),
                                  std::string("\x95"),
                                  std::string("NN(\x86\x85t"),
                                  pickle::call("torch._utils\n_rebuild_tensor_v2", ""),
                                  pickle::call("torch._utils\n_rebuild_parameter", "")}) {
    expect_refused(pickle::program(body), "");
    expect_error(ErrorCode::kBadModel, {"some.pth"}, [&] { parse(body); });  // no STOP either
  }
}

TEST(StateDictPickle, DepthAndCirclesCostNothing) {
  const std::string deep_tuples = ")" + std::string(1'000'000, '\x85');
  expect_refused(pickle::program(deep_tuples), "no state dict");
  std::string deep_dicts;
  for (int i = 0; i < 100'000; ++i) deep_dicts += "}N";
  expect_refused(pickle::program(deep_dicts + "N" + std::string(100'000, 's')), "not a string");
  // A dict that is its own state_dict, and its own entry.
  expect_refused(pickle::program("}q\1" + pickle::text("state_dict") + "h\1s"),
                 "\"state_dict\" is not a tensor");
}

// Whatever bytes change, a program parses or is refused (the sanitizers watch this test).
TEST(StateDictPickle, DamagedProgramsParseOrThrow) {
  const std::string original = pickle::program(
      "}q\1(" + pickle::text("epoch") + "K\3" + pickle::text("state_dict") +
      pickle::ordered_dict(pickle::text("module.w") + "q\2" +
                           pickle::tensor("0", 12, 2, kTwoByThree, "K\3K\1") + pickle::text("b") +
                           pickle::tensor("1", 4, 0, "K\4", "K\1", "HalfStorage")) +
      "}" + pickle::text("_metadata") + "}sbu");
  ASSERT_EQ(parse(original).size(), 2U);
  int parsed = 0;
  const auto try_parse = [&](const std::string& program) {
    try {
      for (const auto& [name, tensor] : parse(program)) tensor.to(at::kDouble).sum();
      ++parsed;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kBadModel);
    }
  };
  for (std::size_t size = 0; size < original.size(); ++size) try_parse(original.substr(0, size));
  EXPECT_EQ(parsed, 0);

  std::mt19937 generator(20261122);
  const std::string opcodes =
      "(tRuesab}]).N\x85\x86\x87\x88"
      "KJMXchjqrQ\1";
  for (int round = 0; round < 20000; ++round) {
    std::string program = original;
    for (auto changes = 1 + generator() % 3; changes > 0; --changes) {
      const std::size_t at = generator() % program.size();
      switch (generator() % 4) {
        case 0:
          program[at] = static_cast<char>(generator());
          break;
        case 1:
          program[at] = opcodes[generator() % opcodes.size()];
          break;
        case 2:
          program.insert(at, 1, opcodes[generator() % opcodes.size()]);
          break;
        default:
          program.erase(at, 1 + generator() % 4);
      }
    }
    try_parse(program);
  }
  EXPECT_GT(parsed, 500);
}

}  // namespace
}  // namespace cdfss
