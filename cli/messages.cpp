#include "cli/messages.h"

#include <cstdio>

#include <fmt/format.h>

namespace leakhunt::cli {

void say(std::string_view text) {
  fmt::print(stderr, "leakhunt: {}\n", text);
}

int refuse(std::string_view text) {
  say(text);
  return kWrongCall;
}

}  // namespace leakhunt::cli
