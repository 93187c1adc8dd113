// closing: what the runner does with a recording when its target has ended. Symbols while the modules are
// there, what only the runner knows, what of the heap graphs is needed, and the whole in its final form.
#pragma once

#include <filesystem>
#include <string>
#include <thread>

#include <tl/expected.hpp>

#include "lib/recording/packing.h"
#include "lib/recording/run.h"
#include "scenarios/runner/output_directory.h"
#include "scenarios/runner/symbolise.h"
#include "scenarios/runner/watch.h"

namespace leakhunt::runner {

// Appends symbols, samples and outcome to the recordings of the target and its children. The run is what will
// be read from the packed recording. The error is a line for the user.
tl::expected<recording::Run, std::string> close_recordings(const OutputDirectory& out, const Watched& watched,
                                                           Symboliser& symboliser);

// Whether there are graphs whose pointers say more than their sums: they were asked for, or something grows.
bool explains_something(const recording::Run& run, bool is_growth_found);

// The pointers of graphs that were taken because something grew serve to explain what grows: where it turned
// out that nothing does they are left out, of the run and of the packed recording; the sums by call site
// stay. Otherwise the variables and members in them get names.
recording::GraphDetail settle_graphs(const std::filesystem::path& recording, bool is_growth_found,
                                     recording::Run& run);

// Packs the recording, while whoever has the run goes on with it; the destructor waits. A recording that
// cannot be rewritten is as good as it was, only larger.
class Packing {
 public:
  Packing(const std::filesystem::path& recording, recording::GraphDetail graphs);
  ~Packing() { thread_.join(); }
  Packing(const Packing&) = delete;
  Packing& operator=(const Packing&) = delete;

 private:
  std::thread thread_;
};

}  // namespace leakhunt::runner
