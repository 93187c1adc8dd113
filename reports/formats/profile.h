// profile: the heap at one moment of the run, or what it gained between two, by call site. Every format that
// shows stacks with weights is written from one.
//
//   Moment    which snapshot, or which two
//   Profile   a row a call site; its sums are the run's sums
//   Stack     rows with the same names from outside to inside, merged
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "reports/report.h"

namespace leakhunt::reports {

struct Moment {
  size_t snapshot = 0;
  std::optional<size_t> from;  // given: what was gained since that snapshot
  std::string words;           // "at the end", "at iteration 7", "from iteration 7 to the end"
  bool chosen = false;         // asked for, not the default
};

// What a report is about unless it was asked for another: Timeline::end_snapshot().
Moment moment_at_end(const Report& report);
// The snapshot with the highest live heap.
Moment moment_at_peak(const Report& report);
// What was gained since the end of warm-up. None: there is no such time.
std::optional<Moment> growth_after_warm_up(const Report& report);

// "peak", "end", or the number of an iteration (a tick). The error is a sentence.
tl::expected<Moment, std::string> parse_moment(const Report& report, std::string_view text);
// Refuses what runs backwards.
tl::expected<Moment, std::string> between(const Moment& from, const Moment& to);

struct ProfileRow {
  recording::SiteId site{};
  int64_t bytes = 0;  // live; of two moments: gained, which may be negative
  int64_t blocks = 0;
  recording::Counters counters{};  // up to the moment, or between the two
};

struct Profile {
  std::vector<ProfileRow> rows;  // by SiteId; only sites that did anything
  int64_t bytes = 0;             // sums of the rows
  int64_t blocks = 0;
  uint64_t allocations = 0;
  uint64_t allocated_bytes = 0;
};

// Of the heap (kBlock), or of everything. A damaged recording may have lost allocations: live values below
// 0 are 0. O(sites x stretches).
enum class ProfiledKinds { kHeap, kAll };
Profile make_profile(const Report& report, const Moment& moment, ProfiledKinds kinds = ProfiledKinds::kHeap);

// The frames of a site, innermost first, from the one that answers outwards: without the allocator's own.
FrameSpan stack_of(const Report& report, recording::SiteId site);

struct Stack {
  std::vector<std::string> names;  // outermost first; names[0] is the tag. One line of UTF-8 each
  int64_t bytes = 0;               // above 0
};

// Rows that hold (or gained) something, by names, in their order.
std::vector<Stack> merged_stacks(const Report& report, const Profile& profile);

}  // namespace leakhunt::reports
