// training: the loop: batch, forward, backward, step, reset; and what is said about it.
//
// Everything is allocated before the first iteration or during it; after that the loop takes nothing from the
// heap, not for samples or progress lines either.
#pragma once

#include <cstdint>
#include <cstdio>
#include <span>

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
  std::uint64_t iterations;
  std::uint64_t seed = 1;
  unsigned threads = 1;  // they change the speed, not the result
  std::uint64_t progress_every = 100;
  std::uint64_t sample_every = 500;  // 0: none during the training
  Index sample_length = 160;         // symbols of a sample during the training; the last one is twice as long

  // As `mode` says, for a text of `vocabulary` symbols.
  static TrainingOptions of(const Mode& mode, Index vocabulary, std::uint64_t iterations);
};

struct TrainingResult {
  double first_loss;             // of the first iteration
  double last_loss;              // mean over the last progress_every iterations
  double text_loss;              // at the end, over the first 100 windows of the text one after the other
  double iterations_per_second;  // of the whole loop
};

// Trains a new model on `dataset`. `losses`, when not empty, has room for every iteration and receives their
// losses. Progress and samples go to `out`. The same options, dataset and blas give the same result to the
// last bit.
TrainingResult train(const TrainingOptions& options, const Dataset& dataset, const Blas& blas, Seams& seams,
                     std::FILE* out, std::span<double> losses = {});

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
