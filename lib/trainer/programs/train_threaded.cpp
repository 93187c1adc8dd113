// train_threaded: trains a word-level transformer with many threads: `train_threaded --workers 8 --steps 50`.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "lib/trainer/measured_blas.h"
#include "lib/trainer/programs/process_memory.h"
#include "lib/trainer/schedule.h"
#include "lib/trainer/threaded_plan.h"
#include "lib/trainer/threaded_trainer.h"
#include "lib/trainer/tiled_blas.h"
#include "lib/trainer/word_dataset.h"

namespace {

namespace trainer = leakhunt::trainer;
using trainer::Index;

constexpr int status_wrong_call = 2;
constexpr int status_failed = 3;
constexpr int status_interrupted = 128 + SIGINT;

constexpr double peak_rate = 5e-4;
constexpr int progress_lines = 20;

// 63 batches of 32 sequences, the most that the original worked on between two steps.
constexpr std::int64_t most_sequences = 63 * 32;

struct Options {
  std::optional<std::int64_t> workers;
  std::int64_t contexts = 0;
  std::int64_t steps = 20;
  std::int64_t sequences_per_step = 32;
  std::int64_t seed = 1;
  double text_megabytes = 24;
  std::string data;
  std::string blas = "auto";
  bool plan = false;
};

// What a wrong call deserves: one line, and status 2.
struct WrongCall : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void declare(CLI::App& app, Options& options) {
  constexpr std::int64_t most = 1'000'000'000;  // of any number
  const auto between = [](auto low, auto high) { return CLI::Range(low, high); };
  app.add_option("--workers", options.workers, "Worker threads (default: as many as processors)")
      ->check(between(std::int64_t{1}, static_cast<std::int64_t>(trainer::most_workers)));
  app.add_option("--contexts", options.contexts,
                 "Sequences at work at once, 19 MB each (0: as many as processors)")
      ->check(between(std::int64_t{0}, static_cast<std::int64_t>(trainer::most_workers)))
      ->capture_default_str();
  app.add_option("--steps,--iterations", options.steps, "Steps of the optimizer")
      ->check(between(std::int64_t{1}, most))
      ->capture_default_str();
  app.add_option("--sequences-per-step", options.sequences_per_step, "Sequences whose gradients make a step")
      ->check(between(std::int64_t{1}, most_sequences))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "Start of all random sequences; one seed, one result")
      ->check(between(std::int64_t{0}, most))
      ->capture_default_str();
  app.add_option("--text-megabytes", options.text_megabytes, "Length of the built-in text of 788 words")
      ->check(between(0.001, 4'000.0))
      ->capture_default_str();
  app.add_option("--data", options.data, "A file whose words are trained on instead");
  app.add_option("--blas", options.blas, "What computes matrix products; none: plain loops")
      ->check(CLI::IsMember({"auto", "own", "openblas", "none"}))
      ->capture_default_str();
  app.add_flag("--plan", options.plan, "Say what the training will occupy, tag by tag to the byte, and end");
  app.footer(
      "Example:\n  train_threaded --workers 8 --steps 50\n"
      "The result depends on the seed, the text and --sequences-per-step, never on --workers or --contexts.");
}

std::unique_ptr<trainer::Blas> choose_blas(const std::string& wish) {
  if (wish == "none") return trainer::make_plain_blas();
  if (wish != "openblas") return trainer::make_tiled_blas();
  std::string why;
  std::unique_ptr<trainer::Blas> blas = trainer::load_openblas(why);
  if (blas == nullptr)
    throw WrongCall("OpenBLAS cannot be loaded (Debian: apt-get install libopenblas0): " + why);
  return blas;
}

trainer::WordDataset load_text(const Options& options, std::pmr::memory_resource& memory) {
  try {
    if (options.data.empty()) {
      trainer::WordText text(static_cast<std::uint64_t>(options.text_megabytes * 1e6));
      return {text, memory};
    }
    trainer::TextFile text(options.data);
    return {text, memory};
  } catch (const std::invalid_argument& error) {
    throw WrongCall((options.data.empty() ? "the built-in text" : options.data) + ": " + error.what());
  } catch (const std::runtime_error& error) {
    throw WrongCall(error.what());
  }
}

volatile std::sig_atomic_t interrupted = 0;

// The first SIGINT or SIGTERM ends the training after its step; the second ends the program.
void end_after_the_step_on_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double megabytes(std::uint64_t bytes) {
  return static_cast<double>(bytes) / 1e6;
}

// Says how it goes, some twenty times.
class Progress {
 public:
  Progress(std::uint64_t steps, std::uint64_t tokens_per_step)
      : steps_(steps),
        every_(std::max<std::uint64_t>(1, steps / progress_lines)),
        tokens_per_step_(static_cast<double>(tokens_per_step)) {}

  void step_done(std::uint64_t done, double loss) {
    if (done % every_ != 0 && done != steps_) return;
    const double now = seconds_now();
    const double speed = static_cast<double>(done - reported_) / (now - since_);
    std::printf("step %5llu/%llu  loss %.4f  %.2f it/s  %.0f tokens/s  %.1f MB resident\n",
                static_cast<unsigned long long>(done), static_cast<unsigned long long>(steps_), loss, speed,
                speed * tokens_per_step_, megabytes(trainer::process_memory().resident));
    std::fflush(stdout);
    reported_ = done;
    since_ = now;
  }

 private:
  std::uint64_t steps_;
  std::uint64_t every_;
  double tokens_per_step_;
  std::uint64_t reported_ = 0;
  double since_ = seconds_now();
};

void print_introduction(const trainer::ThreadedOptions& training, const trainer::ThreadedTrainer& threaded,
                        const trainer::WordDataset& dataset, const trainer::Blas& blas) {
  const trainer::ModelConfig& model = training.model;
  std::printf(
      "threaded: %zu parameters, vocabulary %zu, text of %zu words, %zu sequences of %zu a step, seed %llu\n",
      model.parameter_count(), model.vocabulary, dataset.tokens().size(), training.sequences_per_step,
      model.context, static_cast<unsigned long long>(training.seed));
  std::printf("workers: %zu, %zu sequences at work at once; matrix products: %s\n", training.workers,
              threaded.lanes(), blas.name().c_str());
  std::fflush(stdout);
}

void say_plan(const trainer::ThreadedOptions& training, const trainer::WordDataset& dataset,
              std::size_t stack_bytes) {
  std::printf("train_threaded would occupy, in f32 with %zu workers and %zu sequences at work at once:\n",
              training.workers, trainer::contexts_at_work(training.workers, training.contexts));
  trainer::print_plan(trainer::plan_threaded_memory(training, dataset, stack_bytes), stdout);
  std::printf("  of thread.stack only what is touched becomes resident, some 100 kB of each\n");
}

// Sleeping workers are none of them: they have nothing to do.
void print_waiting(const trainer::ThreadedTrainer& threaded, const trainer::Seams& seams) {
  const trainer::SequenceTime time = threaded.sequence_time();
  const double total_ms = static_cast<double>(time.total_ns) / 1e6;
  const trainer::SequenceObserver* observer = seams.threads.sequence_observer;
  if (observer == nullptr || observer->lock_name() == nullptr) {
    std::printf("locks: workers waited for none in %.0f ms at sequences\n", total_ms);
  } else {
    std::printf("locks: workers waited %.0f ms of %.0f ms at sequences for the lock %s\n",
                static_cast<double>(time.waited_ns) / 1e6, total_ms, observer->lock_name());
  }
}

int run(const Options& options) {
  trainer::Seams& seams = trainer::subject_seams();
  const std::unique_ptr<trainer::Blas> blas = choose_blas(options.blas);
  const trainer::WordDataset dataset = load_text(options, *seams.memory.dataset);

  const Index processors = std::clamp<Index>(std::thread::hardware_concurrency(), 1, trainer::most_workers);
  trainer::ThreadedOptions training{
      .model = trainer::threaded_model,
      .workers = options.workers ? static_cast<Index>(*options.workers) : processors,
      .contexts = static_cast<Index>(options.contexts),
      .sequences_per_step = static_cast<Index>(options.sequences_per_step),
      .seed = static_cast<std::uint64_t>(options.seed)};
  training.model.vocabulary = dataset.vocabulary_size();
  if (dataset.tokens().size() <= training.model.context) {
    throw WrongCall("the text has " + std::to_string(dataset.tokens().size()) + " words; more than " +
                    std::to_string(training.model.context) + " are needed");
  }

  if (options.plan) {
    say_plan(training, dataset, seams.threads.stack_bytes);
    return 0;
  }
  const trainer::MeasuredBlas measured(*blas);
  trainer::ThreadedTrainer threaded(training, dataset.tokens(), measured, seams);
  print_introduction(training, threaded, dataset, *blas);
  const auto steps = static_cast<std::uint64_t>(options.steps);
  const trainer::Schedule schedule = trainer::Schedule::usual(peak_rate, steps);
  Progress progress(steps, training.sequences_per_step * training.model.context);
  end_after_the_step_on_signals();
  std::uint64_t done = 0;
  double loss = 0;
  while (done < steps && interrupted == 0) {
    loss = threaded.step(schedule.rate(done));
    for (trainer::TrainingObserver* observer : seams.training_observers) observer->iteration_ended(done);
    progress.step_done(++done, loss);
  }
  std::printf("matrix products: %s\n", measured.name_and_speed().c_str());
  print_waiting(threaded, seams);
  std::printf("%s: step %llu of %llu, %zu workers, peak resident %.1f MB, loss %.17g\n",
              done < steps ? "interrupted" : "done", static_cast<unsigned long long>(done),
              static_cast<unsigned long long>(steps), training.workers,
              megabytes(trainer::process_memory().peak_resident), loss);
  return done < steps ? status_interrupted : 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Trains a word-level transformer with many threads, each on sequences of its own.",
               "train_threaded"};
  Options options;
  declare(app, options);
  try {
    app.parse(argc, argv);
    return run(options);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "train_threaded: %s (see --help)\n", error.what());
    return status_wrong_call;
  } catch (const WrongCall& error) {
    std::fprintf(stderr, "train_threaded: %s\n", error.what());
    return status_wrong_call;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "train_threaded: out of memory\n");
    return status_failed;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "train_threaded: %s\n", error.what());
    return status_failed;
  }
}
