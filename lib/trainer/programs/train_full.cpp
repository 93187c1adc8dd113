// train_full: trains a character-level transformer: `train_full --tiny`, `train_full --small --iterations
// 10000`.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "lib/trainer/tiled_blas.h"
#include "lib/trainer/training.h"

namespace {

namespace trainer = leakhunt::trainer;

constexpr int status_wrong_call = 2;
constexpr int status_failed = 3;

struct Options {
  const trainer::Mode* mode = nullptr;
  std::optional<std::int64_t> iterations;
  std::optional<std::int64_t> sample_every;
  std::int64_t seed = 1;
  std::string data;
  std::string blas = "auto";
};

void declare(CLI::App& app, Options& options) {
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
  app.add_option("--blas", options.blas, "What computes matrix products; none: plain loops")
      ->check(CLI::IsMember({"auto", "own", "openblas", "none"}))
      ->capture_default_str();
}

// The wish "auto": our own tiles, and OpenBLAS where the processor has no wide vectors to fill them with.
// Null, after a message, when the library that was insisted on is missing.
std::unique_ptr<trainer::Blas> choose_blas(const std::string& wish) {
  if (wish == "none") return trainer::make_plain_blas();
  if (wish == "own") return trainer::make_tiled_blas();
  if (wish == "auto" && trainer::best_instruction_set() != trainer::InstructionSet::sse2) {
    return trainer::make_tiled_blas();
  }
  std::string why;
  std::unique_ptr<trainer::Blas> blas = trainer::load_openblas(why);
  if (blas != nullptr) return blas;
  const bool insisted = wish == "openblas";
  std::fprintf(stderr, "train_full: %s (Debian: apt-get install libopenblas0): %s\n",
               insisted ? "OpenBLAS cannot be loaded" : "warning: without OpenBLAS this processor is slow",
               why.c_str());
  return insisted ? nullptr : trainer::make_tiled_blas();
}

trainer::Dataset load_dataset(const Options& options, trainer::Seams& seams) {
  std::pmr::memory_resource& memory = *seams.memory.dataset;
  if (!options.data.empty()) return {trainer::read_text(options.data, memory), memory};
  if (options.mode->wants_a_file)
    std::fprintf(stderr, "train_full: no --data FILE given: the built-in text is used\n");
  return {trainer::built_in_text, memory};
}

int run(const Options& options) {
  const trainer::Mode& mode = *options.mode;
  trainer::Seams& seams = trainer::subject_seams();
  const std::unique_ptr<trainer::Blas> blas = choose_blas(options.blas);
  if (blas == nullptr) return status_wrong_call;
  const trainer::Dataset dataset = load_dataset(options, seams);

  const auto iterations =
      options.iterations ? static_cast<std::uint64_t>(*options.iterations) : mode.iterations;
  auto training = trainer::TrainingOptions::of(mode, dataset.vocabulary_size(), iterations);
  training.seed = static_cast<std::uint64_t>(options.seed);
  if (options.sample_every) training.sample_every = static_cast<std::uint64_t>(*options.sample_every);
  if (dataset.tokens().size() <= training.model.context) {
    std::fprintf(stderr, "train_full: the text has %zu characters; --%.*s needs more than %zu\n",
                 dataset.tokens().size(), static_cast<int>(mode.name.size()), mode.name.data(),
                 training.model.context);
    return status_wrong_call;
  }

  std::printf("%.*s: %zu parameters, vocabulary %zu, text of %zu characters, %llu iterations, seed %llu\n",
              static_cast<int>(mode.name.size()), mode.name.data(), training.model.parameter_count(),
              training.model.vocabulary, dataset.tokens().size(),
              static_cast<unsigned long long>(training.iterations),
              static_cast<unsigned long long>(training.seed));
  std::printf("matrix products: %s\n", blas->name().c_str());
  const trainer::TrainingResult result = train(training, dataset, *blas, seams, stdout);
  std::printf("done: loss %.4f at first, %.4f at last, %.4f on the text; %.1f it/s\n", result.first_loss,
              result.last_loss, result.text_loss, result.iterations_per_second);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Trains a character-level transformer and shows what it writes.", "train_full"};
  Options options;
  declare(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "train_full: %s (see --help)\n", error.what());
    return status_wrong_call;
  }
  try {
    return run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "train_full: %s\n", error.what());
    return options.data.empty() ? status_failed : status_wrong_call;
  }
}
