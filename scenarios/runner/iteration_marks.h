// iteration_marks: iterations of a program that marks none, as the user asked for them. What the tracker is
// told, and what happens here meanwhile.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <tl/expected.hpp>

#include "scenarios/runner/line_pattern.h"
#include "scenarios/runner/match_count.h"
#include "scenarios/runner/output_relay.h"

namespace leakhunt::runner {

// At most one of them.
struct MarksRequest {
  std::optional<std::string> regex;   // of lines of output
  std::optional<std::string> symbol;  // of a function
};

class IterationMarks {
 public:
  // Checks what was asked for; touches no file but the program's. The error is a sentence.
  static tl::expected<IterationMarks, std::string> prepare(const MarksRequest& request,
                                                           const std::filesystem::path& program);

  // What the lines need, in the run's output directory. Call before the launch.
  tl::expected<void, std::string> open(const std::filesystem::path& directory);

  // Variables for the tracker.
  const std::map<std::string, std::string>& environment() const { return environment_; }
  // The target's standard streams; -1: ours.
  int target_end(int stream) const { return relay_ ? relay_->target_end(stream) : -1; }

  void start(pid_t target) {
    if (relay_) relay_->start(target);
  }
  void finish() {
    if (relay_) relay_->finish();
  }

 private:
  std::map<std::string, std::string> environment_;
  std::optional<std::string> regex_;
  std::unique_ptr<MatchCount> matches_;
  std::unique_ptr<OutputRelay> relay_;  // its threads use the count: the first to go
};

}  // namespace leakhunt::runner
