#include "text_file.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "data/file_bytes.h"
#include "io/atomic_file.h"

namespace cdfss {

std::string read_text_file(const std::filesystem::path& file) {
  const std::vector<std::uint8_t> bytes = read_bytes(file);
  return {bytes.begin(), bytes.end()};
}

void write_text_file(const std::filesystem::path& file, const std::string& text) {
  AtomicFile output(file);
  output.write(text.data(), text.size());
  output.commit();
}

std::string json_text(const nlohmann::json& json) {
  return json.dump(2, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace) + '\n';
}

}  // namespace cdfss
