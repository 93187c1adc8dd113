// planned_run: one run of a scenario, before it starts and after it ended: what it orders, and what is said
// and written about it. Between the two stands runner::conduct().
#pragma once

#include <string>

#include <tl/expected.hpp>

#include "cli/commands.h"
#include "cli/judged.h"
#include "scenarios/runner/conduct.h"
#include "scenarios/runner/scenario.h"

namespace leakhunt::cli {

// `shown` is its name in the progress.
runner::Order order_of(const runner::Plan& plan, const std::string& shown, const Surroundings& surroundings);

// Judges the closed recording and writes its reports; when the program failed, its last words go to stderr.
// The error is a line for the user.
tl::expected<Judged, std::string> conclude(const runner::Watched& watched,
                                           const runner::OutputDirectory& out);

}  // namespace leakhunt::cli
