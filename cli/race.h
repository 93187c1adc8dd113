// race: short runs of a scenario's program and of its healthy twin, in turns, so that both meet the same
// machine; what they come to is appended to the recording of the scenario's own run.
#pragma once

#include <string>

#include <tl/expected.hpp>

#include "cli/commands.h"
#include "scenarios/runner/conduct.h"
#include "scenarios/runner/scenario.h"

namespace leakhunt::cli {

// After conduct() and before conclude(), which judges it. Nothing where the scenario races with nobody. A
// race that cannot be run, or a run that did not come to its end, is recorded with its reason. An interrupt
// shows in `watched`. The error is a line for the user.
tl::expected<void, std::string> race_with_twin(const runner::Schedule& schedule, const std::string& shown,
                                               const Surroundings& surroundings, runner::SignalWatch& signals,
                                               const runner::OutputDirectory& out, runner::Watched& watched);

}  // namespace leakhunt::cli
