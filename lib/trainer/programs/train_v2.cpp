// train_v2: the smaller relative of train_full: one block of attention, no feed-forward network; `train_v2`,
// `train_v2 500`.
#include "lib/trainer/programs/train_command.h"

int main(int argc, char** argv) {
  namespace trainer = leakhunt::trainer;
  trainer::TrainFullOptions options;
  options.program = "train_v2";
  options.mode = &trainer::v2_mode;
  options.built_in.remove_suffix(1);  // 431 characters
  CLI::App app{"Trains a transformer of one attention block and shows what it writes.", "train_v2"};
  app.footer(
      "Examples:\n"
      "  train_v2 500 --out run\n"
      "  train_v2 1000 --resume run/model.lhc --out run");
  app.add_option("iterations", options.iterations,
                 "How far to go, those before --resume included, e.g. train_v2 500 (default: " +
                     std::to_string(options.mode->iterations) + ")")
      ->check(CLI::Range(std::int64_t{1}, trainer::largest_number));
  trainer::declare_training(app, options);
  return trainer::train_as_called(app, options, argc, argv);
}
