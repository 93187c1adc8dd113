// generate: lets a saved model write: `generate run/model.lhc --prompt "But thou"`.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "lib/trainer/checkpoint.h"
#include "lib/trainer/programs/generate_options.h"

namespace leakhunt::trainer {

// The door to each precision (generate_text.cpp): writes text to stdout and returns the exit status.
// `checkpoint` is freshly opened, and holds numbers of this precision. Throws std::invalid_argument when the
// prompt has a character that the model does not know.
namespace f32 {
int generate_text(const GenerateOptions& options, CheckpointReader& checkpoint);
}
namespace f64 {
int generate_text(const GenerateOptions& options, CheckpointReader& checkpoint);
}

}  // namespace leakhunt::trainer

namespace {

namespace trainer = leakhunt::trainer;

constexpr int status_wrong_call = 2;
constexpr int status_failed = 3;

void declare(CLI::App& app, trainer::GenerateOptions& options) {
  app.add_option("model", options.model, "A model or checkpoint that train_full saved, e.g. run/model.lhc")
      ->type_name("MODEL")
      ->required();
  app.add_option("--prompt", options.prompt, "What the text goes on from, e.g. --prompt \"But thou\"");
  app.add_option("--length", options.length, "Characters to write, e.g. --length 1000")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--temperature", options.temperature,
                 "Boldness; 0: always the likeliest character, e.g. --temperature 0.5")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "Start of the random sequence, e.g. --seed 7")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1'000'000'000}))
      ->capture_default_str();
  app.add_flag(
      "--interactive", options.interactive,
      "A prompt on each line of stdin, until it ends, e.g. echo \"But thou\" | generate run/model.lhc "
      "--interactive");
}

int complain(const char* what, int status) {
  std::fflush(stdout);
  std::fprintf(stderr, "generate: %s\n", what);
  return status;
}

int run(const trainer::GenerateOptions& options) {
  trainer::CheckpointReader checkpoint(options.model, *std::pmr::new_delete_resource());
  return checkpoint.header().real_bytes == sizeof(float) ? trainer::f32::generate_text(options, checkpoint)
                                                         : trainer::f64::generate_text(options, checkpoint);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Writes text with a model that train_full saved.", "generate"};
  trainer::GenerateOptions options;
  declare(app, options);
  try {
    app.parse(argc, argv);
    if (options.interactive == !options.prompt.empty()) {
      throw CLI::ValidationError("one of --prompt TEXT and --interactive is needed");
    }
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return complain((error.what() + std::string(" (see --help)")).c_str(), status_wrong_call);
  }
  try {
    return run(options);
  } catch (const trainer::CheckpointError& error) {
    return complain(error.what(), status_wrong_call);
  } catch (const std::invalid_argument& error) {
    return complain((std::string("--prompt: ") + error.what()).c_str(), status_wrong_call);
  } catch (const std::exception& error) {
    return complain(error.what(), status_failed);
  }
}
