// diff: what is different between two runs, or between two moments of one, by call site and by tag.
//
//   DiffSide   a report and the moment of its run that is looked at
//   Figures    what is compared, in units that can be added up
//   SiteDiff   one call site of both, or of one alone
//   Diff       all of them, their sums by tag and by kind of memory, and what to know before trusting it
//
// Every sum is made of the rows below it: what the call sites differ by is what the totals differ by, to the
// byte.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/analysis/site_matching.h"
#include "reports/report.h"

namespace leakhunt::reports {

struct DiffSide {
  const Report* report = nullptr;  // not owned; outlives the Diff
  size_t snapshot = 0;             // the moment
  bool at_end = true;              // the moment is Timeline::end_snapshot()
  std::string moment;              // in words: "at the end", "at iteration 7"
  std::string name;                // of the recording, as a person knows it
};

// Of one call site at one moment, or sums of such. Signed: differences are Figures, too, and a damaged
// recording may have lost allocations.
struct Figures {
  int64_t live_bytes = 0;
  int64_t live_blocks = 0;
  int64_t peak_bytes = 0;  // live when the heap of its process was highest, up to the moment
  int64_t peak_blocks = 0;
  int64_t allocations = 0;  // up to the moment
  int64_t allocated_bytes = 0;
  double growth = 0;  // bytes per step of the clock, as judged; 0 unless Diff::growth_unit

  Figures& operator+=(const Figures& other);
  friend Figures operator-(const Figures& a, const Figures& b);
  bool operator==(const Figures&) const = default;
};

enum class Change {
  kAppeared,  // a call site (or tag) that was not there
  kVanished,  // one that is not there any more
  kGrew,      // by live bytes
  kShrank,
  kElse,  // the same live bytes, but another peak, growth, or number of blocks or allocations
  kNone,
};
inline constexpr size_t kChanges = 6;

std::string_view to_string(Change change);  // "appeared", "vanished", "grew", "shrank", "other", "same"

struct SiteDiff {
  std::optional<size_t> before;  // index into Diff::before_sites
  std::optional<size_t> after;   // into Diff::after_sites
  MatchedBy by = MatchedBy::kSame;
  Change change = Change::kNone;
  Figures was;
  Figures is;

  Figures difference() const { return is - was; }
};

struct TagDiff {
  std::string tag;
  recording::SiteKind kind{};  // a tag whose blocks lie inside of others is one of its own
  Change change = Change::kNone;
  Figures was;
  Figures is;

  Figures difference() const { return is - was; }
};

struct Diff {
  DiffSide before;
  DiffSide after;
  bool one_run = false;           // two moments of the same one
  std::optional<uint64_t> steps;  // of the clock between two moments of one run
  std::string_view growth_unit;   // "iteration", "tick"; empty: growth cannot be compared
  std::vector<SiteIdentity> before_sites;
  std::vector<SiteIdentity> after_sites;  // empty where there is one run: the same as `before_sites`
  std::vector<SiteDiff> sites;            // greatest effect first
  std::vector<TagDiff> tags;              // greatest effect first
  std::array<TagDiff, 3> kinds;           // by SiteKind: heap, mappings, nested (in none of the others)
  std::array<size_t, kChanges> counts{};  // of call sites by Change
  std::vector<std::string> notes;         // sentences; escaped

  const std::vector<SiteIdentity>& sites_after() const { return one_run ? before_sites : after_sites; }
  // Where the row's names come from: the later side that has it.
  const SiteIdentity& identity(const SiteDiff& row) const;
  const Report& report_of(const SiteDiff& row) const { return row.after ? *after.report : *before.report; }
};

// The same report on both sides means two moments of one run. Deterministic; never fails.
Diff make_diff(const DiffSide& before, const DiffSide& after);

// How much a row matters: the larger of what its live bytes and its bytes at the peak differ by.
int64_t effect(const Figures& difference);

}  // namespace leakhunt::reports
