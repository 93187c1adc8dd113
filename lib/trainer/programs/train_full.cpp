// train_full: trains a character-level transformer: `train_full --tiny`, `train_full --small --iterations
// 10000`.
#include "lib/trainer/programs/train_command.h"

namespace {

namespace trainer = leakhunt::trainer;

void declare_modes(CLI::App& app, trainer::TrainFullOptions& options) {
  auto* group = app.add_option_group("mode", "what to train; one of them");
  for (const trainer::Mode& mode : trainer::modes) {
    const trainer::ModelConfig& model = mode.model;
    group->add_flag_callback(
        "--" + std::string(mode.name), [&options, &mode] { options.mode = &mode; },
        "width " + std::to_string(model.width) + ", " + std::to_string(model.heads) + " heads, " +
            std::to_string(model.layers) + (model.layers == 1 ? " layer" : " layers") + ", sequences of " +
            std::to_string(model.context) + ", " + std::to_string(mode.iterations) + " iterations");
  }
  group->require_option(1);
  app.add_option("--iterations", options.iterations,
                 "How far to go, those before --resume included, instead of the mode's own number, e.g. "
                 "--iterations 500")
      ->check(CLI::Range(std::int64_t{1}, trainer::largest_number));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Trains a character-level transformer and shows what it writes.", "train_full"};
  app.footer(
      "Examples:\n"
      "  train_full --tiny                                          a few seconds\n"
      "  train_full --small --iterations 1000 --out run             keeps the model: run/model.lhc\n"
      "  train_full --small --iterations 2000 --resume run/model.lhc --out run\n"
      "  train_full --large --precision f32 --threads 2             half the memory, both processors\n"
      "  train_full --medium --data data/tinyshakespeare.txt        scripts/get-data fetches the text\n"
      "  generate run/model.lhc --prompt \"But thou\"                 lets the model write");
  trainer::TrainFullOptions options;
  declare_modes(app, options);
  trainer::declare_training(app, options);
  return trainer::train_as_called(app, options, argc, argv);
}
