// symbolise: names for every return address of a run, from the modules on this machine.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "lib/recording/host_codec.h"
#include "lib/recording/run.h"
#include "lib/symbols/symbolizer.h"

namespace leakhunt::runner {

// For several runs of mostly the same modules, as those of a process and its children: a module is opened
// once, and each place in it is looked up once.
class Symboliser {
 public:
  // One symbol for each distinct address of the run's call sites, by the module that lay there when the site
  // was recorded; without source frames where it is not to be had (its path and offset remain, and why). Of
  // code made at run time: what /tmp/perf-PID.map says, if the program wrote one. Does what it can: never
  // fails.
  recording::Symbols symbolise(const recording::Run& run);

  // Looks up one return address in the module, ahead of a run in which it will occur.
  void look_up(const recording::Module& module, uint64_t address) {
    if (!module.path.empty()) frames_at(module, address - module.bias - 1);
  }

 private:
  using Frames = tl::expected<std::vector<recording::SourceFrame>, symbols::Unresolved>;
  using ModuleKey = std::pair<std::string, std::vector<uint8_t>>;  // path, build-id
  class Namer;

  const Frames& frames_at(const recording::Module& module, uint64_t offset);

  symbols::Symbolizer symbolizer_;
  std::map<ModuleKey, std::unordered_map<uint64_t, Frames>> known_;
};

// Of one run alone.
recording::Symbols symbolise(const recording::Run& run);

}  // namespace leakhunt::runner
