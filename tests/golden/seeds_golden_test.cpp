// Faithful seed placement against the released code's seeds, bit for bit.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>

#include "golden_folder.h"
#include "io/safetensors.h"
#include "model/seed_placement.h"

namespace cdfss {
namespace {

using SeedsGolden = GoldenTest;

TEST_F(SeedsGolden, EveryCaseIsBitEqual) {
  const std::string mask_suffix = "_mask";
  for (const auto& file : files_or_skip("seeds")) {
    SCOPED_TRACE(file.string());
    const auto golden = read_safetensors(file);
    int cases = 0;
    for (const auto& [name, mask] : golden.tensors) {
      if (!name.ends_with(mask_suffix)) continue;
      const auto stem = name.substr(0, name.size() - mask_suffix.size());
      ASSERT_TRUE(golden.tensors.contains(stem + "_seeds")) << name << " has no seeds";
      const auto& expected = golden.tensors.at(stem + "_seeds");
      const auto seeds = place_seeds(mask, SeedMode::kFaithful);
      EXPECT_EQ(seeds.scalar_type(), expected.scalar_type()) << stem;
      EXPECT_TRUE(at::equal(seeds, expected)) << stem << ": placed\n"
                                              << seeds << "\nexpected\n"
                                              << expected;
      ++cases;
    }
    EXPECT_GT(cases, 0) << "no case in " << file;
  }
}

}  // namespace
}  // namespace cdfss
