#include "same_run.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "cdfss/error.h"
#include "run_configuration.h"

namespace cdfss {
namespace {

// Of all processes, in the order of ranks.
std::vector<std::string> gather_texts(ProcessGroup& group, const std::string& text) {
  const at::Tensor lengths =
      group.gather_rows(at::full({1}, static_cast<std::int64_t>(text.size()), at::kLong));
  at::Tensor row = at::zeros({1, lengths.max().item<std::int64_t>()}, at::kByte);
  std::ranges::copy(text, row.data_ptr<std::uint8_t>());
  const at::Tensor rows = group.gather_rows(row);
  std::vector<std::string> texts;
  for (int i = 0; i < group.size(); ++i) {
    const std::uint8_t* begin = rows[i].data_ptr<std::uint8_t>();
    texts.emplace_back(begin, begin + lengths[i].item<std::int64_t>());
  }
  return texts;
}

void require_same(ProcessGroup& group, const std::string& text, const std::string& what) {
  const std::vector<std::string> texts = gather_texts(group, text);
  for (std::size_t i = 1; i < texts.size(); ++i) {
    if (texts[i] == texts[0]) continue;
    throw Error(ErrorCode::kInvalidValue,
                "process " + std::to_string(i) + " differs from process 0: " + what);
  }
}

}  // namespace

void require_same_run(ProcessGroup& group, const std::string& configuration,
                      const std::string& data, int step) {
  if (group.size() == 1) return;
  require_same_processes(gather_texts(group, configuration));
  require_same(group, data, "images or classes of --data, --held-out or --validation");
  require_same(group, std::to_string(step),
               "the step that it goes on after; --resume needs the same --output in all");
}

}  // namespace cdfss
