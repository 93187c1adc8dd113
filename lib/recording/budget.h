// Budget: what a run may cost. Written into the recording by the runner, so that a report made from the file
// alone comes to the same verdict. An absent limit is not checked, and the report says so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace leakhunt::recording {

struct Budget {
  std::optional<uint64_t> peak_rss_bytes;            // the ceiling: the target is stopped above it
  std::optional<double> growth_bytes_per_iteration;  // of the live heap, after warm-up
  std::optional<double> min_iterations_per_second;   // after warm-up
};

// "5GB", "40 MB", "512KiB", "1048576": decimal and binary units, fractions allowed ("1.5GB"). The error is a
// sentence that names the accepted units.
tl::expected<uint64_t, std::string> parse_bytes(std::string_view text);

}  // namespace leakhunt::recording
