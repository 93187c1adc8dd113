#include "lib/trainer/training.h"

#include <algorithm>
#include <chrono>
#include <climits>
#include <memory>

#include "lib/trainer/adam.h"
#include "lib/trainer/arena.h"
#include "lib/trainer/checkpoint.h"
#include "lib/trainer/resumption.h"
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

unsigned long long printable(std::uint64_t number) {
  return number;
}

// One seed, independent sequences: weights, batches, samples; asking for other samples changes no training.
Random seeded(std::uint64_t seed, std::uint64_t purpose) {
  return Random(seed * 3 + purpose);
}

// The sample after `iterations` is the same whatever was sampled before.
Random seeded_for_sample(std::uint64_t seed, std::uint64_t iterations) {
  return Random(seeded(seed, 2).next() + iterations);
}

// How fast it goes: iterations of this process since the last look.
class Stopwatch {
 public:
  // Iterations per second since the look before, of `count` of them.
  double look(std::uint64_t count) {
    const double now = seconds_now();
    const double speed = static_cast<double>(count) / (now - since_);
    since_ = now;
    return speed;
  }

 private:
  double since_ = seconds_now();
};

// Everything of one training, in the order in which it is made.
class Training {
 public:
  Training(const TrainingOptions& options, const Dataset& dataset, const Blas& blas, Seams& seams,
           std::FILE* out);

  void load(const std::string& path);
  void introduce();
  void save(const char* path);
  void save_numbered();

  // One iteration: its loss. Then what is due after it: progress, sample, checkpoint, observers.
  double iterate();
  void report();
  void report_sample(Index count);
  double text_loss();

  bool stopped() const { return options_.stop != nullptr && *options_.stop != 0; }
  bool ended() const { return state_.iterations >= options_.iterations; }
  const TrainingState& state() const { return state_; }
  double mean_loss() const { return mean_loss_; }
  const char* last_saved() const { return saved_; }

 private:
  Workspace workspace(Tape* tape) {
    return {.temporaries = *arena_, .scratch = *scratch_, .blas = blas_, .tape = tape, .team = team_};
  }
  void learn(Workspace& work, double rate);
  CheckpointHeader header() const;
  void report_progress();

  const TrainingOptions& options_;
  const Dataset& dataset_;
  const Blas& blas_;
  Seams& seams_;
  std::FILE* out_;
  Team team_;
  TrainingState state_;
  Random batch_random_;
  Transformer model_;
  Adam adam_;
  std::unique_ptr<Arena> arena_;
  std::pmr::memory_resource* scratch_;
  std::unique_ptr<Tape> tape_;
  Batch batch_;
  Sampler sampler_;
  Stopwatch stopwatch_;
  std::uint64_t timed_ = 0;  // iterations since the stopwatch was looked at
  double mean_loss_ = 0;     // as last reported
  char saved_[PATH_MAX] = "";
};

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
      model_(new_model(options, seams.memory)),
      adam_(model_.parameters(), *seams.memory.optimizer_m, *seams.memory.optimizer_v),
      arena_(seams.make_arena(*seams.memory.arena_chunks, arena_chunk_bytes(options.model, sizeof(Real)),
                              seams.arena_observer)),
      scratch_(seams.memory.scratch != nullptr ? seams.memory.scratch : arena_.get()),
      tape_(seams.make_tape(*seams.memory.tape_nodes)),
      batch_(options.model.context, *seams.memory.batches),
      sampler_(model_, dataset.vocabulary(), blas, *arena_, *seams.memory.samples,
               2 * options.sample_length) {}

CheckpointHeader Training::header() const {
  CheckpointHeader header{.real_bytes = sizeof(Real),
                          .model = options_.model,
                          .adam = adam_.options(),
                          .schedule = options_.schedule,
                          .seed = options_.seed,
                          .text = dataset_.identity(),
                          .state = state_};
  header.state.adam_steps = adam_.steps();
  header.state.batch_random = batch_random_.state();
  return header;
}

void Training::load(const std::string& path) {
  CheckpointReader checkpoint(path, *seams_.memory.checkpoints);
  expect_resumable(checkpoint, {header(), dataset_.vocabulary(), options_.iterations});
  seams_.read_tensors(checkpoint, model_.parameters(), adam_);
  state_ = checkpoint.header().state;
  adam_.resume(state_.adam_steps);
  batch_random_ = Random(state_.batch_random);
}

void Training::introduce() {
  std::fputs(options_.introduction.c_str(), out_);
  if (options_.resume.empty()) return;
  std::fprintf(out_, "resumed from %s after %llu iterations\n", options_.resume.c_str(),
               printable(state_.iterations));
}

