// generate_options: what the command line of generate asks for, and the door to each precision.
#pragma once

#include <cstdint>
#include <string>

#include "lib/trainer/checkpoint.h"
#include "lib/trainer/precision.h"

namespace leakhunt::trainer {

struct GenerateOptions {
  std::string model;
  std::string prompt;
  std::int64_t length = 400;
  double temperature = 0.8;
  std::int64_t seed = 1;
  bool interactive = false;
};

// Writes text to stdout and returns the exit status. `checkpoint` is freshly opened, and holds numbers of
// this precision. Throws std::invalid_argument when the prompt has a character that the model does not know.
namespace f32 {
int generate_text(const GenerateOptions& options, CheckpointReader& checkpoint);
}
namespace f64 {
int generate_text(const GenerateOptions& options, CheckpointReader& checkpoint);
}

}  // namespace leakhunt::trainer
