#include "cdfss/support_set.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "io_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;

SupportShot shot(std::vector<std::uint8_t> mask = {0, 1}, const std::string& source = "a.png") {
  return {.image = std::make_shared<Image>(
              Image{.width = 2, .height = 1, .pixels = std::vector<std::uint8_t>(6)}),
          .mask = std::move(mask),
          .source = source};
}

SupportSet three_classes() {
  SupportSet set;
  set.add("fish", shot());
  set.add("reef", shot());
  set.add("fish", shot({1, 255}, "b.png"));
  set.add("crab", shot());
  return set;
}

std::vector<std::string> names(const SupportSet& set) {
  std::vector<std::string> result;
  for (const SupportClass& entry : set.classes()) result.push_back(entry.name);
  return result;
}

TEST(SupportSet, ClassesKeepTheirOrderAndGatherShots) {
  EXPECT_TRUE(SupportSet().empty());
  const SupportSet set = three_classes();
  EXPECT_EQ(names(set), (std::vector<std::string>{"fish", "reef", "crab"}));
  ASSERT_EQ(set.classes()[0].shots.size(), 2u);
  EXPECT_EQ(set.classes()[0].shots[1].source, "b.png");
}

TEST(SupportSet, SelectTakesTheNamedClassesInOrder) {
  const SupportSet set = three_classes().select({"crab", "fish"});
  EXPECT_EQ(names(set), (std::vector<std::string>{"crab", "fish"}));
  EXPECT_EQ(set.classes()[1].shots.size(), 2u);
  expect_error(ErrorCode::kInvalidValue, {"'eel'", "fish, reef, crab"},
               [] { three_classes().select({"fish", "eel"}); });
  expect_error(ErrorCode::kInvalidValue, {"'fish'", "twice"},
               [] { three_classes().select({"fish", "fish"}); });
}

TEST(SupportSet, AddRefusesWhatIsNoShot) {
  const auto refused = [](SupportShot wrong, const char* what, const char* name = "fish") {
    SupportSet set;
    expect_error(ErrorCode::kInvalidValue, {"a.png", what}, [&] { set.add(name, wrong); });
    EXPECT_TRUE(set.empty());
  };
  refused(shot(), "no name", "");
  refused(shot({0, 0}), "empty");
  refused(shot({255, 0}), "empty");
  refused(shot({1, 2}), "holds 2");
  refused(shot({1}), "mask 1, expected 6 and 2");
  refused(shot({1, 1, 1}), "mask 3");
  SupportShot wrong = shot();
  wrong.image = nullptr;
  refused(wrong, "no image");
  wrong.image = std::make_shared<Image>();
  refused(wrong, "0x0");
  wrong.image = std::make_shared<Image>(Image{.width = 2, .height = 1, .pixels = {1, 2, 3}});
  refused(wrong, "3 bytes");
}

}  // namespace
}  // namespace cdfss
