// attach: a recording of a program that is running already, from the first check to the closed recording.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include <tl/expected.hpp>

#include "lib/recording/budget.h"
#include "scenarios/runner/output_directory.h"
#include "scenarios/runner/running_process.h"

namespace leakhunt::runner {

struct AttachOrder {
  RunningProcess process;
  std::filesystem::path library;
  recording::Budget budget;  // judged only: nothing is done to the program
  std::string stacks = "cfi";
  std::string graph = "auto";
  std::chrono::milliseconds interval{100};
  std::optional<std::chrono::nanoseconds> duration;  // none: until a signal, or its end
};

struct Attached {
  enum class End { kDetached, kProgramEnded, kProgramReplaced, kNotDetached };
  End end = End::kDetached;
  std::chrono::nanoseconds duration{};
  int interrupted_by = 0;  // the signal that ended it; 0: none
  std::string problem;     // why it could not be detached from
};

// Brings the tracker into the process, stays with it, and takes the tracker out again; the program goes on.
// `begun` is called once it is recorded. The error is a sentence: why nothing was recorded.
tl::expected<Attached, std::string> attach(const AttachOrder& order, const OutputDirectory& out,
                                           const std::function<void()>& begun);

}  // namespace leakhunt::runner
