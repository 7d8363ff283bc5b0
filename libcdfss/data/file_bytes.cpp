#include "data/file_bytes.h"

#include <fstream>
#include <iterator>

#include "cdfss/error.h"

namespace cdfss {

namespace fs = std::filesystem;

std::vector<std::uint8_t> read_bytes(const fs::path& file) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (status.type() == fs::file_type::not_found) {
    throw Error(ErrorCode::kNotFound, file.string() + " does not exist");
  }
  if (!fs::is_regular_file(status)) {
    throw Error(ErrorCode::kUnreadable, file.string() + " is not a readable file");
  }
  std::ifstream stream(file, std::ios::binary);
  std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(stream), {}};
  if (!stream.is_open() || stream.bad()) {
    throw Error(ErrorCode::kUnreadable, file.string() + " cannot be read: check its permissions");
  }
  return bytes;
}

void write_bytes(const fs::path& file, const std::vector<std::uint8_t>& bytes) {
  fs::path temporary = file;
  temporary += ".tmp";
  std::error_code error;
  {
    std::ofstream stream(temporary, std::ios::binary | std::ios::trunc);
    stream.write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
    stream.close();
    if (!stream) {
      fs::remove(temporary, error);
      throw Error(ErrorCode::kUnreadable,
                  file.string() + " cannot be written: check the folder and the free space");
    }
  }
  fs::rename(temporary, file, error);
  if (error) {
    const std::string reason = error.message();
    fs::remove(temporary, error);
    throw Error(ErrorCode::kUnreadable, file.string() + " cannot be written: " + reason);
  }
}

}  // namespace cdfss
