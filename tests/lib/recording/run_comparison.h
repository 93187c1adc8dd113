// Comparing what was read with what was recorded.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/recording/run.h"
#include "tests/lib/recording/recording_builder.h"

namespace leakhunt::recording {

// Everything a Run holds, as text: equal if and only if the runs are. `with_damage` includes Run::damage.
std::string describe(const Run& run, bool with_damage = true);

// A site's counters since the start, after snapshot `index`.
Counters counters_at(const CallSite& site, size_t index);

// Empty if every snapshot and every call site that `read` claims to know is as in `truth`; otherwise the
// first difference in a sentence. Snapshots may be missing in `read`, but not wrong; lost sites keep their
// series.
std::string contradiction(const Run& read, const Run& truth);

// A small recording in which every kind of record occurs: three sites, two tags of their own, key frames, a
// peak, cohorts in two records, host records.
RecordingBuilder recording_of_everything();

}  // namespace leakhunt::recording
