// generate_options: what the command line of generate asks for.
#pragma once

#include <cstdint>
#include <string>

namespace leakhunt::trainer {

struct GenerateOptions {
  std::string model;
  std::string prompt;
  std::int64_t length = 400;
  double temperature = 0.8;
  std::int64_t seed = 1;
  bool interactive = false;
};

}  // namespace leakhunt::trainer
