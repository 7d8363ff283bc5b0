#include "failure.h"

#include <exception>
#include <new>

#include "cdfss/error.h"

namespace cdfss {
namespace {

Failure from_error(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kNotFound:
      return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, error.what()};
    case ErrorCode::kUnreadable:
      return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ, error.what()};
    case ErrorCode::kBadModel:
      return {GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT, error.what()};
    case ErrorCode::kInvalidValue:
      return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, error.what()};
    case ErrorCode::kOutOfMemory:
      return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT, error.what()};
    case ErrorCode::kInference:
      break;
  }
  return {GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, error.what()};
}

void post(GstElement* element, GstMessageType type, const Failure& failure) {
  gst_element_message_full(element, type, failure.domain, failure.code,
                           g_strdup(failure.message.c_str()), nullptr, __FILE__, __func__,
                           __LINE__);
}

}  // namespace

Failure current_failure() {
  try {
    throw;
  } catch (const Error& error) {
    return from_error(error);
  } catch (const std::bad_alloc&) {
    return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT, "out of memory"};
  } catch (const std::exception& error) {
    return {GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, error.what()};
  } catch (...) {
    return {GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "unknown exception"};
  }
}

void post_error(GstElement* element, const Failure& failure) {
  post(element, GST_MESSAGE_ERROR, failure);
}

void post_warning(GstElement* element, const Failure& failure) {
  post(element, GST_MESSAGE_WARNING, failure);
}

}  // namespace cdfss
