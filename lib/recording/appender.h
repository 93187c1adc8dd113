// Appender: what the host writes into a recording. Before the run its header, scenario and budget; after it
// symbols, its own samples and the outcome. In between the file belongs to the target.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "lib/recording/budget.h"
#include "lib/recording/error.h"
#include "lib/recording/format.h"
#include "lib/recording/host_codec.h"
#include "lib/recording/run.h"

namespace leakhunt::recording {

// Creates the file (an older one at `path` is replaced) with file header, scenario and budget; no scenario
// for `leakhunt run`. Its directory must exist.
tl::expected<void, Error> create_recording(const std::string& path, const Scenario* scenario,
                                           const Budget& budget);

// Appends behind the last whole frame, when no target writes any more. The torn tail (zeros that the target
// had allocated, a frame it did not finish) is cut off and its length recorded, so that the reader still
// reports it; damaged frames stay where they are. May be done again, for instance with better symbols: a
// symbol replaces the one of the same address, samples and outcome those before them; empty ones and nullopt
// leave what is there.
tl::expected<void, Error> append_host_records(const std::string& path, const Symbols& symbols,
                                              std::span<const HostSample> samples,
                                              const std::optional<Outcome>& outcome,
                                              const LeftRunning& left_running = {},
                                              const DataNames& names = {});

// The same of one record alone: what the runner found out beside the run, or why it ended it.
tl::expected<void, Error> append_record(const std::string& path, RecordType type, const Payload& payload);

// One frame, header and padding included, at the end of `to`. The size of `to` must be a multiple of 8.
void append_frame(std::vector<uint8_t>& to, RecordType type, std::span<const uint8_t> payload);

// The file header, at the start of `to`.
void append_file_header(std::vector<uint8_t>& to, uint32_t version = kFormatVersion);

// The frames of symbols and samples, in as many records as they need.
void append_symbols(std::vector<uint8_t>& to, const Symbols& symbols);
void append_host_samples(std::vector<uint8_t>& to, std::span<const HostSample> samples);

}  // namespace leakhunt::recording
