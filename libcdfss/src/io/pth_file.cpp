#include "io/pth_file.h"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <caffe2/serialize/inline_container.h>

#include <system_error>

#include "cdfss/error.h"
#include "io/state_dict_pickle.h"

namespace cdfss {
namespace {

// Bytes of a record. PyTorch stores them uncompressed, so one larger than the file is a forgery
// that would make us allocate what it likes.
std::size_t record_size(caffe2::serialize::PyTorchStreamReader& archive, const std::string& name,
                        const std::filesystem::path& file) {
  const std::size_t size = archive.getRecordSize(name);
  std::error_code unknown;  // gives the largest size
  if (size > std::filesystem::file_size(file, unknown)) {
    throw Error(ErrorCode::kBadModel, file.string() + ": record " + name + " is said to have " +
                                          std::to_string(size) + " bytes, more than the file");
  }
  return size;
}

std::string text_record(caffe2::serialize::PyTorchStreamReader& archive, const std::string& name,
                        const std::filesystem::path& file) {
  std::string text(record_size(archive, name, file), '\0');
  archive.getRecord(name, text.data(), text.size());
  return text;
}

at::Tensor storage_record(caffe2::serialize::PyTorchStreamReader& archive, const std::string& key,
                          at::ScalarType dtype, std::int64_t elements,
                          const std::filesystem::path& file) {
  const std::string name = "data/" + key;
  const std::size_t size = record_size(archive, name, file);
  const std::size_t element_size = c10::elementSize(dtype);
  if (size % element_size != 0 || size / element_size != static_cast<std::size_t>(elements)) {
    throw Error(ErrorCode::kBadModel,
                c10::str(file.string(), ": record ", name, " has ", size, " bytes, expected ",
                         elements, " elements of ", dtype));
  }
  at::Tensor storage = at::empty({elements}, at::TensorOptions().dtype(dtype));
  if (size > 0) archive.getRecord(name, storage.mutable_data_ptr(), size);
  return storage;
}

}  // namespace

std::map<std::string, at::Tensor> read_pth(const std::filesystem::path& file) {
  try {
    caffe2::serialize::PyTorchStreamReader archive(file.string());
    if (archive.hasRecord("byteorder") && text_record(archive, "byteorder", file) != "little") {
      throw Error(ErrorCode::kBadModel, file.string() + ": was saved on a big-endian machine");
    }
    const std::string pickle = text_record(archive, "data.pkl", file);
    return parse_state_dict(
        pickle,
        [&](const std::string& key, at::ScalarType dtype, std::int64_t elements) {
          return storage_record(archive, key, dtype, elements, file);
        },
        file);
  } catch (const c10::Error& e) {
    throw Error(ErrorCode::kBadModel,
                file.string() + ": not a whole PyTorch file: " + e.what_without_backtrace());
  }
}

}  // namespace cdfss
