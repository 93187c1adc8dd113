#include "lib/trainer/training.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "lib/trainer/adam.h"
#include "lib/trainer/arena.h"
#include "lib/trainer/sampler.h"
#include "lib/trainer/tape.h"
#include "lib/trainer/transformer.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {
namespace {

constexpr double sample_temperature = 0.8;

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Everything of one training, in the order in which it is made.
class Training {
 public:
  Training(const TrainingOptions& options, const Dataset& dataset, const Blas& blas, Seams& seams,
           std::FILE* out);

  double iterate(std::uint64_t number);
  void report_progress(std::uint64_t done, double mean_loss, double speed);
  void report_sample(Index count);
  double text_loss();

 private:
  Workspace workspace(Tape* tape) {
    return {.temporaries = *arena_, .scratch = *scratch_, .blas = blas_, .tape = tape, .team = team_};
  }

  const TrainingOptions& options_;
  const Dataset& dataset_;
  const Blas& blas_;
  Seams& seams_;
  std::FILE* out_;
  Team team_;
  Random batch_random_;
  Random sample_random_;
  Transformer model_;
  Adam adam_;
  std::unique_ptr<Arena> arena_;
  std::pmr::memory_resource* scratch_;
  std::unique_ptr<Tape> tape_;
  Batch batch_;
  Sampler sampler_;
};

// One seed, three independent sequences: weights, batches, samples; asking for other samples changes no
// training.
Random seeded(std::uint64_t seed, std::uint64_t purpose) {
  return Random(seed * 3 + purpose);
}

Transformer new_model(const TrainingOptions& options, const TrainerMemory& memory) {
  Random random = seeded(options.seed, 0);
  return {options.model, memory, random};
}

Training::Training(const TrainingOptions& options, const Dataset& dataset, const Blas& blas, Seams& seams,
                   std::FILE* out)
    : options_(options),
      dataset_(dataset),
      blas_(blas),
      seams_(seams),
      out_(out),
      team_(options.threads),
      batch_random_(seeded(options.seed, 1)),
      sample_random_(seeded(options.seed, 2)),
      model_(new_model(options, seams.memory)),
      adam_(model_.parameters(), *seams.memory.optimizer_m, *seams.memory.optimizer_v),
      arena_(seams.make_arena(*seams.memory.arena_chunks, arena_chunk_bytes(options.model, sizeof(Real)),
                              seams.arena_observer)),
      scratch_(seams.memory.scratch != nullptr ? seams.memory.scratch : arena_.get()),
      tape_(seams.make_tape(*seams.memory.tape_nodes)),
      batch_(options.model.context, *seams.memory.batches),
      sampler_(model_, dataset, blas, *arena_, *seams.memory.samples, 2 * options.sample_length) {}

double Training::iterate(std::uint64_t number) {
  batch_.draw(dataset_, batch_random_);
  Workspace work = workspace(tape_.get());
  const double loss = model_.loss(work, batch_.inputs(), batch_.targets());
  tape_->backward(work);
  for (TrainingObserver* observer : seams_.training_observers) observer->before_optimizer_step(adam_);
  adam_.step(options_.schedule.rate(number), team_);
  for (TrainingObserver* observer : seams_.training_observers) observer->after_optimizer_step(adam_);
  tape_->reset();
  arena_->reset();
  return loss;
}

void Training::report_progress(std::uint64_t done, double mean_loss, double speed) {
  std::fprintf(out_, "iteration %6llu/%llu  loss %.4f  %.1f it/s\n", static_cast<unsigned long long>(done),
               static_cast<unsigned long long>(options_.iterations), mean_loss, speed);
  std::fflush(out_);
}

void Training::report_sample(Index count) {
  const std::string_view text =
      sampler_.generate(dataset_.tokens().first(1), count, sample_temperature, sample_random_);
  std::fprintf(out_, "---- sample ----\n%.*s\n----------------\n", static_cast<int>(text.size()),
               text.data());
  std::fflush(out_);
}

double Training::text_loss() {
  constexpr Index most = 100;
  const Index length = options_.model.context;
  const Index windows = std::min(most, (dataset_.tokens().size() - 1) / length);
  double sum = 0;
  for (Index i = 0; i < windows; ++i) {
    batch_.copy(dataset_, i * length);
    Workspace work = workspace(nullptr);
    sum += model_.loss(work, batch_.inputs(), batch_.targets());
    arena_->reset();
  }
  return sum / static_cast<double>(windows);
}

}  // namespace

TrainingOptions TrainingOptions::of(const Mode& mode, Index vocabulary, std::uint64_t iterations) {
  TrainingOptions options{
      .model = mode.model, .schedule = Schedule::usual(mode.peak_rate, iterations), .iterations = iterations};
  options.model.vocabulary = vocabulary;
  return options;
}

TrainingResult train(const TrainingOptions& options, const Dataset& dataset, const Blas& blas, Seams& seams,
                     std::FILE* out, std::span<double> losses) {
  Training training(options, dataset, blas, seams, out);
  TrainingResult result{};
  const double start = seconds_now();
  double since = start;
  double sum = 0;
  std::uint64_t summed = 0;
  for (std::uint64_t i = 0; i < options.iterations; ++i) {
    const double loss = training.iterate(i);
    const std::uint64_t done = i + 1;
    if (i == 0) result.first_loss = loss;
    if (!losses.empty()) losses[i] = loss;
    sum += loss;
    ++summed;
    if (done % options.progress_every == 0 || done == options.iterations) {
      const double now = seconds_now();
      result.last_loss = sum / static_cast<double>(summed);
      training.report_progress(done, result.last_loss, static_cast<double>(summed) / (now - since));
      since = now;
      sum = 0;
      summed = 0;
    }
    if (options.sample_every != 0 && done % options.sample_every == 0 && done != options.iterations) {
      training.report_sample(options.sample_length);
    }
    for (TrainingObserver* observer : seams.training_observers) observer->iteration_ended(i);
  }
  result.iterations_per_second = static_cast<double>(options.iterations) / (seconds_now() - start);
  result.text_loss = training.text_loss();
  training.report_sample(2 * options.sample_length);
  return result;
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
