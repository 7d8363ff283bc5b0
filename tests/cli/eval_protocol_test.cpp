// cdfss-eval --protocol and --list-classes from the outside, on trees that the tests write.
#include "eval_test_support.h"

namespace cdfss {
namespace {

using namespace testing;

// Names of the classes of one listing that are in, or out.
std::vector<std::string> names(const nlohmann::json& listing, bool in) {
  std::vector<std::string> result;
  for (const auto& entry : listing["classes"]) {
    if (entry["in"] == in) result.push_back(entry["name"]);
  }
  return result;
}

std::string reason(const nlohmann::json& listing, const std::string& name) {
  for (const auto& entry : listing["classes"]) {
    if (entry["name"] == name) return entry["reason"];
  }
  return "no class " + name;
}

TEST(EvalListClasses, OfATransferNeedsNoFiles) {
  const auto report =
      json_of(eval({"--list-classes", "--protocol", "coco-pascal", "--fold", "2", "--json"}));
  ASSERT_EQ(report["listings"].size(), 1U);
  const auto& listing = report["listings"][0];
  EXPECT_EQ(names(listing, true), (std::vector<std::string>{"bird", "car", "pottedplant", "sheep",
                                                            "train", "tvmonitor"}));
  EXPECT_EQ(names(listing, false).size(), 14U);
  expect_part(reason(listing, "cat"), "trains on cat");

  const auto swapped = json_of(eval({"--list-classes", "--protocol", "coco-pascal", "--fold", "2",
                                     "--fold-table", "repri", "--json"}));
  EXPECT_EQ(
      names(swapped["listings"][0], true),
      (std::vector<std::string>{"bird", "cat", "pottedplant", "sheep", "train", "tvmonitor"}));
}

TEST(EvalListClasses, ShowsEveryFoldAsATable) {
  const ProcessResult result = eval({"--list-classes", "--protocol", "pascal-suim"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  for (const char* part :
       {"pascal-suim, fold 0", "pascal-suim, fold 3", "class", "tested", "why", "HD", "person"}) {
    expect_part(result.output, part);
  }
  const ProcessResult kept = eval({"--list-classes", "--protocol", "pascal-suim", "--fold", "0",
                                   "--keep-classes", "HD", "--format", "markdown"});
  expect_part(kept.output, "| HD    | yes    |");
  expect_part(kept.output, "kept as asked for");
  expect_failure(eval({"--list-classes", "--protocol", "pascal-suim", "--keep-classes", "fish"}), 1,
                 {"--keep-classes", "suim", "'fish'"});
}

TEST(EvalListClasses, OfADatasetCountsImages) {
  TemporaryFolder folder;
  write_voc(folder / "", 3);
  const std::string spec = "pascal:" + (folder / "VOCdevkit/VOC2012").string() + ",fold=0";
  const auto report = json_of(eval({"--list-classes", "--dataset", spec, "--json"}));
  const auto& listing = report["listings"][0];
  EXPECT_EQ(names(listing, true),
            (std::vector<std::string>{"aeroplane", "bicycle", "bird", "bottle"}));
  expect_part(reason(listing, "bus"), "fold 0 does not test it");
  expect_part(reason(listing, "boat"), "fewer than the 2 images");  // in fold 0, but not there
  EXPECT_EQ(listing["classes"][0]["images"], 3);
  const auto five = json_of(eval({"--list-classes", "--dataset", spec, "--shots", "5", "--json"}));
  EXPECT_TRUE(names(five["listings"][0], true).empty());
}

class EvalProtocol : public ::testing::Test {
 protected:
  EvalProtocol() { write_model_trained_on(model_, "coco:train2014,json=instances.json,fold=2"); }

  // Two episodes in each of two runs; everything is object.
  std::vector<std::string> call(std::vector<std::string> more) const {
    std::vector<std::string> arguments{"--data-root", folder_ / "", "--episodes",  "2",
                                       "--runs",      "2",          "--threshold", "0"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  TemporaryFolder folder_;
  std::string model_ = folder_ / "model.safetensors";
};

TEST_F(EvalProtocol, MeasuresEveryFoldAtBothSizes) {
  write_voc(folder_ / "", 3);
  const auto report =
      json_of(eval(call({"--protocol", "coco-pascal", "--model", model_, "--json"})));
  expect_keys(report, {"miou", "miou_std", "fb_iou", "per_class", "episodes", "runs", "folds",
                       "network_size", "model", "dataset", "shots", "input_size", "device",
                       "precision", "seconds_per_episode", "version", "notes"});
  EXPECT_EQ(report["episodes_measured"], 4 * 2 * 2);
  EXPECT_EQ(report["protocol"], "coco-pascal");
  EXPECT_NEAR(report["miou"].get<double>(), kBoxShare, 1e-12);
  EXPECT_NEAR(report["fb_iou"].get<double>(), kBoxShare / 2, 1e-12);
  EXPECT_EQ(report["miou_std"], 0);
  EXPECT_EQ(report["per_class"].size(), 4U);
  // 80 x 80 pixels are 40 x 40 in the network's input, the object's 60 are 30 there.
  EXPECT_NEAR(report["network_size"]["miou"].get<double>(), kBoxShare, 1e-12);
  ASSERT_EQ(report["folds"].size(), 4U);
  const auto& fold = report["folds"]["1"];
  EXPECT_EQ(fold["per_class"].size(), 1U);
  EXPECT_TRUE(fold["per_class"].contains("bicycle"));
  EXPECT_EQ(fold["classes"], (nlohmann::json{"bicycle", "bus", "horse", "sofa"}));
  EXPECT_EQ(fold["episodes_measured"], 4);
  EXPECT_EQ(fold["model"], model_);
  EXPECT_EQ(fold["training_source"], "coco:train2014,json=instances.json,fold=2");
}

TEST_F(EvalProtocol, SaysWhatDiffersFromThePublishedProtocol) {
  write_suim(folder_ / "");
  const ProcessResult result =
      eval(call({"--protocol", "coco-suim", "--fold", "0", "--model", model_}));
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  for (const char* part : {"One model for all folds", "held out fold 2", "suim:", "8 of them",
                           "draws no episode of PF", "2 episodes x 2 runs a fold, seeds 321 to 322",
                           "Input size 41"}) {
    expect_part(result.output, part);
  }
}

// 1000 sorted names in subsets of 50, five a fold: fold 1 has a250 ... a299, bird, c301 ... c499.
TEST_F(EvalProtocol, FoldsOfFssAreSubsetsOfTheSortedNames) {
  write_fss(folder_ / "");
  const auto listed = json_of(eval({"--list-classes", "--protocol", "coco-fss", "--fold", "1",
                                    "--data-root", folder_ / "", "--json"}));
  const auto& listing = listed["listings"][0];
  ASSERT_EQ(listing["classes"].size(), 250U);
  EXPECT_EQ(listing["classes"].front()["name"], "a250");
  EXPECT_EQ(listing["classes"].back()["name"], "c499");
  EXPECT_EQ(names(listing, false), std::vector<std::string>{"bird"});  // COCO's fold 1 trains on it
  EXPECT_EQ(listing["classes"][0]["images"], 2);

  const auto report = json_of(eval(
      call({"--protocol", "paper-table2", "--fold", "1", "--model", model_, "--format", "json"})));
  const auto& ours = report["sections"][0]["ours"];
  EXPECT_EQ(ours["folds"]["1"]["classes"].size(), 249U);
  EXPECT_NEAR(ours["miou"].get<double>(), 64.0 / 256, 1e-12);
}

TEST_F(EvalProtocol, KeepsAClassThatTheProtocolLeavesOut) {
  write_suim(folder_ / "");
  const std::vector<std::string> fold{"--protocol", "coco-suim", "--fold", "1",
                                      "--model",    model_,      "--json"};
  const auto without = json_of(eval(call(fold)))["folds"]["1"];  // it trains on person
  EXPECT_EQ(without["classes"], (nlohmann::json{"PF", "WR", "RO", "RI", "FV", "SR"}));
  std::vector<std::string> kept = call(fold);
  kept.insert(kept.end(), {"--keep-classes", "HD"});
  const auto with = json_of(eval(kept))["folds"]["1"];
  EXPECT_EQ(with["classes"], (nlohmann::json{"HD", "PF", "WR", "RO", "RI", "FV", "SR"}));
}

TEST_F(EvalProtocol, PrintsThePublishedRowsBesideOurs) {
  write_voc(folder_ / "", 6);
  const ProcessResult text = eval(call({"--protocol", "paper-table1", "--model", model_}));
  ASSERT_EQ(text.exit_code, 0) << text.errors;
  for (const char* part :
       {"Table 1", "1-shot", "5-shot", "RPMMs", "RePRI", "ASGNet", "PFENet", "CWT", "HSNet", "SCL",
        "the paper's", "ours, resnet50-caffe, network size", "Notes:", "Fold table: standard"}) {
    expect_part(text.output, part);
  }
  expect_part(text.output,
              "the paper's, ResNet50                  57.4    62.2    68.0    74.8  65.6    -");
  expect_part(text.output,
              "ours, resnet50-caffe, original size    56.2    56.2    56.2    56.2  56.2  0.0");

  const ProcessResult part = eval(call(
      {"--protocol", "paper-table1", "--model", model_, "--fold", "1", "--format", "markdown"}));
  ASSERT_EQ(part.exit_code, 0) << part.errors;
  expect_part(part.output, "### 5-shot");
  expect_part(part.output,
              "| ours, resnet50-caffe, original size |      - |   56.2 |      - |      - |    - |");
}

TEST_F(EvalProtocol, TableAsJsonHoldsPublishedAndOurs) {
  write_suim(folder_ / "");
  const auto report =
      json_of(eval(call({"--protocol", "paper-table3", "--model", model_, "--format", "json"})));
  ASSERT_EQ(report["sections"].size(), 2U);
  const auto& section = report["sections"][1];
  EXPECT_EQ(section["transfer"], "pascal-suim");
  ASSERT_EQ(section["published"].size(), 4U);
  EXPECT_EQ(section["published"][3]["mean"], 34.7);
  EXPECT_EQ(section["published"][0]["folds"], (nlohmann::json{32.4, 30.9, 28.9, 35.2}));
  EXPECT_NEAR(section["ours"]["miou"].get<double>(), kBoxShare, 1e-12);
  EXPECT_EQ(report["episodes_measured"], 2 * 4 * 2 * 2);
}

TEST_F(EvalProtocol, AblationMeasuresTheRowsThatHaveAModel) {
  const auto published = json_of(eval({"--protocol", "paper-table6", "--json"}));
  ASSERT_EQ(published["rows"].size(), 5U);
  EXPECT_EQ(published["rows"][1]["published"], 64.0);
  EXPECT_FALSE(published["rows"][1].contains("ours"));

  write_voc(folder_ / "", 3);
  const ProcessResult result =
      eval(call({"--protocol", "paper-table6", "--row-model", "layer-0=" + model_}));
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  expect_part(result.output, "layer-0: layer-0       64.0                56.2  0.0");
  expect_part(result.output, "layer-3: layer-3       50.8                   -    -");
}

TEST_F(EvalProtocol, NamesWhatIsMissingBeforeMeasuring) {
  expect_failure(eval(call({"--protocol", "coco-pascal", "--model", model_})), 1,
                 {"--data-root", "VOCdevkit/VOC2012"});
  expect_failure(eval(call({"--protocol", "paper-table2", "--model", model_})), 1, {"fss-1000"});
  expect_failure(eval(call({"--protocol", "paper-table3", "--model", model_})), 1, {"SUIM"});
  write_voc(folder_ / "", 3);
  expect_failure(eval(call({"--protocol", "coco-pascal", "--model", model()})), 1,
                 {model(), "training_source"});
  expect_failure(eval(call({"--protocol", "coco-pascal", "--model", "no_{fold}.safetensors"})), 1,
                 {"no_0.safetensors"});
  expect_failure(eval(call({"--protocol", "coco-pascal", "--model", model_, "--shots", "3"})), 1,
                 {"4 images", "3 shots"});
  expect_failure(eval(call({"--protocol", "coco-pascal", "--model", model_, "--report",
                            folder_ / "no/r.json"})),
                 1, {"no/r.json"});
}

TEST_F(EvalProtocol, AModelNamedForAFoldMustBeOfThatFold) {
  write_voc(folder_ / "", 3);
  write_model_trained_on(folder_ / "coco_1.safetensors", "coco:images,fold=1");
  write_model_trained_on(folder_ / "coco_3.safetensors", "coco:images,fold=0");
  const std::string pattern = folder_ / "{source}_{fold}.safetensors";
  const auto report = json_of(
      eval(call({"--protocol", "coco-pascal", "--model", pattern, "--fold", "1", "--json"})));
  EXPECT_EQ(report["folds"]["1"]["model"], (folder_ / "coco_1.safetensors").string());
  expect_failure(eval(call({"--protocol", "coco-pascal", "--model", pattern, "--fold", "3"})), 1,
                 {"coco_3.safetensors", "fold 0", "expected fold 3"});
}

TEST_F(EvalProtocol, InterruptReportsWhatWasMeasured) {
  write_voc(folder_ / "", 3);
  const std::string report_file = folder_ / "report.json";
  // The signal comes once the program catches it (bit 14 of the mask): before or while measuring.
  const ProcessResult result = run_shell(
      program(kEval) + " --protocol coco-pascal --episodes 100000 --data-root " +
      testing::quoted(folder_ / "") + " --model " + testing::quoted(model_) + " --report " +
      testing::quoted(report_file) +
      " & pid=$!; while caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' /proc/$pid/status) && "
      "[ $(( 0x$caught & 0x4000 )) -eq 0 ]; do sleep 0.05; done; kill -TERM $pid; wait $pid");
  EXPECT_EQ(result.exit_code, 1) << result.errors;
  expect_part(result.errors, "interrupted");
  const auto report = nlohmann::json::parse(read_bytes(report_file));
  EXPECT_EQ(report["interrupted"], true);
  EXPECT_GE(report["episodes_measured"], 1);
  EXPECT_LT(report["episodes_measured"], 100000);
}

TEST(EvalProtocolUsage, OptionsThatDoNotGoTogetherAreNamed) {
  const auto refused = [](std::vector<std::string> arguments,
                          std::initializer_list<std::string> parts) {
    expect_failure(eval(std::move(arguments)), 2, parts);
  };
  refused({"--protocol", "coco-mars"}, {"--protocol", "coco-mars"});
  refused({"--protocol", "coco-suim", "--dataset", "folder:d"}, {"--dataset", "--protocol"});
  refused({"--protocol", "coco-suim", "--model", "m"}, {"--data-root"});
  refused({"--protocol", "coco-suim", "--data-root", "d"}, {"--model"});
  refused({"--protocol", "coco-suim", "--data-root", "d", "--model", "m", "--fold", "4"},
          {"--fold", "4"});
  refused({"--protocol", "coco-suim", "--data-root", "d", "--model", "m", "--fold-table", "repri"},
          {"--fold-table", "coco-suim"});
  refused({"--dataset", "folder:d", "--model", "m", "--fold", "1"}, {"--fold", "--protocol"});
  refused({"--dataset", "folder:d", "--model", "m", "--data-root", "d"}, {"--data-root"});
  refused({"--protocol", "paper-table1", "--data-root", "d", "--model", "m", "--shots", "5"},
          {"--shots"});
  refused({"--protocol", "paper-table5", "--data-root", "d", "--model", "m"},
          {"--model", "--row-model"});
  refused({"--protocol", "paper-table5", "--data-root", "d", "--row-model", "z=m"},
          {"--row-model", "\"z\"", "baseline, a, b, c, d"});
  refused({"--protocol", "paper-table5", "--row-model", "a=m"}, {"--data-root"});
  refused({"--protocol", "paper-table5", "--data-root", "d", "--row-model", "a"},
          {"--row-model", "ROW=FILE"});
  refused({"--protocol", "paper-table5", "--data-root", "d", "--row-model", "a=1", "--row-model",
           "a=2"},
          {"--row-model", "twice"});
  refused({"--protocol", "coco-suim", "--data-root", "d", "--row-model", "a=m"}, {"--row-model"});
  refused({"--list-classes", "--video", "v"}, {"--list-classes", "--video"});
  refused({"--list-classes", "--protocol", "paper-table1"}, {"--list-classes", "coco-pascal"});
  refused({"--list-classes", "--protocol", "coco-fss"}, {"--data-root"});
  refused({"--list-classes", "--protocol", "coco-suim", "--model", "m"}, {"--model"});
  refused({"--list-classes", "--protocol", "coco-suim", "--episodes", "3"}, {"--episodes"});
}

}  // namespace
}  // namespace cdfss
