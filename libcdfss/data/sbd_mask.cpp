#include "data/sbd_mask.h"

#include <matio.h>

#include <memory>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "cdfss/error.h"
#include "data/file_bytes.h"

namespace cdfss {
namespace {

// The field of that name, null if there is none. libmatio leaves out what a truncated file lacks,
// names included, and its own look-up does not expect that.
const matvar_t* find_field(matvar_t& structure, const std::string& name) {
  const char* const* names = Mat_VarGetStructFieldnames(&structure);
  if (names == nullptr || structure.data == nullptr) {
    return nullptr;
  }
  for (unsigned i = 0; i < Mat_VarGetNumberOfFields(&structure); ++i) {
    if (names[i] != nullptr && names[i] == name) {
      return static_cast<matvar_t* const*>(structure.data)[i];
    }
  }
  return nullptr;
}

// Whether the file is one of version 5 whose variables end where it ends. libmatio reads a
// truncated file as far as it goes and leaves the rest of a matrix zero.
bool is_whole_mat5(const std::vector<std::uint8_t>& bytes) {
  constexpr std::size_t kHeader = 128;  // its last four bytes: version, byte order
  constexpr std::size_t kTag = 8;       // type and length of a variable, four bytes each
  if (bytes.size() < kHeader + kTag || bytes[125] != 1 || bytes[126] != 'I' || bytes[127] != 'M') {
    return false;
  }
  std::size_t position = kHeader;
  while (position + kTag <= bytes.size()) {
    std::size_t length = 0;
    for (int i = 7; i >= 4; --i) {
      length = length << 8 | bytes[position + i];
    }
    position += kTag + length;
  }
  return position == bytes.size();
}

}  // namespace

cv::Mat read_sbd_mask(const std::filesystem::path& file) {
  const bool is_whole = is_whole_mat5(read_bytes(file));
  const std::unique_ptr<mat_t, int (*)(mat_t*)> mat(
      is_whole ? Mat_Open(file.c_str(), MAT_ACC_RDONLY) : nullptr, Mat_Close);
  if (mat == nullptr) {
    throw Error(ErrorCode::kUnreadable,
                file.string() + " is not a MATLAB file of version 5 (little-endian), or damaged");
  }
  const std::unique_ptr<matvar_t, void (*)(matvar_t*)> truth(Mat_VarRead(mat.get(), "GTcls"),
                                                             Mat_VarFree);
  const auto invalid = [&](const std::string& what) {
    return Error(ErrorCode::kInvalidValue, file.string() + " " + what +
                                               ", expected SBD's GTcls.Segmentation: a matrix of "
                                               "uint8");
  };
  if (truth == nullptr) {
    throw invalid("has no variable GTcls, or a damaged one");
  }
  if (truth->class_type != MAT_C_STRUCT) {
    throw invalid("has a GTcls that is no structure");
  }
  const matvar_t* mask = find_field(*truth, "Segmentation");
  if (mask == nullptr) {
    throw invalid("has a GTcls without Segmentation, or a damaged one");
  }
  if (mask->class_type != MAT_C_UINT8 || mask->data_type != MAT_T_UINT8 || mask->rank != 2 ||
      mask->isComplex != 0 || mask->data == nullptr ||
      mask->nbytes != mask->dims[0] * mask->dims[1]) {
    throw invalid("has a Segmentation of another type, or a damaged one");
  }
  // MATLAB stores columns one after the other.
  const cv::Mat columns(static_cast<int>(mask->dims[1]), static_cast<int>(mask->dims[0]), CV_8UC1,
                        mask->data);
  return columns.t();
}

}  // namespace cdfss
