#include "data/transfer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "data_test_support.h"

namespace cdfss {
namespace {

using testing::expect_error;
using testing::FakeDataset;

using Names = std::vector<std::string>;

Names kept(const std::vector<ClassDecision>& decisions) {
  Names names;
  for (const ClassDecision& decision : decisions) {
    if (decision.in) names.push_back(decision.name);
  }
  return names;
}

std::string reason(const std::vector<ClassDecision>& decisions, const std::string& name) {
  return std::ranges::find(decisions, name, &ClassDecision::name)->reason;
}

TEST(ClassTables, AreTheOfficialLists) {
  const Names& voc = voc_class_names();
  ASSERT_EQ(voc.size(), 20u);
  EXPECT_EQ(voc[0], "aeroplane");
  EXPECT_EQ(voc[6], "car");
  EXPECT_EQ(voc[7], "cat");
  EXPECT_EQ(voc[14], "person");
  EXPECT_EQ(voc[19], "tvmonitor");
  const Names& coco = coco_class_names();
  ASSERT_EQ(coco.size(), 80u);
  EXPECT_EQ(coco[0], "person");
  EXPECT_EQ(coco[15], "cat");
  EXPECT_EQ(coco[39], "bottle");
  EXPECT_EQ(coco[62], "tv");
  EXPECT_EQ(coco[79], "toothbrush");
  EXPECT_EQ(suim_class_names(), (Names{"BW", "HD", "PF", "WR", "RO", "RI", "FV", "SR"}));
}

TEST(ClassTables, EveryVocClassIsOneOfCoco) {
  for (const std::string& name : voc_class_names()) {
    EXPECT_EQ(
        std::ranges::count(coco_class_names(), canonical_class_name(name), canonical_class_name), 1)
        << name;
  }
  EXPECT_EQ(canonical_class_name("Potted_Plant"), "pottedplant");
  EXPECT_EQ(canonical_class_name("t-shirt"), "tshirt");
}

TEST(ClassTables, EveryClassIsTestedInOneFold) {
  const auto tested = [](bool (*tests)(int, int), int classes) {
    std::vector<int> count(kFolds);
    for (int id = 0; id < classes; ++id) {
      for (int fold = 0; fold < kFolds; ++fold) count[fold] += tests(id, fold) ? 1 : 0;
    }
    return count;
  };
  EXPECT_EQ(tested(voc_fold_tests, 20), (std::vector<int>{5, 5, 5, 5}));
  EXPECT_EQ(tested(coco_fold_tests, 80), (std::vector<int>{20, 20, 20, 20}));
  EXPECT_EQ(tested(fss_fold_tests, 1000), (std::vector<int>{250, 250, 250, 250}));
  EXPECT_TRUE(voc_fold_tests(14, 2));
  EXPECT_TRUE(coco_fold_tests(77, 1));
  EXPECT_TRUE(fss_fold_tests(249, 0));
  EXPECT_TRUE(fss_fold_tests(250, 1));
  EXPECT_TRUE(fss_fold_tests(999, 3));
}

// SPEC B21, typed from there.
TEST(TargetClasses, CocoToPascalAreTheFourFolds) {
  const Transfer& transfer = transfer_named("coco-pascal");
  const auto fold = [&](int number, FoldTable table = FoldTable::kStandard) {
    return target_classes(transfer, number, voc_class_names(), table);
  };
  EXPECT_EQ(kept(fold(0)), (Names{"aeroplane", "boat", "chair", "diningtable", "dog", "person"}));
  EXPECT_EQ(kept(fold(1)), (Names{"bicycle", "bus", "horse", "sofa"}));
  EXPECT_EQ(kept(fold(2)), (Names{"bird", "car", "pottedplant", "sheep", "train", "tvmonitor"}));
  EXPECT_EQ(kept(fold(3)), (Names{"bottle", "cat", "cow", "motorbike"}));
  EXPECT_EQ(kept(fold(2, FoldTable::kRepri)),
            (Names{"bird", "cat", "pottedplant", "sheep", "train", "tvmonitor"}));
  EXPECT_EQ(kept(fold(3, FoldTable::kRepri)), (Names{"bottle", "car", "cow", "motorbike"}));
  EXPECT_EQ(kept(fold(0, FoldTable::kRepri)), kept(fold(0)));
  ASSERT_EQ(fold(0).size(), 20u);
  EXPECT_EQ(reason(fold(0), "sofa"), "coco fold 0 trains on couch");
  EXPECT_EQ(reason(fold(1), "sofa"), "coco fold 1 does not train on sofa");
  EXPECT_EQ(reason(fold(3, FoldTable::kRepri), "car"),
            "the repri table takes it for cat; coco fold 3 does not train on cat");
}

TEST(TargetClasses, SuimLosesItsBackgroundAndDiversWherePeopleWereTrainedOn) {
  const Names all = suim_class_names();
  const Names with_divers{"HD", "PF", "WR", "RO", "RI", "FV", "SR"};
  const Names without{"PF", "WR", "RO", "RI", "FV", "SR"};
  const auto names = [&](const char* transfer, int fold) {
    return kept(target_classes(transfer_named(transfer), fold, all));
  };
  EXPECT_EQ(names("coco-suim", 0), with_divers);
  for (const int fold : {1, 2, 3}) EXPECT_EQ(names("coco-suim", fold), without) << fold;
  EXPECT_EQ(names("pascal-suim", 2), with_divers);
  for (const int fold : {0, 1, 3}) EXPECT_EQ(names("pascal-suim", fold), without) << fold;
  const auto decisions = target_classes(transfer_named("pascal-suim"), 0, all);
  EXPECT_EQ(reason(decisions, "BW"), "background and water body: no object");
  EXPECT_EQ(reason(decisions, "HD"), "pascal fold 0 trains on person");
  EXPECT_EQ(reason(decisions, "RI"), "pascal fold 0 does not train on a class like it");
}

TEST(TargetClasses, FssLosesNamesThatWereTrainedOn) {
  const Names names{"abacus", "banana", "hot_dog", "motorbike", "Potted_plant"};
  const auto fold = [&](int number) {
    return target_classes(transfer_named("coco-fss"), number, names);
  };
  // COCO ids from 0: banana 46, hot dog 52, motorcycle 3, potted plant 58; tested in id % 4.
  EXPECT_EQ(kept(fold(0)), (Names{"abacus", "hot_dog"}));
  EXPECT_EQ(kept(fold(1)), Names{"abacus"});
  EXPECT_EQ(kept(fold(2)), (Names{"abacus", "banana", "Potted_plant"}));
  EXPECT_EQ(kept(fold(3)), (Names{"abacus", "motorbike"}));
  EXPECT_EQ(reason(fold(0), "motorbike"), "coco fold 0 trains on motorcycle");
}

TEST(TargetClasses, WrongRequestsAreNamed) {
  const auto refused = [](const char* transfer, int fold, const Names& names, FoldTable table,
                          std::initializer_list<std::string_view> parts) {
    expect_error(ErrorCode::kInvalidValue, parts,
                 [&] { target_classes(transfer_named(transfer), fold, names, table); });
  };
  refused("coco-pascal", 4, {}, FoldTable::kStandard, {"fold 4", "coco-pascal", "0 to 3"});
  refused("coco-pascal", -1, {}, FoldTable::kStandard, {"fold -1"});
  refused("coco-pascal", 0, {"tv"}, FoldTable::kStandard, {"'tv'", "pascal"});
  refused("coco-suim", 0, {"water"}, FoldTable::kStandard, {"'water'", "suim", "HD"});
  refused("coco-suim", 0, {"HD"}, FoldTable::kRepri, {"repri", "coco-suim"});
  expect_error(ErrorCode::kInvalidValue,
               {"'coco-voc'", "coco-pascal, coco-fss, coco-suim, pascal-suim"},
               [] { transfer_named("coco-voc"); });
}

TEST(KeepNamedClasses, KeepsThemInTheOrderGiven) {
  const auto base = std::make_shared<FakeDataset>(
      Names{"dog", "cat", "owl"}, std::vector<std::vector<int>>{{0, 1}, {1}, {1, 2}});
  const auto kept = keep_named_classes(base, {"owl", "dog"});
  EXPECT_EQ(kept->classes(), (Names{"owl", "dog"}));
  ASSERT_EQ(kept->size(), 3);
  EXPECT_EQ(kept->classes_in(0), std::vector<int>{1});
  EXPECT_EQ(kept->classes_in(1), std::vector<int>{});
  EXPECT_EQ(kept->classes_in(2), std::vector<int>{0});
  EXPECT_TRUE(testing::same(kept->label(2, 0), base->label(2, 2)));
  expect_error(ErrorCode::kInvalidValue, {"'cow'", "3 classes"},
               [&] { keep_named_classes(base, {"dog", "cow"}); });
  expect_error(ErrorCode::kInvalidValue, {"'dog'", "twice"},
               [&] { keep_named_classes(base, {"dog", "dog"}); });
  expect_error(ErrorCode::kInvalidValue, {"no class"}, [&] { keep_named_classes(base, {}); });
}

}  // namespace
}  // namespace cdfss
