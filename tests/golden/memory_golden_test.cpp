// The meta-memory and the losses on it against stored double-precision values.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>

#include "golden_folder.h"
#include "io/safetensors.h"
#include "loss/contrastive.h"
#include "model/meta_memory.h"

namespace cdfss {
namespace {

constexpr double kTolerance = 1e-9;

class MemoryGolden : public GoldenTest {
 protected:
  // Runs `check` on every file; each holds one case.
  template <typename Check>
  void for_each_case(Check check) {
    for (const auto& file : files_or_skip("memory")) {
      SCOPED_TRACE(file.string());
      golden_ = read_safetensors(file);
      ASSERT_FALSE(golden_.tensors.empty());
      check();
    }
  }

  const at::Tensor& golden(const std::string& name) const { return golden_.tensors.at(name); }
  double number(const std::string& name) const { return std::stod(golden_.metadata.at(name)); }

  // A full memory that holds the stored M and E.
  MetaMemory memory() const {
    MetaMemoryOptions options;
    options.channels = static_cast<int>(golden("M").size(1));
    options.slots = static_cast<int>(golden("M").size(0));
    options.retention = number("alpha");
    options.momentum = number("lam");
    options.update = MemoryUpdate::kPaper;
    options.init = MemoryInit::kRandom;
    MetaMemory memory(options);
    memory->to(at::kDouble);
    const at::NoGradGuard no_grad;
    auto parameters = memory->named_parameters();
    parameters["mean"].copy_(golden("M"));
    parameters["std"].copy_(golden("E"));
    return memory;
  }

  void expect_golden(const at::Tensor& actual, const std::string& name) const {
    const auto& expected = golden(name);
    ASSERT_EQ(actual.scalar_type(), at::kDouble) << name;
    ASSERT_EQ(actual.numel(), expected.numel()) << name;
    EXPECT_LT((actual.detach().reshape(expected.sizes()) - expected).abs().max().item<double>(),
              kTolerance)
        << name;
  }

 private:
  SafetensorsFile golden_;
};

TEST_F(MemoryGolden, StyleOfFeatures) {
  for_each_case([&] {
    ASSERT_EQ(number("eps"), 1e-6);
    const auto& features = golden("f");
    const Style style = style_of(features);
    expect_golden(style.mean, "mu");
    expect_golden(style.std, "v");
    const auto over_pixels = [](const at::Tensor& values) {
      return values.unsqueeze(2).unsqueeze(3);
    };
    expect_golden((features - over_pixels(style.mean)) / over_pixels(style.std), "f_norm");
  });
}

TEST_F(MemoryGolden, PaperUpdate) {
  for_each_case([&] {
    auto bank = memory();
    bank->commit(style_of(golden("f")));
    expect_golden(bank->named_parameters()["mean"], "M_new");
    expect_golden(bank->named_parameters()["std"], "E_new");
  });
}

TEST_F(MemoryGolden, Enhancement) {
  for_each_case([&] {
    const auto bank = memory();
    const auto& features = golden("f");
    for (const auto& [pick, name] :
         {std::pair{Pick::kLowest, std::string("low")}, {Pick::kHighest, std::string("high")}}) {
      const auto [mean_slot, std_slot] = bank->pick_slots(style_of(features), pick);
      EXPECT_TRUE(at::equal(mean_slot, golden("idx_" + name + "_m"))) << mean_slot;
      EXPECT_TRUE(at::equal(std_slot, golden("idx_" + name + "_e"))) << std_slot;
      expect_golden(bank->enhance(features, pick), "enh_" + name);
    }
  });
}

TEST_F(MemoryGolden, OrthogonalLoss) {
  for_each_case([&] {
    const auto bank = memory();
    expect_golden(bank->orthogonal_loss(), "orth_all");
    expect_golden(bank->orthogonal_loss(/*diagonal=*/false), "orth_off");
  });
}

TEST_F(MemoryGolden, ContrastiveLoss) {
  for_each_case([&] {
    expect_golden(contrastive_loss(golden("pb"), golden("pt"), 1.0), "cont_tau1");
    expect_golden(contrastive_loss(golden("pb"), golden("pt"), 0.1), "cont_tau01");
  });
}

}  // namespace
}  // namespace cdfss
