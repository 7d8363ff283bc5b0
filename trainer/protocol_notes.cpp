#include "protocol_notes.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "eval_runs.h"
#include "protocol_model.h"

namespace cdfss {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string domain_name(const std::string& kind) {
  return kind == "coco" ? "COCO-20i" : "PASCAL-5i";
}

std::string describe_model(const FoldPlan& fold) {
  std::string text = fold.model.filename().string() + ", " + fold.info.backbone + ", trained on " +
                     fold.training_source;
  const auto steps = fold.info.metadata.find("training_steps");
  if (steps != fold.info.metadata.end()) text += " (steps " + steps->second + ")";
  return text;
}

// What one model for all folds has seen of the classes that it is tested on.
std::string one_model_note(const TransferPlan& plan) {
  const FoldPlan& first = plan.folds.front();
  const TrainedOn source = trained_on(first.training_source, plan.transfer.source);
  std::string text = "One model for all folds: " + describe_model(first) + ". ";
  if (!source.kind) {
    return text + "That is not " + domain_name(plan.transfer.source) +
           ", on which the published methods were trained, one model a fold; classes that it has "
           "seen are not left out of the test.";
  }
  if (!source.fold) {
    return text + "It held out no fold, so it may have seen the classes that it is tested on.";
  }
  return text + "It held out fold " + std::to_string(*source.fold) +
         "; on the other folds it has seen classes that it is tested on.";
}

void add_model_notes(const TransferPlan& plan, std::vector<std::string>& notes) {
  if (!plan.model_for_each_fold) {
    notes.push_back(one_model_note(plan));
    return;
  }
  for (const FoldPlan& fold : plan.folds) {
    std::string text = "Fold " + std::to_string(fold.fold) + ": " + describe_model(fold) + ".";
    const TrainedOn source = trained_on(fold.training_source, plan.transfer.source);
    if (!source.kind) {
      text += " That is not " + domain_name(plan.transfer.source) + " as the published methods'.";
    } else if (!source.fold) {
      text += " It held out no fold, so it may have seen the classes that it is tested on.";
    }
    notes.push_back(text);
  }
}

std::string class_note(const FoldPlan& fold) {
  constexpr std::size_t kMostNames = 20;
  const std::vector<std::string> in = names_in(fold.data.decisions);
  std::string text = "Fold " + std::to_string(fold.fold) + " tests " + std::to_string(in.size()) +
                     " of " + std::to_string(fold.data.decisions.size()) + " classes";
  if (in.size() <= kMostNames) text += ": " + joined(in);
  return text + ".";
}

// Classes that no episode can show are named: they silently raise or lower a mean.
std::string rare_class_note(const FoldPlan& fold, int shots) {
  const std::vector<int> counts = images_of_classes(*fold.data.dataset);
  std::vector<std::string> rare;
  for (std::size_t id = 0; id < counts.size(); ++id) {
    if (counts[id] <= shots) rare.push_back(fold.data.dataset->classes()[id]);
  }
  if (rare.empty()) return {};
  return "Fold " + std::to_string(fold.fold) + " draws no episode of " + joined(rare) +
         ": fewer than " + std::to_string(shots + 1) + " images that show enough of it.";
}

void add_class_notes(const TransferPlan& plan, std::vector<std::string>& notes) {
  for (const FoldPlan& fold : plan.folds) {
    notes.push_back(class_note(fold));
    const std::string rare = rare_class_note(fold, plan.options.shots);
    if (!rare.empty()) notes.push_back(rare);
  }
  if (plan.transfer.name == "coco-pascal") {
    notes.emplace_back(
        plan.options.class_fold_table() == FoldTable::kRepri
            ? "Fold table: RePRI's, which takes VOC's car for cat and cat for car: folds 2 and 3 "
              "test a class that COCO-20i's training part has."
            : "Fold table: standard. RePRI's and possibly others' numbers are of a table that "
              "swaps cat and car (--fold-table repri).");
  }
  if (plan.transfer.target == "fss") {
    notes.emplace_back(
        "Which classes the published subsets of FSS-1000 hold is not known; ours "
        "are 50 each by sorted name, five subsets a fold.");
  }
  if (plan.transfer.target == "suim") {
    notes.emplace_back(
        "The paper does not say which classes of SUIM it removed, nor the number "
        "of shots of its Table 3 (1 assumed).");
  }
  if (!plan.options.keep_classes.empty()) {
    notes.push_back("Kept although the source's training part has them: " +
                    joined(plan.options.keep_classes) + ".");
  }
}

void add_setting_notes(const TransferPlan& plan, std::vector<std::string>& notes) {
  const EvalOptions& options = plan.options;
  const std::uint64_t last_seed = options.seed + static_cast<std::uint64_t>(options.runs) - 1;
  notes.push_back(
      "Ours: " + std::to_string(options.episodes) + " episodes x " + std::to_string(options.runs) +
      " runs a fold, seeds " + std::to_string(options.seed) + " to " + std::to_string(last_seed) +
      "; +- is the standard deviation over runs. The paper does not give its number of episodes; "
      "RePRI's protocol has 1000 x 5.");
  notes.emplace_back(
      "Original size: predictions resized to the labels as they are on disk, as ASGNet's test "
      "script. Network size: the labels resized as the input, as RePRI's. The paper does not say "
      "which it reports.");
  std::set<std::string> settings;  // each once, whatever the number of folds
  for (const FoldPlan& fold : plan.folds) {
    const EpisodeEvaluationOptions chosen = evaluation_options(options, fold.info);
    char text[128];
    std::snprintf(text, sizeof text,
                  "Input size %d (the paper's: 473), foreground from a probability of %.2f (the "
                  "published methods': .5)",
                  chosen.input_size, chosen.threshold);
    settings.insert(std::string(text) + ", target enhancement " + to_string(chosen.enhancement) +
                    ".");
  }
  notes.insert(notes.end(), settings.begin(), settings.end());
}

}  // namespace

std::vector<std::string> protocol_notes(const TransferPlan& plan) {
  std::vector<std::string> notes;
  add_model_notes(plan, notes);
  const FoldPlan& first = plan.folds.front();
  notes.push_back("Images: " + first.data.spec + ", " + std::to_string(first.data.dataset->size()) +
                  " of them" + (plan.transfer.target == "fss" ? " in this fold." : "."));
  if (plan.transfer.target != "pascal") {
    notes.emplace_back("repair=1: flawed masks of the release are read as docs/datasets.md says.");
  }
  add_class_notes(plan, notes);
  add_setting_notes(plan, notes);
  return notes;
}

std::vector<std::string> merge_notes(const std::vector<NamedNotes>& parts) {
  std::vector<std::string> merged;
  const auto in_all = [&](const std::string& note) {
    return std::ranges::all_of(parts, [&](const NamedNotes& part) {
      return std::ranges::find(part.notes, note) != part.notes.end();
    });
  };
  for (const NamedNotes& part : parts) {
    for (const std::string& note : part.notes) {
      if (!in_all(note)) {
        merged.push_back(part.name + ": " + note);
      } else if (&part == &parts.front()) {
        merged.push_back(note);
      }
    }
  }
  return merged;
}

}  // namespace cdfss
