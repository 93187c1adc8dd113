// quantities: bytes, rates and durations as a person writes and reads them on the command's progress and in
// messages. Reports have units of their own (reports/formats/units.h), which this room does not see.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace leakhunt::runner {

std::string human_bytes(uint64_t bytes);                    // "640 B", "12.3 kB", "5.00 GB"
std::string human_rate(double per_second);                  // "0.52", "13.7", "102"
std::string human_duration(std::chrono::nanoseconds time);  // "12 ms", "3.1 s", "4 min 05 s", "2 h 10 min"

// "90s", "1.5 min", "2h", "500ms". The error is a sentence that names the units.
tl::expected<std::chrono::nanoseconds, std::string> parse_duration(std::string_view text);

}  // namespace leakhunt::runner
