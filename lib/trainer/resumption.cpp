#include "lib/trainer/resumption.h"

#include <cmath>

namespace leakhunt::trainer {
namespace {

std::string described(const ModelConfig& model) {
  return std::to_string(model.layers) + " layers of width " + std::to_string(model.width) + " with " +
         std::to_string(model.heads) + " heads, hidden " + std::to_string(model.hidden) + ", sequences of " +
         std::to_string(model.context);
}

// The flag that trains this model; the vocabulary is the text's affair.
std::string mode_flag(ModelConfig model) {
  for (const Mode& mode : modes) {
    model.vocabulary = mode.model.vocabulary;
    if (model == mode.model) return "use --" + std::string(mode.name);
  }
  model.vocabulary = v2_mode.model.vocabulary;
  return model == v2_mode.model ? "use train_v2" : "use the program and the mode that wrote it";
}

bool same_schedule(const Schedule& a, const Schedule& b) {
  return a.peak == b.peak && a.warm_up == b.warm_up && a.total == b.total && a.floor_share == b.floor_share;
}

}  // namespace

void expect_resumable(const CheckpointReader& checkpoint, const ResumedTraining& training) {
  const CheckpointHeader& found = checkpoint.header();
  const CheckpointHeader& wanted = training.like;
  ModelConfig shape = found.model;
  shape.vocabulary = wanted.model.vocabulary;
  if (!(shape == wanted.model)) {
    checkpoint.refuse("holds another model (" + described(found.model) + ")", mode_flag(found.model));
  }
  if (found.real_bytes != wanted.real_bytes) {
    const std::string name = found.real_bytes == 4 ? "f32" : "f64";
    checkpoint.refuse("holds numbers of " + std::to_string(found.real_bytes) + " bytes",
                      "use --precision " + name);
  }
  const auto characters = [](const Vocabulary& v) {
    return std::u32string_view(v.characters().data(), v.size());
  };
  if (!(found.text == wanted.text) ||
      characters(checkpoint.vocabulary()) != characters(training.vocabulary)) {
    checkpoint.refuse("was trained on another text (of " + std::to_string(found.text.bytes) + " bytes, not " +
                          std::to_string(wanted.text.bytes) + ")",
                      "give the same --data FILE as then, or none if none was given");
  }
  if (found.seed != wanted.seed) {
    checkpoint.refuse("was trained with another seed", "use --seed " + std::to_string(found.seed));
  }
  if (!same_schedule(found.schedule, wanted.schedule)) {
    checkpoint.refuse("follows another learning rate schedule",
                      "use --schedule-iterations " + std::to_string(found.schedule.total));
  }
  if (!(found.adam == wanted.adam))
    checkpoint.refuse("has other factors of Adam", "use the program that wrote it");
  if (found.state.iterations >= training.iterations) {
    const std::string done = std::to_string(found.state.iterations);
    checkpoint.refuse(
        "has all of the " + std::to_string(training.iterations) + " iterations, " + done + " are done",
        "go on with --iterations N, N above " + done);
  }
}

}  // namespace leakhunt::trainer
