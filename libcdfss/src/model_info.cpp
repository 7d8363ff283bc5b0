#include "cdfss/model_info.h"

#include <array>
#include <utility>

#include "cdfss/error.h"

namespace cdfss {
namespace {

constexpr std::array<std::pair<TargetEnhancement, const char*>, 5> kNames{{
    {TargetEnhancement::kNone, "none"},
    {TargetEnhancement::kSupport, "support"},
    {TargetEnhancement::kQuery, "query"},
    {TargetEnhancement::kBoth, "both"},
    {TargetEnhancement::kUnion, "union"},
}};

}  // namespace

const char* to_string(TargetEnhancement value) {
  for (const auto& [known, name] : kNames) {
    if (known == value) return name;
  }
  return "unknown";
}

TargetEnhancement target_enhancement_from_string(const std::string& text) {
  for (const auto& [value, name] : kNames) {
    if (text == name) return value;
  }
  throw Error(ErrorCode::kInvalidValue,
              "target enhancement \"" + text + "\": expected none, support, query, both or union");
}

}  // namespace cdfss
