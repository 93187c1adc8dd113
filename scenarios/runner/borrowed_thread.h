// borrowed_thread: finds a thread of a process that may be borrowed now, and has it call a function of the
// tracker.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <tl/expected.hpp>

#include "lib/recording/attach_call.h"
#include "scenarios/runner/running_process.h"

namespace leakhunt::runner {

// Tries one thread after the other, those that only wait first, until one stands at a safe place. The error
// is a phrase: what came in the way at last.
tl::expected<int64_t, std::string> call_in_process(pid_t pid, const std::filesystem::path& library,
                                                   const std::string& function,
                                                   const recording::AttachCall& argument,
                                                   std::chrono::milliseconds patience);

}  // namespace leakhunt::runner
