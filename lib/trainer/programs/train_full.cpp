// train_full: trains a character-level transformer: `train_full --tiny`, `train_full --small --iterations
// 10000`.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "lib/trainer/programs/train_full_options.h"

namespace {

namespace trainer = leakhunt::trainer;

void declare(CLI::App& app, trainer::TrainFullOptions& options) {
  constexpr std::int64_t most =
      1'000'000'000;  // of any number; what does not fit into its type is larger still
  auto* group = app.add_option_group("mode", "what to train");
  for (const trainer::Mode& mode : trainer::modes) {
    const trainer::ModelConfig& model = mode.model;
    group->add_flag_callback(
        "--" + std::string(mode.name), [&options, &mode] { options.mode = &mode; },
        "width " + std::to_string(model.width) + ", " + std::to_string(model.heads) + " heads, " +
            std::to_string(model.layers) + " layers, sequences of " + std::to_string(model.context) + ", " +
            std::to_string(mode.iterations) + " iterations");
  }
  group->require_option(1);
  app.add_option("--iterations", options.iterations, "How many iterations instead of the mode's own number")
      ->check(CLI::Range(std::int64_t{1}, most));
  app.add_option("--seed", options.seed, "Start of all random sequences; one seed, one result")
      ->check(CLI::Range(std::int64_t{0}, most))
      ->capture_default_str();
  app.add_option("--sample-every", options.sample_every, "Iterations between two text samples (0: none)")
      ->check(CLI::Range(std::int64_t{0}, most));
  app.add_option("--data", options.data, "A UTF-8 text to train on instead of the built-in one");
  app.add_option("--threads", options.threads,
                 "How many threads share the work; they do not change the result")
      ->check(CLI::Range(1U, 64U))
      ->capture_default_str();
  app.add_option("--precision", options.precision, "Of all numbers: single (f32) or double (f64)")
      ->check(CLI::IsMember({"f32", "f64"}))
      ->capture_default_str();
  app.add_option("--blas", options.blas, "What computes matrix products; none: plain loops")
      ->check(CLI::IsMember({"auto", "own", "openblas", "none"}))
      ->capture_default_str();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Trains a character-level transformer and shows what it writes.", "train_full"};
  trainer::TrainFullOptions options;
  declare(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "train_full: %s (see --help)\n", error.what());
    return trainer::status_wrong_call;
  }
  try {
    return options.precision == "f32" ? trainer::f32::run_training(options)
                                      : trainer::f64::run_training(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "train_full: %s\n", error.what());
    return options.data.empty() ? trainer::status_failed : trainer::status_wrong_call;
  }
}
