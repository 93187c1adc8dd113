// run_training: train_full in one precision.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "lib/trainer/checkpoint.h"
#include "lib/trainer/measured_blas.h"
#include "lib/trainer/memory_plan.h"
#include "lib/trainer/programs/interruption.h"
#include "lib/trainer/programs/process_memory.h"
#include "lib/trainer/programs/shell_words.h"
#include "lib/trainer/programs/train_full_options.h"
#include "lib/trainer/tiled_blas.h"
#include "lib/trainer/training.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {
namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

// The wish "auto": our own tiles, and OpenBLAS where the processor has no wide vectors to fill them with.
// Null, after a message, when the library that was insisted on is missing.
std::unique_ptr<Blas> choose_blas(const TrainFullOptions& options) {
  const std::string& wish = options.blas;
  if (wish == "none") return make_plain_blas();
  if (wish == "own") return make_tiled_blas();
  if (wish == "auto" && best_instruction_set() != InstructionSet::sse2) {
    return make_tiled_blas();
  }
  std::string why;
  std::unique_ptr<Blas> blas = load_openblas(why);
  if (blas != nullptr) return blas;
  const bool insisted = wish == "openblas";
  std::fprintf(stderr, "%s: %s (Debian: apt-get install libopenblas0): %s\n", options.program.c_str(),
               insisted ? "OpenBLAS cannot be loaded" : "warning: without OpenBLAS this processor is slow",
               why.c_str());
  return insisted ? nullptr : make_tiled_blas();
}

Dataset load_dataset(const TrainFullOptions& options, Seams& seams) {
  std::pmr::memory_resource& memory = *seams.memory.dataset;
  if (options.data.empty()) {
    if (options.mode->wants_a_file) {
      std::fprintf(stderr,
                   "%s: without --data FILE the built-in text of %zu characters is used (scripts/get-data "
                   "fetches Shakespeare for --data data/tinyshakespeare.txt)\n",
                   options.program.c_str(), options.built_in.size());
    }
    return {options.built_in, memory};
  }
  try {
    return {read_text(options.data, memory), memory};
  } catch (const std::invalid_argument& error) {
    throw WrongCall("--data " + options.data + ": " + error.what());
  } catch (const std::runtime_error& error) {
    throw WrongCall(std::string("--data ") + error.what());
  }
}

// Where files go; empty: none are written. The folder is made, and must be fit to be written to, before the
// first iteration.
std::string output_folder(const TrainFullOptions& options) {
  std::string folder = options.out;
  if (folder.empty() && options.checkpoint_every == 0) return folder;
  if (folder.empty()) {
    folder = "checkpoints";
    std::fprintf(stderr, "%s: without --out DIR the checkpoints go to ./%s\n", options.program.c_str(),
                 folder.c_str());
  }
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!std::filesystem::is_directory(folder) || access(folder.c_str(), W_OK | X_OK) != 0) {
    const std::string why = error ? error.message() : std::strerror(errno);
    throw WrongCall("--out " + folder + ": no folder to write to: " + why + "; choose another");
  }
  return folder;
}

File open_trace(const TrainFullOptions& options) {
  File file(nullptr, std::fclose);
  if (options.trace.empty()) return file;
  file.reset(std::fopen(options.trace.c_str(), "w"));
  if (file == nullptr) throw WrongCall("--trace " + options.trace + ": " + std::strerror(errno));
  std::fputs("# iteration\tposition\tlearning_rate\tloss\n", file.get());
  return file;
}

std::pmr::vector<Token> encode_prompt(const TrainFullOptions& options, const Dataset& dataset, Seams& seams) {
  try {
    return dataset.vocabulary().encode(options.prompt, *seams.memory.samples);
  } catch (const std::invalid_argument& error) {
    throw WrongCall(std::string("--prompt: ") + error.what());
  }
}

