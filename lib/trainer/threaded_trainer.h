// threaded_trainer: data-parallel training: a control thread, N workers, one set of parameters.
//
// A step takes a number of sequences from random places of the text, adds up their gradients, and steps Adam
// along the mean. Workers take the sequences one by one. What decides the design is memory: the activations
// of a sequence are 19 MB and a set of gradients is 21 MB, so that neither can be had once per worker.
//
//   one set of gradients   Every worker adds to the same one, in turns (turns.h): gradient by gradient, in
//                          the order of the sequences. The sums are those of a single thread to the last bit,
//                          for any number of workers, and need no reduction afterwards. A worker waits only
//                          for the one operation of the backward pass that the sequence before is at, so
//                          those at work follow each other at a distance of a thirtieth of a sequence.
//   few contexts           A context (worker_context.h) exists for each sequence that can really be at work:
//                          one per processor, not per worker. As the sums do not depend on it, this number is
//                          free. Workers without a context sleep.
//
// Considered instead: a fixed number of gradient sets that are summed at the end (a fixed order too, but 21
// MB for each sequence at work), and all workers on one sequence, layer by layer (least memory, but a barrier
// of all threads around each of some hundred operations).
//
// No lock is held during forward or backward. Called from one thread, the control thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory_resource>
#include <span>
#include <vector>

#include "lib/trainer/adam.h"
#include "lib/trainer/random.h"
#include "lib/trainer/seams.h"
#include "lib/trainer/transformer.h"
#include "lib/trainer/turns.h"
#include "lib/trainer/worker_context.h"
#include "lib/trainer/worker_pool.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

// The configuration of train_threaded; the vocabulary is replaced by that of the text.
inline constexpr ModelConfig threaded_model{
    .vocabulary = 788, .width = 256, .heads = 8, .layers = 6, .hidden = 1024, .context = 128};

inline constexpr Index most_workers = 64;

struct ThreadedOptions {
  ModelConfig model;  // its vocabulary must be that of the tokens
  Index workers = 1;
  Index contexts = 0;  // sequences at work at once; 0: as many as there are processors
  Index sequences_per_step = 32;
  std::uint64_t seed = 1;
};

// Where the time of the workers went, all of them together, from the first step on.
struct SequenceTime {
  std::uint64_t total_ns = 0;   // from taking up a sequence to putting it down
  std::uint64_t waited_ns = 0;  // of it, until the observer let them begin
};

class ThreadedTrainer {
 public:
  // A new model. `tokens` (more than the model's context), `blas` and `seams` must outlive the trainer.
  ThreadedTrainer(const ThreadedOptions& options, std::span<const Token> tokens, const Blas& blas,
                  Seams& seams);

  // One step; the mean loss of its sequences. The training observers of the seams are told. What a worker
  // throws is thrown here; the step has then not been made.
  double step(double learning_rate);

  // The first half of a step: draws its sequences; their summed gradients are in the model's.
  double accumulate_gradients();
  // The second half: Adam, along the mean of what was accumulated.
  void update_parameters(double learning_rate);

  const Transformer& model() const { return model_; }
  // Where the sequences of the last step begin in the text.
  std::span<const Index> positions() const { return positions_; }
  // How many sequences are at work at once.
  Index lanes() const { return lanes_; }
  SequenceTime sequence_time() const { return {total_ns_.load(), waited_ns_.load()}; }

 private:
  void learn(Index sequence, Index lane);

  std::span<const Token> tokens_;
  const Blas& blas_;
  Seams& seams_;
  Random random_;
  Transformer model_;
  Adam adam_;
  std::pmr::vector<Index> positions_;  // one per sequence of a step, as are the losses
  std::pmr::vector<double> losses_;
  Turns turns_;
  Index lanes_;  // sequences at work at once
  std::atomic<std::uint64_t> total_ns_ = 0;
  std::atomic<std::uint64_t> waited_ns_ = 0;
  std::pmr::deque<WorkerContext> contexts_;
  WorkerPool pool_;  // the last: its threads end before what they work with
};

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
