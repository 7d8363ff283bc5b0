#include "data/dataset.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "cdfss/error.h"
#include "data/dataset_kinds.h"

namespace cdfss {
namespace {

Error spec_error(const std::string& text, const std::string& what) {
  return Error(ErrorCode::kInvalidValue, "dataset '" + text + "': " + what);
}

struct Kind {
  const char* name;
  std::shared_ptr<const Dataset> (*open)(const DatasetSpec& spec, FoldPart part);
};

const std::array kKinds{
    Kind{"folder", [](const DatasetSpec& spec, FoldPart) { return open_folder_dataset(spec); }},
    Kind{"pascal", open_pascal_dataset},
    Kind{"coco", open_coco_dataset},
    Kind{"fss", open_fss_dataset},
    Kind{"suim", [](const DatasetSpec& spec, FoldPart) { return open_suim_dataset(spec); }},
    Kind{"davis", [](const DatasetSpec& spec, FoldPart) { return open_davis_dataset(spec); }}};

std::string kind_names() {
  std::string names;
  for (const Kind& kind : kKinds) {
    names += names.empty() ? kind.name : std::string(", ") + kind.name;
  }
  return names;
}

}  // namespace

DatasetSpec parse_dataset_spec(const std::string& text) {
  const auto colon = text.find(':');
  if (colon == std::string::npos) {
    throw spec_error(text, "expected KIND:ROOT[,key=value...], with KIND one of " + kind_names());
  }
  DatasetSpec spec{.text = text, .kind = text.substr(0, colon), .root = {}, .options = {}};
  auto comma = text.find(',', colon);
  spec.root = text.substr(colon + 1, comma - colon - 1);
  if (spec.root.empty()) {
    throw spec_error(text, "the folder after '" + spec.kind + ":' is missing");
  }
  while (comma != std::string::npos) {
    const auto next = text.find(',', comma + 1);
    const std::string option = text.substr(comma + 1, next - comma - 1);
    const auto equals = option.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw spec_error(text, "expected key=value instead of '" + option + "'");
    }
    if (!spec.options.emplace(option.substr(0, equals), option.substr(equals + 1)).second) {
      throw spec_error(text, "the key '" + option.substr(0, equals) + "' occurs twice");
    }
    comma = next;
  }
  return spec;
}

void require_known_options(const DatasetSpec& spec, std::initializer_list<const char*> known) {
  for (const auto& [key, value] : spec.options) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      std::string list;
      for (const char* name : known) {
        list += list.empty() ? name : std::string(", ") + name;
      }
      throw spec_error(spec.text, "unknown key '" + key + "'; " + spec.kind + " has " + list);
    }
  }
}

std::optional<int> number_option(const DatasetSpec& spec, const std::string& key, int low,
                                 int high) {
  const auto option = spec.options.find(key);
  if (option == spec.options.end()) {
    return std::nullopt;
  }
  const std::string& text = option->second;
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < low || number > high) {
    throw spec_error(spec.text, key + " is '" + text + "', expected a number from " +
                                    std::to_string(low) + " to " + std::to_string(high));
  }
  return number;
}

int minimum_area_option(const DatasetSpec& spec, int fallback) {
  return number_option(spec, "minimum_area", 1, std::numeric_limits<int>::max()).value_or(fallback);
}

std::optional<std::filesystem::path> list_option(const DatasetSpec& spec,
                                                 const std::filesystem::path& split_folder) {
  const auto list = spec.options.find("list");
  const auto split = spec.options.find("split");
  if (list != spec.options.end() && split != spec.options.end()) {
    throw spec_error(spec.text, "expected only one of list and split");
  }
  if (list != spec.options.end()) {
    return list->second;
  }
  return split == spec.options.end() ? std::nullopt
                                     : std::optional(split_folder / (split->second + ".txt"));
}

std::shared_ptr<const Dataset> open_dataset(const std::string& text, FoldPart part) {
  const DatasetSpec spec = parse_dataset_spec(text);
  const auto kind = std::ranges::find(kKinds, spec.kind, &Kind::name);
  if (kind == kKinds.end()) {
    throw spec_error(text, "unknown kind '" + spec.kind + "', expected one of " + kind_names());
  }
  return kind->open(spec, part);
}

}  // namespace cdfss
