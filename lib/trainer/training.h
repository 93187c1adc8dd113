// training: the loop: batch, forward, backward, step, reset; and what is said and written about it.
//
// Everything is allocated before the first iteration or during it; after that the loop takes nothing from the
// heap, not for samples or progress lines either. A checkpoint takes one buffer and gives it back.
//
// A training that is resumed from a checkpoint goes on as if it had never stopped: the same losses, the same
// parameters, the same samples, to the last bit. Therefore nothing depends on how far this run is to go: the
// schedule has its own length, and the chance of a sample comes from the seed and the iteration alone.
#pragma once

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>

#include "lib/trainer/blas.h"
#include "lib/trainer/dataset.h"
#include "lib/trainer/modes.h"
#include "lib/trainer/schedule.h"
#include "lib/trainer/seams.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

struct TrainingOptions {
  ModelConfig model;  // its vocabulary must be the dataset's
  Schedule schedule;
  std::uint64_t iterations;  // in all, those before a resumed checkpoint included
  std::uint64_t seed = 1;
  unsigned threads = 1;  // they change the speed, not the result
  std::uint64_t progress_every = 100;
  std::uint64_t sample_every = 500;  // 0: none during the training
  Index sample_length = 160;         // symbols of a sample during the training; the last one is twice as long
  std::span<const Token> prompt = {};  // what samples begin with; empty: the text's first symbol
  std::uint64_t checkpoint_every = 0;  // 0: none during the training
  std::string out = {};                // folder of checkpoints and of the model; empty: none are written
  std::string resume = {};             // the checkpoint to go on from; empty: a new model
  std::string start = {};         // where the state before the first iteration is written; empty: nowhere
  std::string introduction = {};  // printed before the first iteration, once a checkpoint has been read
  std::FILE* trace = nullptr;     // receives a line for every iteration: see docs/checkpoint-format.md
  const volatile std::sig_atomic_t* stop = nullptr;  // not 0: the iteration in progress is the last

  // As `mode` says, for a text of `vocabulary` symbols.
  static TrainingOptions of(const Mode& mode, Index vocabulary, std::uint64_t iterations);
};

struct TrainingResult {
  std::uint64_t iterations;      // done, those before a resumed checkpoint included
  double first_loss;             // of the first iteration
  double last_loss;              // mean over the last progress_every iterations
  double text_loss;              // at the end, over the first 100 windows of the text one after the other
  double iterations_per_second;  // of the whole loop
  std::string checkpoint;        // the last one written; empty: none
  bool stopped;                  // before its end, by `stop`: there is no text_loss
};

// Trains a model on `dataset`: a new one, or that of the checkpoint `resume`. `losses`, when not empty, has
// room for every iteration and receives their losses. Progress and samples go to `out`. The same options,
// dataset and blas give the same result to the last bit. Throws CheckpointError when a checkpoint cannot be
// read, written, or does not belong to these options.
TrainingResult train(const TrainingOptions& options, const Dataset& dataset, const Blas& blas, Seams& seams,
                     std::FILE* out, std::span<double> losses = {});

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
