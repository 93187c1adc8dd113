#include "lib/trainer/programs/train_command.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "lib/trainer/checkpoint.h"
#include "lib/trainer/programs/shell_words.h"

namespace leakhunt::trainer {

// The door to each precision (run_training.cpp): trains as asked for and returns the exit status. In a header
// they would stand beside the inline namespace of precision.h, which is one of them.
namespace f32 {
int run_training(const TrainFullOptions& options);
}
namespace f64 {
int run_training(const TrainFullOptions& options);
}

namespace {

void declare_numbers(CLI::App& app, TrainFullOptions& options) {
  app.add_option(
         "--schedule-iterations", options.schedule_iterations,
         "Length of the learning rate schedule instead of the mode's own; --iterations does not change "
         "it, so that a training in pieces equals one in one piece, e.g. --schedule-iterations 5000")
      ->check(CLI::Range(std::int64_t{1}, largest_number));
  app.add_option("--seed", options.seed,
                 "Start of all random sequences; one seed, one result, e.g. --seed 7 (default: 1)")
      ->check(CLI::Range(std::int64_t{0}, largest_number));
  app.add_option("--threads", options.threads,
                 "Threads that share the work; they do not change the result, e.g. --threads 2")
      ->check(CLI::Range(1U, 64U))
      ->capture_default_str();
  app.add_flag("--plan", options.plan, "Say what the training will occupy, tag by tag to the byte, and end");
  app.add_option("--precision", options.precision, "Of all numbers: single or double, e.g. --precision f32")
      ->check(CLI::IsMember({"f32", "f64"}))
      ->capture_default_str();
  app.add_option("--blas", options.blas,
                 "What computes matrix products; none: plain loops, e.g. --blas openblas")
      ->check(CLI::IsMember({"auto", "own", "openblas", "none"}))
      ->capture_default_str();
}

void declare_texts(CLI::App& app, TrainFullOptions& options) {
  app.add_option(
      "--data", options.data,
      "A UTF-8 text to train on instead of the built-in one, e.g. --data data/tinyshakespeare.txt");
  app.add_option("--prompt", options.prompt, "What the samples go on from, e.g. --prompt \"From fairest \"");
  app.add_option("--sample-every", options.sample_every,
                 "Iterations between two text samples, 0: none before the end, e.g. --sample-every 1000")
      ->check(CLI::Range(std::int64_t{0}, largest_number));
}

void declare_files(CLI::App& app, TrainFullOptions& options) {
  app.add_option("--out", options.out,
                 "Folder for DIR/model.lhc at the end and for checkpoints; made if missing, e.g. --out run")
      ->type_name("DIR");
  app.add_option("--checkpoint-every", options.checkpoint_every,
                 "Iterations between two checkpoints DIR/checkpoint-NNNNNN.lhc, e.g. --checkpoint-every 500")
      ->check(CLI::Range(std::int64_t{1}, largest_number));
  app.add_option("--resume", options.resume,
                 "Go on from a checkpoint, to the last bit as if never interrupted, e.g. --resume "
                 "run/checkpoint-000500.lhc")
      ->type_name("FILE");
  app.add_option("--trace", options.trace,
                 "Write a line for every iteration: its number, its place in the text, learning rate, loss; "
                 "e.g. --trace losses.tsv")
      ->type_name("FILE");
  app.add_option("--export-start", options.export_start,
                 "Write a checkpoint before the first iteration, e.g. --export-start start.lhc")
      ->type_name("FILE");
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// CLI11 misses what is required before it sees what it does not know; who mistyped the one means the other.
std::string told(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> unknown = app.remaining(true);
  const bool mistyped = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && !unknown.empty();
  const std::string what =
      mistyped ? "The following argument was not expected: " + unknown.front() : error.what();
  return what + " (see --help)";
}

int complain(const TrainFullOptions& options, const char* what, int status) {
  std::fflush(stdout);
  std::fprintf(stderr, "%s: %s\n", options.program.c_str(), one_line(what).c_str());
  return status;
}

}  // namespace

void declare_training(CLI::App& app, TrainFullOptions& options) {
  declare_numbers(app, options);
  declare_texts(app, options);
  declare_files(app, options);
}

int train_as_called(CLI::App& app, TrainFullOptions& options, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return complain(options, told(app, error).c_str(), status_wrong_call);
  }
  options.command = command_without("--resume", argc, argv);
  try {
    return options.precision == "f32" ? f32::run_training(options) : f64::run_training(options);
  } catch (const CheckpointWriteError& error) {
    return complain(options, error.what(), status_failed);
  } catch (const CheckpointError& error) {
    return complain(options, error.what(), status_wrong_call);
  } catch (const WrongCall& error) {
    return complain(options, error.what(), status_wrong_call);
  } catch (const std::bad_alloc&) {
    return complain(options, "there is not enough memory", status_failed);
  } catch (const std::exception& error) {
    return complain(options, error.what(), status_failed);
  }
}

}  // namespace leakhunt::trainer
