// Budget: what a run may cost, and what is forgiven for a while. Written into the recording by the runner, so
// that a report made from the file alone comes to the same verdict. An absent limit is not checked, and the
// report says so. docs/gates.md is the prose.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace leakhunt::recording {

// A part of a run: the call sites to which every pattern that is given applies; with none, the whole process.
// It is the process that was started, unless `process` names programs of the tree: then each of their
// processes, or with `together` their sum.
// `tag` and `thread` (its name) are names, `function` and `file` match one frame of the stack. In each, *
// stands for anything and ? for any letter. "Tape::record" is also a::Tape::record, "arena.cpp" also
// lib/arena.cpp.
struct Scope {
  std::string tag;
  std::string function;
  std::string file;
  std::string thread;
  std::string process = {};  // the last part of the program's path
  bool together = false;

  bool is_process() const { return tag.empty() && function.empty() && file.empty() && thread.empty(); }
};

// "the process"; "tag arena.chunk, function Arena::*"; "each process worker*"; "all processes * together, tag
// x".
std::string to_string(const Scope& scope);

// What is limited. The numbers are those of the recording.
enum class Cost : uint8_t {
  kPeakBytes = 0,             // live, at their highest
  kEndBytes = 1,              // live at the end of the last iteration
  kEndBlocks = 2,             // the same, in blocks
  kGrowthBytes = 3,           // per iteration, after warm-up
  kGrowthBlocks = 4,          // the same, in blocks
  kAllocations = 5,           // per iteration, after warm-up
  kAllocationsPerSecond = 6,  // after warm-up
  kIterationsPerSecond = 7,   // of the process; the only one that is a floor
  kLostBytes = 8,             // that nothing leads to any more when the program ends
  kLostBlocks = 9,            // the same, in blocks
};
inline constexpr uint64_t kCosts = 10;

// Is it asked of a heap graph at the program's end?
constexpr bool is_lost(Cost cost) {
  return cost == Cost::kLostBytes || cost == Cost::kLostBlocks;
}

// As in a configuration: "peak", "end", "blocks", "growth", ...
std::string_view to_string(Cost cost);

// One limit of one part of the run. A relative one is worth nothing until its baseline is known.
struct Limit {
  Scope scope;
  Cost cost{};
  double most = 0;                 // of a floor: the least
  std::optional<double> percent;   // relative: what the baseline may be exceeded by
  std::optional<double> baseline;  // what it was there
  bool optional = false;           // a part that is not in the run is no doubt
  std::string owner = {};
  std::string reason = {};
  std::string name = {};  // made of scope and cost, and told apart: "tag arena.chunk: peak"

  bool is_resolved() const { return !percent || baseline; }
};

// Findings in this part are known and forgiven until a day.
struct Suppression {
  Scope scope;
  uint64_t expires = 0;  // the last day on which it counts, in days since 1970-01-01
  std::string owner = {};
  std::string reason = {};
};

struct Budget {
  std::optional<uint64_t> peak_rss_bytes;            // the ceiling: the target is stopped above it
  std::optional<double> growth_bytes_per_iteration;  // of the live heap, after warm-up
  std::optional<double> min_iterations_per_second;   // after warm-up
  // From here on a record of its own.
  std::vector<Limit> limits = {};
  std::vector<Suppression> suppressions = {};
  std::string build = {};         // of the program: "x86-64 -O2"; empty: not known
  bool positive_control = false;  // the report has to show that a leak would be caught

  bool has_more() const {
    return !limits.empty() || !suppressions.empty() || !build.empty() || positive_control;
  }
};

// Gives every limit its name; those of the same scope and cost are numbered.
void name_limits(std::vector<Limit>& limits);

// "5GB", "40 MB", "512KiB", "1048576": decimal and binary units, fractions allowed ("1.5GB"). The error is a
// sentence that names the accepted units.
tl::expected<uint64_t, std::string> parse_bytes(std::string_view text);

// "2026-12-31" of days since 1970-01-01.
std::string date_text(uint64_t days);

}  // namespace leakhunt::recording