void Training::save(const char* path) {
  CheckpointWriter checkpoint(path, *seams_.memory.checkpoints);
  checkpoint.begin(header(), dataset_.vocabulary());
  seams_.write_tensors(checkpoint, model_.parameters(), adam_);
  checkpoint.commit();
  std::snprintf(saved_, sizeof saved_, "%s", path);
  std::fprintf(out_, "checkpoint after %llu iterations: %s\n", printable(state_.iterations), path);
}

void Training::save_numbered() {
  char path[PATH_MAX];
  std::snprintf(path, sizeof path, "%s/checkpoint-%06llu.lhc", options_.out.c_str(),
                printable(state_.iterations));
  save(path);
}

// Steps along each gradient as soon as it is there.
void Training::learn(Workspace& work, double rate) {
  Adam::StepOnTheWay step(adam_, rate);
  work.sink = &step;
  tape_->backward(work);
}

double Training::iterate() {
  batch_.draw(dataset_, batch_random_);
  Workspace work = workspace(tape_.get());
  const double loss = model_.loss(work, batch_.inputs(), batch_.targets());
  const double rate = options_.schedule.rate(state_.iterations);
  for (TrainingObserver* observer : seams_.training_observers) observer->before_optimizer_step(adam_);
  learn(work, rate);
  for (TrainingObserver* observer : seams_.training_observers) observer->after_optimizer_step(adam_);
  tape_->reset();
  arena_->reset();
  if (options_.trace != nullptr) {
    std::fprintf(options_.trace, "%llu\t%zu\t%.17g\t%.17g\n", printable(state_.iterations), batch_.position(),
                 rate, loss);
  }
  if (state_.iterations == 0) state_.first_loss = loss;
  ++state_.iterations;
  state_.loss_sum += loss;
  ++state_.loss_count;
  ++timed_;
  return loss;
}

void Training::report() {
  const std::uint64_t done = state_.iterations;
  const auto due = [done](std::uint64_t every) { return every != 0 && done % every == 0; };
  if (due(options_.progress_every) || ended()) report_progress();
  if (due(options_.progress_every)) {  // the end of a run is no end of a sum: another may go on
    state_.loss_sum = 0;
    state_.loss_count = 0;
  }
  if (due(options_.sample_every) && !ended()) report_sample(options_.sample_length);
  if (due(options_.checkpoint_every) && !options_.out.empty()) save_numbered();
  for (TrainingObserver* observer : seams_.training_observers) observer->iteration_ended(done - 1);
}

void Training::report_progress() {
  mean_loss_ = state_.loss_sum / static_cast<double>(state_.loss_count);
  std::fprintf(out_, "iteration %6llu/%llu  loss %.4f  %.1f it/s\n", printable(state_.iterations),
               printable(options_.iterations), mean_loss_, stopwatch_.look(timed_));
  std::fflush(out_);
  timed_ = 0;
}

void Training::report_sample(Index count) {
  Random random = seeded_for_sample(options_.seed, state_.iterations);
  const std::span<const Token> start = options_.prompt.empty() ? dataset_.tokens().first(1) : options_.prompt;
  const std::string_view text = sampler_.generate(start, count, sample_temperature, random);
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
  TrainingOptions options{.model = mode.model,
                          .schedule = Schedule::usual(mode.peak_rate, mode.schedule_iterations),
                          .iterations = iterations};
  options.model.vocabulary = vocabulary;
  return options;
}

TrainingResult train(const TrainingOptions& options, const Dataset& dataset, const Blas& blas, Seams& seams,
                     std::FILE* out, std::span<double> losses) {
  Training training(options, dataset, blas, seams, out);
  if (!options.resume.empty()) training.load(options.resume);
  training.introduce();
  if (!options.start.empty()) training.save(options.start.c_str());
  const std::uint64_t before = training.state().iterations;
  Stopwatch stopwatch;
  while (!training.ended() && !training.stopped()) {
    const double loss = training.iterate();
    if (!losses.empty()) losses[training.state().iterations - 1] = loss;
    training.report();
  }
  TrainingResult result{.iterations = training.state().iterations,
                        .first_loss = training.state().first_loss,
                        .last_loss = training.mean_loss(),
                        .text_loss = 0,
                        .iterations_per_second = stopwatch.look(training.state().iterations - before),
                        .checkpoint = {},
                        .stopped = !training.ended()};
  if (!options.out.empty()) {
    result.stopped ? training.save_numbered() : training.save((options.out + "/model.lhc").c_str());
  }
  result.checkpoint = training.last_saved();
  if (result.stopped) return result;
  result.text_loss = training.text_loss();
  training.report_sample(2 * options.sample_length);
  return result;
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
