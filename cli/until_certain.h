// until_certain: --until-certain[=CONFIDENCE]: a run is judged while it goes on, and stopped as soon as its
// verdict is certain.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <tl/expected.hpp>

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

}  // namespace leakhunt::cli
