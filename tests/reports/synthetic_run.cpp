#include "tests/reports/synthetic_run.h"

#include <algorithm>

namespace leakhunt::reports {

namespace {

using namespace recording;

constexpr uint64_t kBase = 0x400000;

TagId tag_of(Run& run, const std::string& name) {
  for (size_t i = 0; i < run.tags.size(); ++i) {
    if (run.tags[i].name == name) return TagId{static_cast<uint32_t>(i)};
  }
  run.tags.push_back({name});
  return TagId{static_cast<uint32_t>(run.tags.size() - 1)};
}

void add_symbol(Run& run, uint64_t address, const std::string& module, const std::string& function,
                uint32_t line) {
  Symbol symbol;
  symbol.address = address;
  symbol.module = module;
  symbol.offset = address - kBase;
  symbol.source_frames.push_back({function, line == 0 ? "" : "/src/app/" + function + ".cpp", line, false});
  run.symbols[address] = symbol;
}

bool same(const Counters& a, const Counters& b) {
  return a.allocations == b.allocations && a.allocated_bytes == b.allocated_bytes && a.frees == b.frees &&
         a.freed_bytes == b.freed_bytes && a.temporary_blocks == b.temporary_blocks &&
         a.temporary_bytes == b.temporary_bytes;
}

void append(Series& series, uint32_t snapshot, const Counters& each) {
  if (same(each, {})) return;
  const bool continues = !series.empty() && series.back().first + series.back().snapshots == snapshot;
  if (continues && same(series.back().each, each)) {
    ++series.back().snapshots;
  } else {
    series.push_back({snapshot, 1, each});
  }
}

Counters step(int64_t bytes, int64_t blocks, const SyntheticSite& site) {
  Counters each{};
  (bytes > 0 ? each.allocated_bytes : each.freed_bytes) = static_cast<uint64_t>(std::abs(bytes));
  (blocks > 0 ? each.allocations : each.frees) = static_cast<uint64_t>(std::abs(blocks));
  const uint64_t temporary_bytes = site.temporary_blocks * static_cast<uint64_t>(site.block_bytes);
  each.allocations += site.temporary_blocks;
  each.frees += site.temporary_blocks;
  each.temporary_blocks = site.temporary_blocks;
  each.allocated_bytes += temporary_bytes;
  each.freed_bytes += temporary_bytes;
  each.temporary_bytes = temporary_bytes;
  return each;
}

void add_site(Run& run, const SyntheticSite& site, const SyntheticOptions& options) {
  CallSite call_site;
  const uint64_t number = run.sites.size() + 1;
  call_site.tag = tag_of(run, site.tag);
  call_site.kind = site.kind;
  call_site.frames = {kBase + 0x10, kBase + 0x1000 * number, kBase + 0x20};
  add_symbol(run, call_site.frames[1], "/app/program", site.function, 10);

  int64_t bytes = 0;
  int64_t blocks = 0;
  for (size_t i = 0; i < run.snapshots.size(); ++i) {
    const bool ended = run.snapshots[i].kind == SnapshotKind::kFinal;
    const size_t at = std::min(i, options.iterations - 1);
    const bool gone = ended && options.final_frees_all;
    const int64_t bytes_now = gone ? 0 : site.live_bytes(at);
    const int64_t blocks_now = gone               ? 0
                               : site.live_blocks ? site.live_blocks(at)
                                                  : bytes_now / site.block_bytes;
    const Counters each = ended ? step(bytes_now - bytes, blocks_now - blocks, SyntheticSite{})
                                : step(bytes_now - bytes, blocks_now - blocks, site);
    append(call_site.series, static_cast<uint32_t>(i), each);
    call_site.total.allocations += each.allocations;
    call_site.total.allocated_bytes += each.allocated_bytes;
    call_site.total.frees += each.frees;
    call_site.total.freed_bytes += each.freed_bytes;
    call_site.total.temporary_blocks += each.temporary_blocks;
    call_site.total.temporary_bytes += each.temporary_bytes;
    if (site.kind == SiteKind::kBlock) run.snapshots[i].rss_bytes += static_cast<uint64_t>(bytes_now);
    bytes = bytes_now;
    blocks = blocks_now;
  }
  run.sites.push_back(std::move(call_site));
}

void add_snapshots(Run& run, const SyntheticOptions& options) {
  for (size_t i = 0; i <= options.iterations; ++i) {
    Snapshot snapshot;
    snapshot.kind = i < options.iterations ? options.clock : SnapshotKind::kFinal;
    snapshot.iteration = i;
    snapshot.time_ns = (i + 1) * 10'000'000;
    snapshot.rss_bytes = 4'000'000;
    snapshot.shared_bytes = 2'000'000;
    snapshot.tracker_bytes = 1'000'000;
    run.snapshots.push_back(snapshot);
  }
}

}  // namespace

Run make_run(const std::vector<SyntheticSite>& sites, const SyntheticOptions& options) {
  Run run;
  run.scenario.emplace();
  run.scenario->name = options.clock == SnapshotKind::kIteration ? "synthetic" : "";
  run.scenario->warm_up = options.warm_up;
  run.process.executable = "/app/program";
  run.process.command_line = {"program", "--small"};
  run.process.unwinder = "frame pointers";
  run.tags = {{"heap"}, {"mapping"}};
  run.images = 1;
  run.end = EndKind::kExit;
  run.outcome.emplace();
  add_snapshots(run, options);
  add_symbol(run, kBase + 0x10, "/usr/lib/libleakhunt.so", "malloc", 0);
  add_symbol(run, kBase + 0x20, "/app/program", "main", 3);
  for (const SyntheticSite& site : sites) add_site(run, site, options);
  return run;
}

}  // namespace leakhunt::reports
