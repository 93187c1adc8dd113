#include "lib/trainer/threaded_trainer.h"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {
namespace {

// Parameters that a worker updates at a time. The division does not depend on the number of workers, so
// neither does a result.
constexpr Index update_stretch = 64 * 1024;

// Operations with parameters: the embedding, two norms and four products a layer, the last norm, the output.
constexpr Index gradient_places(const ModelConfig& model) {
  return 1 + 6 * model.layers + 2;
}

Transformer new_model(const ThreadedOptions& options, const TrainerMemory& memory) {
  Random random(options.seed * 3);
  return {options.model, memory, random};
}

// One sequence's way through the turns.
class InTurn final : public BackwardObserver {
 public:
  InTurn(Turns& turns, Index sequence) : turns_(turns), sequence_(sequence) {}
  void before(std::size_t place) override { turns_.wait(place, sequence_); }
  void after(std::size_t place) override { turns_.pass(place, sequence_); }

 private:
  Turns& turns_;
  Index sequence_;
};

std::uint64_t nanoseconds_since(std::chrono::steady_clock::time_point then) {
  return static_cast<std::uint64_t>(
      std::chrono::nanoseconds(std::chrono::steady_clock::now() - then).count());
}

// Tells the observer, if there is one, of a sequence's beginning and end, and takes the time.
class Observed {
 public:
  Observed(SequenceObserver* observer, Index sequence, std::atomic<std::uint64_t>& total_ns,
           std::atomic<std::uint64_t>& waited_ns)
      : observer_(observer), sequence_(sequence), total_ns_(total_ns) {
    if (observer_ == nullptr) return;
    observer_->sequence_begins(sequence_);
    waited_ns.fetch_add(nanoseconds_since(taken_up_), std::memory_order_relaxed);
  }
  ~Observed() {
    if (observer_ != nullptr) observer_->sequence_ended(sequence_);
    total_ns_.fetch_add(nanoseconds_since(taken_up_), std::memory_order_relaxed);
  }
  Observed(const Observed&) = delete;
  Observed& operator=(const Observed&) = delete;

 private:
  const std::chrono::steady_clock::time_point taken_up_ = std::chrono::steady_clock::now();
  SequenceObserver* observer_;
  Index sequence_;
  std::atomic<std::uint64_t>& total_ns_;
};

}  // namespace

ThreadedTrainer::ThreadedTrainer(const ThreadedOptions& options, std::span<const Token> tokens,
                                 const Blas& blas, Seams& seams)
    : tokens_(tokens),
      blas_(blas),
      seams_(seams),
      random_(options.seed * 3 + 1),
      model_(new_model(options, seams.memory)),
      adam_(model_.parameters(), *seams.memory.optimizer_m, *seams.memory.optimizer_v),
      positions_(options.sequences_per_step, seams.memory.batches),
      losses_(options.sequences_per_step, seams.memory.batches),
      turns_(gradient_places(options.model), *seams.memory.threads.contexts),
      lanes_(contexts_at_work(options.workers, options.contexts)),
      contexts_(seams.memory.threads.contexts),
      pool_(options.workers, seams.threads.stack_bytes, *seams.memory.threads.stacks,
            *seams.memory.threads.contexts) {
  const Index made = seams.threads.contexts_made(lanes_);
  while (contexts_.size() < made) contexts_.emplace_back(options.model, seams);
}

double ThreadedTrainer::step(double learning_rate) {
  const double loss = accumulate_gradients();
  for (TrainingObserver* observer : seams_.training_observers) observer->before_optimizer_step(adam_);
  update_parameters(learning_rate);
  for (TrainingObserver* observer : seams_.training_observers) observer->after_optimizer_step(adam_);
  return loss;
}

double ThreadedTrainer::accumulate_gradients() {
  const Index places = tokens_.size() - model_.config().context;
  for (Index& position : positions_) position = random_.below(places);
  turns_.restart();
  pool_.run(positions_.size(), lanes_, [this](Index sequence, Index lane) { learn(sequence, lane); });
  return std::accumulate(losses_.begin(), losses_.end(), 0.0) / static_cast<double>(losses_.size());
}

// On a worker's thread.
void ThreadedTrainer::learn(Index sequence, Index lane) {
  const Observed observed(seams_.threads.sequence_observer, sequence, total_ns_, waited_ns_);
  InTurn turn(turns_, sequence);
  try {
    losses_[sequence] =
        contexts_[lane].learn(model_, blas_, tokens_, positions_[sequence], sequence == 0, turn);
  } catch (const TurnsGivenUp&) {
    // Why is told by the worker that failed.
  } catch (...) {
    turns_.give_up();
    throw;
  }
}

void ThreadedTrainer::update_parameters(double learning_rate) {
  const kernels::AdamStep factors = adam_.begin_step(learning_rate);
  const Index count = model_.parameters().taken();
  const Real scale = 1 / static_cast<Real>(positions_.size());
  pool_.run((count + update_stretch - 1) / update_stretch, lanes_, [&](Index stretch, Index) {
    const Index first = stretch * update_stretch;
    adam_.step_range(factors, {first, std::min(first + update_stretch, count)}, scale);
  });
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
