// until_certain: --until-certain[=CONFIDENCE]: a run is judged while it goes on, and stopped as soon as its
// verdict is certain.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <tl/expected.hpp>

#include "scenarios/runner/scenario.h"
#include "scenarios/runner/watch.h"

namespace leakhunt::cli {

// `text` is empty without the option, and the confidence as given with it.
void declare_until_certain(CLI::App& command, std::string& text);

// The error is a line for the user.
tl::expected<double, std::string> parse_confidence(const std::string& text);

// Of a run of `iterations` planned iterations, 0 if they are not known; empty without the option. The error
// is a line for the user.
tl::expected<runner::LiveJudge, std::string> live_judge(const std::string& text, uint64_t iterations,
                                                        uint64_t warm_up,
                                                        const std::string& where_iterations_go);

// Why the runs of a scenario cannot end before they are through, as a sentence; empty: they can.
std::string why_to_the_end(const runner::Schedule& schedule);

// Of one run of a scenario; empty without the option, or where there is such a reason.
tl::expected<runner::LiveJudge, std::string> live_judge(const std::string& text,
                                                        const runner::Schedule& schedule,
                                                        const runner::Plan& plan);

}  // namespace leakhunt::cli
