// How a protocol finds its data and its models, and what it says under its numbers.
#include <gtest/gtest.h>

#include "io_test_support.h"
#include "protocol_data.h"
#include "protocol_model.h"
#include "protocol_notes.h"

namespace cdfss {
namespace {

TEST(ProtocolData, NamesTheFolderThatItExpects) {
  testing::TemporaryFolder folder;
  const ProtocolData data(folder / "");
  for (const auto& [transfer, place] :
       {std::pair{"coco-pascal", "VOCdevkit/VOC2012"}, std::pair{"coco-fss", "fss-1000"},
        std::pair{"coco-suim", "SUIM"}, std::pair{"pascal-suim", "SUIM"}}) {
    testing::expect_error(ErrorCode::kNotFound, {"--data-root", transfer, place},
                          [&] { data.require(transfer_named(transfer)); });
    std::filesystem::create_directories(folder / place);
    data.require(transfer_named(transfer));
    std::filesystem::remove_all(folder / place);
  }
}

TEST(ProtocolData, SelectsAFoldOfFssAndAllOfTheOthers) {
  const ProtocolData data("root");
  EXPECT_EQ(data.spec(transfer_named("coco-pascal"), 2), "pascal:root/VOCdevkit/VOC2012");
  EXPECT_EQ(data.spec(transfer_named("coco-fss"), 2), "fss:root/fss-1000,fold=2,repair=1");
  EXPECT_EQ(data.spec(transfer_named("pascal-suim"), 2), "suim:root/SUIM,repair=1");
}

TEST(DecideClasses, KeepsWhatIsAskedFor) {
  const Transfer& transfer = transfer_named("coco-suim");
  const auto plain = decide_classes(transfer, 1, suim_class_names(), FoldTable::kStandard, {});
  EXPECT_EQ(names_in(plain), (std::vector<std::string>{"PF", "WR", "RO", "RI", "FV", "SR"}));
  const auto kept =
      decide_classes(transfer, 1, suim_class_names(), FoldTable::kStandard, {"HD", "FV"});
  EXPECT_EQ(names_in(kept), (std::vector<std::string>{"HD", "PF", "WR", "RO", "RI", "FV", "SR"}));
  testing::expect_error(ErrorCode::kInvalidValue, {"suim", "'fish'"}, [&] {
    decide_classes(transfer, 1, suim_class_names(), FoldTable::kStandard, {"fish"});
  });
}

TEST(ModelOfFold, ReplacesEveryPlaceholder) {
  const Transfer& transfer = transfer_named("pascal-suim");
  EXPECT_EQ(model_of_fold("runs/{source}_{fold}/{fold}.safetensors", transfer, 3),
            "runs/pascal_3/3.safetensors");
  EXPECT_EQ(model_of_fold("one.safetensors", transfer, 3), "one.safetensors");
  EXPECT_TRUE(has_fold_placeholder("a{fold}"));
  EXPECT_FALSE(has_fold_placeholder("{source}"));
}

TEST(TrainedOn, ReadsKindAndFoldOfTheTrainingSource) {
  const TrainedOn fold = trained_on("coco:images,json=a.json,fold=2", "coco");
  EXPECT_TRUE(fold.kind);
  EXPECT_EQ(fold.fold, 2);
  EXPECT_TRUE(trained_on("coco:images", "coco").kind);
  EXPECT_EQ(trained_on("coco:images", "coco").fold, std::nullopt);
  EXPECT_FALSE(trained_on("folder:coco", "coco").kind);
  // Of several datasets, the fold of the one that is asked for.
  EXPECT_EQ(trained_on("folder:a coco:b,fold=1", "coco").fold, 1);
  EXPECT_EQ(trained_on("coco:b pascal:c,fold=1", "coco").fold, std::nullopt);
  EXPECT_EQ(trained_on("coco:b pascal:c,fold=1", "pascal").fold, 1);
  EXPECT_EQ(trained_on("coco:my data/a:b,fold=3", "coco").fold, 3);
}

TEST(TrainingSource, MustBeKnownAndFit) {
  testing::expect_error(ErrorCode::kBadModel, {"m.safetensors", "training_source"},
                        [] { training_source("m.safetensors", {}); });
  ModelInfo info;
  info.metadata["training_source"] = "coco:x,fold=1";
  EXPECT_EQ(training_source("m.safetensors", info), "coco:x,fold=1");
  const Transfer& transfer = transfer_named("coco-fss");
  require_fold("m", "coco:x,fold=1", transfer, 1);
  require_fold("m", "folder:x", transfer, 1);  // says nothing about folds; the notes will
  testing::expect_error(ErrorCode::kInvalidValue, {"m", "fold 1", "expected fold 0"},
                        [&] { require_fold("m", "coco:x,fold=1", transfer, 0); });
}

TEST(MergeNotes, SaysOnceWhatIsTrueOfAll) {
  EXPECT_EQ(merge_notes({{"a", {"shared", "first"}}, {"b", {"second", "shared"}}}),
            (std::vector<std::string>{"shared", "a: first", "b: second"}));
  EXPECT_EQ(merge_notes({{"a", {"only"}}}), std::vector<std::string>{"only"});
  EXPECT_TRUE(merge_notes({}).empty());
}

TEST(NotesText, IsAList) {
  EXPECT_EQ(notes_text({"one.", "two."}, TableStyle::kText), "Notes:\n  - one.\n  - two.\n");
  EXPECT_EQ(notes_text({"one."}, TableStyle::kMarkdown), "Notes:\n\n- one.\n");
  EXPECT_EQ(notes_text({}, TableStyle::kText), "");
  EXPECT_EQ(heading("T", 3, TableStyle::kMarkdown), "### T\n\n");
  EXPECT_EQ(heading("T", 3, TableStyle::kText), "T\n\n");
}

}  // namespace
}  // namespace cdfss
