#include "lib/recording/run.h"

namespace leakhunt::recording {

namespace {

// Unsigned, so that counters which wrap around (from a damaged file) stay defined; the sums come out right.
uint64_t step(const Counters& counters, Measure measure) {
  switch (measure) {
    case Measure::kLiveBytes:
      return counters.allocated_bytes - counters.freed_bytes;
    case Measure::kLiveBlocks:
      return counters.allocations - counters.frees;
    case Measure::kAllocations:
      return counters.allocations;
    case Measure::kAllocatedBytes:
      return counters.allocated_bytes;
    case Measure::kFrees:
      return counters.frees;
    case Measure::kFreedBytes:
      return counters.freed_bytes;
  }
  return 0;
}

// A stretch is a slope: it begins at `first` and ends behind its last snapshot.
void add_slopes(const Series& series, Measure measure, std::vector<uint64_t>& changes_of_slope) {
  for (const Stretch& stretch : series) {
    const uint64_t slope = step(stretch.each, measure);
    const size_t end = size_t{stretch.first} + stretch.snapshots;
    if (stretch.first < changes_of_slope.size()) changes_of_slope[stretch.first] += slope;
    if (end < changes_of_slope.size()) changes_of_slope[end] -= slope;
  }
}

std::vector<int64_t> summed_twice(const std::vector<uint64_t>& changes_of_slope) {
  std::vector<int64_t> values(changes_of_slope.size());
  uint64_t slope = 0;
  uint64_t value = 0;
  for (size_t k = 0; k < values.size(); ++k) {
    slope += changes_of_slope[k];
    value += slope;
    values[k] = static_cast<int64_t>(value);
  }
  return values;
}

}  // namespace

std::optional<ModuleId> module_at(const Run& run, const CallSite& site, uint64_t address) {
  for (size_t id = run.modules.size(); id-- > 0;) {
    const Module& module = run.modules[id];
    const bool loaded =
        module.opened_in_epoch <= site.module_epoch && site.module_epoch < module.closed_in_epoch;
    if (loaded && address >= module.begin && address < module.end) return ModuleId{static_cast<uint32_t>(id)};
  }
  return std::nullopt;
}

const Symbol* symbol_of(const Run& run, const CallSite& site, uint64_t address) {
  const auto found = run.symbols.find(address);
  if (found == run.symbols.end()) return nullptr;
  const Symbol& first = found->second;
  if (first.later.empty()) return &first;
  const auto module = module_at(run, site, address - 1);
  for (const Symbol& symbol : first.later) {
    if (symbol.module_id == module) return &symbol;
  }
  return &first;
}

std::vector<int64_t> expand(const Series& series, size_t snapshots, Measure measure) {
  std::vector<uint64_t> changes_of_slope(snapshots);
  add_slopes(series, measure, changes_of_slope);
  return summed_twice(changes_of_slope);
}

std::vector<int64_t> expand_sum(const Run& run, const SiteFilter& of, Measure measure) {
  std::vector<uint64_t> changes_of_slope(run.snapshots.size());
  for (const CallSite& site : run.sites) {
    if ((of.tag && site.tag != *of.tag) || (of.kind && site.kind != *of.kind)) continue;
    add_slopes(site.series, measure, changes_of_slope);
  }
  return summed_twice(changes_of_slope);
}

std::vector<size_t> clock_snapshots(const Run& run) {
  std::vector<size_t> iterations;
  std::vector<size_t> ticks;
  for (size_t k = 0; k < run.snapshots.size(); ++k) {
    const SnapshotKind kind = run.snapshots[k].kind;
    if (kind == SnapshotKind::kIteration) iterations.push_back(k);
    if (kind == SnapshotKind::kTick || kind == SnapshotKind::kFinal) ticks.push_back(k);
  }
  return iterations.empty() ? ticks : iterations;
}

}  // namespace leakhunt::recording
