// train_full_options: what the command line of train_full (and train_v2) asks for.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include "lib/trainer/dataset.h"
#include "lib/trainer/modes.h"

namespace leakhunt::trainer {

// Exit statuses of the trainer's programs.
inline constexpr int status_wrong_call = 2;
inline constexpr int status_failed = 3;

// What was asked for cannot be: one line for people, status_wrong_call.
struct WrongCall : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct TrainFullOptions {
  std::string program = "train_full";  // in front of its messages
  std::string command;                 // as it was called, but without --resume
  const Mode* mode = nullptr;
  std::string_view built_in = built_in_text;  // the text when no `data` is given
  std::optional<std::int64_t> iterations;
  std::optional<std::int64_t> schedule_iterations;
  std::optional<std::int64_t> sample_every;
  std::optional<std::int64_t> seed;  // default: 1, or the resumed checkpoint's
  std::int64_t checkpoint_every = 0;
  unsigned threads = 1;
  bool plan = false;  // only say what would be occupied
  std::string precision = "f64";
  std::string blas = "auto";
  std::string data;
  std::string prompt;
  std::string resume;
  std::string out;
  std::string trace;
  std::string export_start;
};

}  // namespace leakhunt::trainer
