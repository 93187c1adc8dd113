// train_command: the command line that train_full and train_v2 share, and what becomes of errors.
#pragma once

#include <CLI/CLI.hpp>

#include "lib/trainer/programs/train_full_options.h"

namespace leakhunt::trainer {

// Declares every flag of a training but the number of iterations and the mode.
void declare_training(CLI::App& app, TrainFullOptions& options);

// The most that any number on the command line may be.
inline constexpr std::int64_t largest_number = 1'000'000'000;

// Parses, trains and returns the exit status. Whatever goes wrong is one line on stderr.
int train_as_called(CLI::App& app, TrainFullOptions& options, int argc, char** argv);

}  // namespace leakhunt::trainer
