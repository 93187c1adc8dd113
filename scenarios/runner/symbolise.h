// symbolise: names for every return address of a run, from the modules on this machine.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/recording/host_codec.h"
#include "lib/recording/run.h"
#include "lib/symbols/symbolizer.h"

namespace leakhunt::runner {

// For several runs of mostly the same modules, as those of a process and its children: each place in a module
// is looked up once.
class Symboliser {
 public:
  // One symbol for each distinct address of the run's call sites; without source frames where the module is
  // not to be had (its path and offset remain). Does what it can: never fails.
  recording::Symbols symbolise(const recording::Run& run);

 private:
  using ModuleKey = std::pair<std::string, std::vector<uint8_t>>;  // path, build-id
  using Places = std::unordered_map<uint64_t, std::vector<recording::SourceFrame>>;

  recording::Symbol symbol_at(const recording::Run& run, uint64_t address);

  symbols::Symbolizer symbolizer_;
  std::map<ModuleKey, Places> known_;
};

// Of one run alone.
recording::Symbols symbolise(const recording::Run& run);

}  // namespace leakhunt::runner
