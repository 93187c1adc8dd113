// train_full_options: what the command line of train_full asks for, and the door to each precision.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lib/trainer/modes.h"
#include "lib/trainer/precision.h"

namespace leakhunt::trainer {

// Exit statuses of the trainer's programs.
inline constexpr int status_wrong_call = 2;
inline constexpr int status_failed = 3;

struct TrainFullOptions {
  const Mode* mode = nullptr;
  std::optional<std::int64_t> iterations;
  std::optional<std::int64_t> sample_every;
  std::int64_t seed = 1;
  unsigned threads = 1;
  std::string precision = "f64";
  std::string data;
  std::string blas = "auto";
};

// Runs the training that was asked for and returns the exit status. Throws std::exception when it cannot.
namespace f32 {
int run_training(const TrainFullOptions& options);
}
namespace f64 {
int run_training(const TrainFullOptions& options);
}

}  // namespace leakhunt::trainer
