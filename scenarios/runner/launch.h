// launch: starts the target with the tracker in it. Single-threaded callers only: between fork and exec the
// child runs on a copy of this process.
//
// Nothing of the target is changed but its environment (LD_PRELOAD and the variables of
// instrument/runtime.cpp, which the tracker takes out again before main; what a scenario asks for) and, for a
// scenario, its standard streams.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace leakhunt::runner {

struct LaunchRequest {
  std::filesystem::path program;                      // absolute; inspected already
  std::vector<std::string> command;                   // argv: its first word may differ from `program`
  std::map<std::string, std::string> environment;     // over our own; none of the tracker's variables
  std::filesystem::path recording;                    // absolute
  std::filesystem::path processes;                    // for those of its children; empty: not followed
  std::filesystem::path tracker;                      // to be preloaded; empty: the program is linked with it
  std::optional<std::string> defect;                  // LEAKHUNT_DEFECT; "" takes it out of the environment
  std::optional<std::chrono::milliseconds> interval;  // of the clock for programs without iterations
  std::filesystem::path log;  // for stdout and stderr, and no stdin; empty: all are inherited
  int standard_output = -1;   // for stdout and stderr, if there is no log; -1: ours
  int standard_error = -1;
  bool ends_with_us = false;  // SIGTERM for it if we die: nobody would watch its budget
};

struct Target {
  pid_t pid = 0;
  std::chrono::steady_clock::time_point started;
  // The most memory we ever had: the kernel's maximum for the target counts the child before exec as well.
  uint64_t inherited_peak_bytes = 0;
};

// Returns when the new program has replaced the child. The error is a sentence: what could not be started,
// and why.
tl::expected<Target, std::string> launch(const LaunchRequest& request);

}  // namespace leakhunt::runner