// What the command line says, what a resumed checkpoint says where it is silent, and the mode for the rest.
TrainingOptions training_options(const TrainFullOptions& options, const Dataset& dataset, Seams& seams) {
  const Mode& mode = *options.mode;
  const auto chosen = [](const std::optional<std::int64_t>& wish, std::uint64_t otherwise) {
    return wish ? static_cast<std::uint64_t>(*wish) : otherwise;
  };
  auto training =
      TrainingOptions::of(mode, dataset.vocabulary_size(), chosen(options.iterations, mode.iterations));
  std::uint64_t schedule = mode.schedule_iterations;
  if (!options.resume.empty()) {
    const CheckpointHeader header = CheckpointReader(options.resume, *seams.memory.checkpoints).header();
    training.seed = header.seed;
    schedule = header.schedule.total;
  }
  training.seed = chosen(options.seed, training.seed);
  training.schedule = Schedule::usual(mode.peak_rate, chosen(options.schedule_iterations, schedule));
  training.sample_every = chosen(options.sample_every, training.sample_every);
  training.threads = options.threads;
  training.checkpoint_every = static_cast<std::uint64_t>(options.checkpoint_every);
  training.resume = options.resume;
  training.start = options.export_start;
  return training;
}

void expect_enough_text(const TrainFullOptions& options, const Dataset& dataset) {
  const Index context = options.mode->model.context;
  if (dataset.tokens().size() > context) return;
  throw WrongCall("the text has " + std::to_string(dataset.tokens().size()) +
                  " characters; this mode needs more than " + std::to_string(context));
}

std::string introduction(const TrainFullOptions& options, const TrainingOptions& training,
                         const Dataset& dataset, const Blas& blas) {
  return std::string(options.mode->name) + ": " + std::to_string(training.model.parameter_count()) +
         " parameters, vocabulary " + std::to_string(training.model.vocabulary) + ", text of " +
         std::to_string(dataset.tokens().size()) + " characters, " + std::to_string(training.iterations) +
         " iterations, seed " + std::to_string(training.seed) + "\nmatrix products: " + blas.name() + "\n";
}

void say_plan(const TrainFullOptions& options, const TrainingOptions& training, const Dataset& dataset) {
  std::printf("%s would occupy, in %s with %u thread%s:\n", std::string(options.mode->name).c_str(),
              options.precision.c_str(), training.threads, training.threads == 1 ? "" : "s");
  print_plan(plan_memory({.model = training.model,
                          .real_bytes = sizeof(Real),
                          .threads = training.threads,
                          .sample_length = 2 * training.sample_length,
                          .text_length = dataset.tokens().size()}),
             stdout);
}

void say_how_to_go_on(const TrainFullOptions& options, const TrainingResult& result) {
  std::printf("interrupted after %llu iterations; ", static_cast<unsigned long long>(result.iterations));
  if (result.checkpoint.empty()) {
    std::printf("nothing is kept of them without --out DIR\n");
  } else {
    std::printf("go on with: %s --resume %s\n", options.command.c_str(),
                shell_quoted(result.checkpoint).c_str());
  }
}

}  // namespace

int run_training(const TrainFullOptions& options) {
  Seams& seams = subject_seams();
  const std::unique_ptr<Blas> blas = choose_blas(options);
  if (blas == nullptr) return status_wrong_call;
  const Dataset dataset = load_dataset(options, seams);
  expect_enough_text(options, dataset);
  TrainingOptions training = training_options(options, dataset, seams);
  const std::pmr::vector<Token> prompt = encode_prompt(options, dataset, seams);
  training.prompt = prompt;
  if (options.plan) {
    say_plan(options, training, dataset);
    return 0;
  }
  training.out = output_folder(options);
  File trace = open_trace(options);
  training.trace = trace.get();
  training.stop = note_interruptions();
  training.introduction = introduction(options, training, dataset, *blas);
  const MeasuredBlas measured(*blas);
  const TrainingResult result = train(training, dataset, measured, seams, stdout);
  if (trace != nullptr && std::fclose(trace.release()) != 0) {
    throw std::runtime_error("--trace " + options.trace + ": " + std::strerror(errno));
  }
  std::printf("matrix products: %s\n", measured.name_and_speed().c_str());
  if (result.stopped) {
    say_how_to_go_on(options, result);
  } else {
    std::printf("done: loss %.4f at first, %.4f at last, %.4f on the text; peak RSS %.1f MB; %.1f it/s\n",
                result.first_loss, result.last_loss, result.text_loss,
                static_cast<double>(process_memory().peak_resident) / 1e6, result.iterations_per_second);
  }
  if (*training.stop != 0) end_by(*training.stop);
  return 0;
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
