// needed_libraries: the files that a program consists of once its loader has started it.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace leakhunt::runner {

struct ProgramFiles {
  std::filesystem::path executable;  // of a script: its interpreter
  std::filesystem::path loader;
  std::vector<std::filesystem::path>
      libraries;  // all that it needs, in the loader's order; without the loader
};

// Asks the program's own loader, with our environment, and runs nothing of the program. What cannot be found
// is left out.
ProgramFiles files_of(const std::filesystem::path& program);

// A library by name, as dlopen would find it: a path, beside one of the program's libraries, or in a usual
// folder. Empty when it is in none.
std::filesystem::path find_library(std::string_view name, const ProgramFiles& files);

}  // namespace leakhunt::runner
