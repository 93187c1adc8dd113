// run_training: train_full in one precision.
#include <cstdio>
#include <memory>
#include <string>

#include "lib/trainer/programs/train_full_options.h"
#include "lib/trainer/tiled_blas.h"
#include "lib/trainer/training.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {
namespace {

// The wish "auto": our own tiles, and OpenBLAS where the processor has no wide vectors to fill them with.
// Null, after a message, when the library that was insisted on is missing.
std::unique_ptr<Blas> choose_blas(const std::string& wish) {
  if (wish == "none") return make_plain_blas();
  if (wish == "own") return make_tiled_blas();
  if (wish == "auto" && best_instruction_set() != InstructionSet::sse2) {
    return make_tiled_blas();
  }
  std::string why;
  std::unique_ptr<Blas> blas = load_openblas(why);
  if (blas != nullptr) return blas;
  const bool insisted = wish == "openblas";
  std::fprintf(stderr, "train_full: %s (Debian: apt-get install libopenblas0): %s\n",
               insisted ? "OpenBLAS cannot be loaded" : "warning: without OpenBLAS this processor is slow",
               why.c_str());
  return insisted ? nullptr : make_tiled_blas();
}

Dataset load_dataset(const TrainFullOptions& options, Seams& seams) {
  std::pmr::memory_resource& memory = *seams.memory.dataset;
  if (!options.data.empty()) return {read_text(options.data, memory), memory};
  if (options.mode->wants_a_file)
    std::fprintf(stderr, "train_full: no --data FILE given: the built-in text is used\n");
  return {built_in_text, memory};
}

}  // namespace

int run_training(const TrainFullOptions& options) {
  const Mode& mode = *options.mode;
  Seams& seams = subject_seams();
  const std::unique_ptr<Blas> blas = choose_blas(options.blas);
  if (blas == nullptr) return status_wrong_call;
  const Dataset dataset = load_dataset(options, seams);

  const auto iterations =
      options.iterations ? static_cast<std::uint64_t>(*options.iterations) : mode.iterations;
  auto training = TrainingOptions::of(mode, dataset.vocabulary_size(), iterations);
  training.threads = options.threads;
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
  const TrainingResult result = train(training, dataset, *blas, seams, stdout);
  std::printf("done: loss %.4f at first, %.4f at last, %.4f on the text; %.1f it/s\n", result.first_loss,
              result.last_loss, result.text_loss, result.iterations_per_second);
  return 0;
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
