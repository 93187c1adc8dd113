#include "tests/lib/recording/run_comparison.h"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace leakhunt::recording {

namespace {

std::string text_of(const Counters& counters) {
  return fmt::format("{}/{} {}/{} {}/{}", counters.allocations, counters.allocated_bytes, counters.frees,
                     counters.freed_bytes, counters.temporary_blocks, counters.temporary_bytes);
}

auto fields_of(const Snapshot& s) {
  return std::tuple(static_cast<int>(s.kind), s.iteration, s.time_ns, s.rss_bytes, s.shared_bytes,
                    s.minor_faults, s.tracker_bytes, s.heap_peak_bytes, s.peak_error_bytes);
}

std::string text_of(const CallSite& site) {
  std::string text =
      fmt::format("tag {} kind {} truncated {} lost {} frames {} total {}", static_cast<uint32_t>(site.tag),
                  static_cast<int>(site.kind), site.truncated, site.lost, site.frames, text_of(site.total));
  if (site.thread) text += fmt::format(" thread {}", *site.thread);
  for (const Stretch& s : site.series)
    text += fmt::format(" [{}+{} {}]", s.first, s.snapshots, text_of(s.each));
  return text;
}

std::string text_of(const Symbol& symbol) {
  std::string text = fmt::format("{:x} {}+{:x}", symbol.address, symbol.module, symbol.offset);
  for (const SourceFrame& frame : symbol.source_frames) {
    text += fmt::format(" ({} {}:{} {})", frame.function, frame.file, frame.line, frame.inlined);
  }
  return text;
}

std::string text_of(const Scenario& s) {
  return fmt::format("scenario {}|{}|{}|{}|{}|{}|{}|{}\n", s.name, s.description, s.source, s.defect,
                     s.command, s.iterations, s.warm_up, s.expected_verdict);
}

template <typename Value>
std::string optional_text(const std::optional<Value>& value) {
  return value ? fmt::format("{}", *value) : "none";
}

}  // namespace

std::string describe(const Run& run, bool with_damage) {
  std::string text = run.scenario ? text_of(*run.scenario) : "no scenario\n";
  text += fmt::format("budget {} {} {}\n", optional_text(run.budget.peak_rss_bytes),
                      optional_text(run.budget.growth_bytes_per_iteration),
                      optional_text(run.budget.min_iterations_per_second));
  const Process& p = run.process;
  text += fmt::format("process {} {} {} {} {} {} {}\n", p.pid, p.page_size, p.start_unix_ns, p.max_frames,
                      p.unwinder, p.executable, p.command_line);
  for (const Module& m : run.modules) {
    text += fmt::format("module {:x} {:x} {:x} {} {}\n", m.bias, m.begin, m.end, m.path, m.build_id);
  }
  for (const Tag& tag : run.tags) text += fmt::format("tag {}\n", tag.name);
  for (const CallSite& site : run.sites) text += fmt::format("site {}\n", text_of(site));
  for (const Snapshot& snapshot : run.snapshots) text += fmt::format("snapshot {}\n", fields_of(snapshot));
  text += fmt::format("tag peaks {}\n", run.tag_peaks);
  for (const Cohorts& cohorts : run.cohorts) {
    text += fmt::format("cohorts {}", cohorts.iteration);
    for (const Cohort& c : cohorts.rows) {
      text += fmt::format(" ({} {} {} {})", static_cast<uint32_t>(c.site), c.birth, c.blocks, c.bytes);
    }
    text += "\n";
  }
  for (const MemoryLedger& l : run.ledgers) {
    text += fmt::format("ledger {} {} {} {} {} {} {} {} {} {} {} {} {}\n", l.snapshot, l.iteration, l.time_ns,
                        l.cost_ns, l.error, l.heap_examined, l.libc_heap, l.older_heap, l.rss_bytes,
                        l.counter_rss_bytes, l.areas, l.rounding_bytes, l.free_page_bytes);
    for (const LedgerEntry& e : l.entries) {
      text += fmt::format("  {} {} {} {} {} {} {}\n", static_cast<int>(e.kind), e.id, e.count,
                          e.reserved_bytes, e.resident_bytes, e.dirty_bytes, e.name);
    }
    for (const LedgerSite& s : l.sites) {
      text += fmt::format("  site {} {} {} {}\n", static_cast<uint32_t>(s.site), s.count, s.reserved_bytes,
                          s.resident_bytes);
    }
  }
  for (const FreedPlace& place : run.freed_places) {
    text += fmt::format("freed {} {} {} {}\n", static_cast<uint32_t>(place.site), place.samples,
                        place.stack.frames, place.stack.module_epoch);
  }
  for (const auto& [number, t] : run.threads) {
    text += fmt::format("thread {} {} {} {} {} {:x} {} {}\n", number, t.tid, t.name, t.begin_ns,
                        optional_text(t.end_ns), t.start_routine, t.stack_reserved, t.stack_touched);
  }
  for (const StepAsideNote& n : run.step_asides) {
    text += fmt::format("step aside {} {} {} {}\n", n.iteration, n.error, n.reason, static_cast<int>(n.kind));
  }
  for (const SamplingNote& n : run.sampling) {
    text += fmt::format("sampling {} {} {} {} {} {} {} {}\n", n.iteration, n.interval_bytes, n.stacks_end,
                        n.error, n.group_limit_bytes, n.allocations, n.allocated_bytes, n.frees);
  }
  text += fmt::format("marks {} {} {} {}\n", static_cast<int>(run.marks.by), run.marks.what,
                      run.marks.in_effect, run.marks.obstacle);
  if (const auto& a = run.attached) {
    text += fmt::format("attached {} {} {} {}\n", a->time_ns, a->heap_bytes ? int64_t(*a->heap_bytes) : -1,
                        a->rss_bytes, a->foreign_frees);
  }
  text += fmt::format("end {} images {}\n", run.end ? static_cast<int>(*run.end) : -1, run.images);
  for (const auto& [address, symbol] : run.symbols)
    text += fmt::format("symbol {:x} {}\n", address, text_of(symbol));
  for (const HostSample& sample : run.host_samples)
    text += fmt::format("sample {} {}\n", sample.time_ns, sample.rss_bytes);
  if (const auto& o = run.outcome) {
    text += fmt::format("outcome {} {} {} {} {}\n", o->exit_status, o->signal, o->stopped_for, o->wall_ns,
                        o->peak_rss_bytes);
  }
  if (with_damage) {
    const Damage& d = run.damage;
    text += fmt::format("damage {} {} {} {} {}\n", d.damaged_bytes, d.damaged_records, d.torn_bytes,
                        d.lost_snapshots, d.note);
  }
  return text;
}

Counters counters_at(const CallSite& site, size_t index) {
  Counters sum{};
  for (const Stretch& stretch : site.series) {
    if (stretch.first > index) break;
    const uint64_t times = std::min<uint64_t>(stretch.snapshots, index + 1 - stretch.first);
    sum.allocations += times * stretch.each.allocations;
    sum.allocated_bytes += times * stretch.each.allocated_bytes;
    sum.frees += times * stretch.each.frees;
    sum.freed_bytes += times * stretch.each.freed_bytes;
    sum.temporary_blocks += times * stretch.each.temporary_blocks;
    sum.temporary_bytes += times * stretch.each.temporary_bytes;
  }
  return sum;
}

std::string contradiction(const Run& read, const Run& truth) {
  if (read.sites.size() > truth.sites.size()) return "more call sites than there were";
  for (size_t i = 0; i < read.sites.size(); ++i) {
    const CallSite& site = read.sites[i];
    const CallSite& real = truth.sites[i];
    if (!site.lost && (site.tag != real.tag || site.kind != real.kind || site.frames != real.frames)) {
      return fmt::format("site {} is another one", i);
    }
  }
  size_t at = 0;
  for (size_t k = 0; k < read.snapshots.size(); ++k) {
    while (at < truth.snapshots.size() && fields_of(truth.snapshots[at]) != fields_of(read.snapshots[k]))
      ++at;
    if (at == truth.snapshots.size()) return fmt::format("snapshot {} never was", k);
    for (size_t i = 0; i < read.sites.size(); ++i) {
      const std::string here = text_of(counters_at(read.sites[i], k));
      const std::string there = text_of(counters_at(truth.sites[i], at));
      if (here != there) return fmt::format("site {} at snapshot {}: {} instead of {}", i, k, here, there);
    }
  }
  return {};
}

RecordingBuilder recording_of_everything() {
  RecordingBuilder recording;
  Scenario scenario;
  scenario.name = "long_small";
  scenario.description = "a scenario";
  scenario.source = "scenarios/long_small.toml";
  scenario.defect = "tape-retained";
  scenario.command = {"train_full", "--small"};
  scenario.iterations = 12;
  scenario.warm_up = 2;
  scenario.expected_verdict = "fail";
  Process process;
  process.pid = 4711;
  process.start_unix_ns = 1'700'000'000'000'000'000;
  process.max_frames = 64;
  process.command_line = {"train_full", "", "--small"};

  recording.scenario(scenario)
      .budget({5'000'000'000, 0.0, 100.5})
      .process_start(process)
      .key_frame_distance(5);
  recording.iteration_marks({MarkedBy::kEntries, "sqlite3_step", false, ""});
  recording.module({0x400000, 0x401000, 0x409000, "/usr/bin/train_full", {1, 2, 3, 0xFF}});
  const SiteId leak = recording.site(recording.tag("tape.node"), {0x401234, 0x402000});
  const SiteId churn =
      recording.site(recording.tag("arena.chunk"), {0x7fff00000010, 0x401300}, SiteKind::kMapping);
  for (uint64_t i = 0; i < 6; ++i) {
    recording.allocate(leak, 64).allocate(churn, 4096).free_temporary(churn, 4096).iteration(i);
  }
  const SiteId late = recording.site(kHeapTag, {0x401444}, SiteKind::kBlock, true, kOtherThreads);
  recording.allocate(late, 1000, 3);
  Snapshot peak;
  peak.kind = SnapshotKind::kPeak;
  peak.iteration = 6;
  peak.time_ns = 6'500'000;
  recording.snapshot(peak);
  recording.free(late, 500);
  for (uint64_t i = 6; i < 12; ++i) recording.allocate(leak, 64 + i / 9).iteration(i);
  recording.cohorts(11, {{leak, 0, 1, 64}, {leak, 3, 1, 64}, {late, 6, 2, 500}}, 2);
  recording.freed_place(late, 9, {0x7}, true);  // replaced by the next table
  recording.freed_place(leak, 3, {0x401300, 0x401200}, true).freed_place(late, 5, {0x401310}, false);
  recording.thread(0, {4711, "train_full", 0, std::nullopt, 0, 8 << 20, 40960});
  recording.thread(300, {5011, "worker", 5'000'000, 9'000'000, 0x401600, 8'384'512, 12288});
  MemoryLedger ledger;
  ledger.iteration = 12;
  ledger.time_ns = 12'000'000;
  ledger.cost_ns = 300'000;
  ledger.heap_examined = true;
  ledger.libc_heap = true;
  ledger.rss_bytes = 40 << 10;
  ledger.counter_rss_bytes = 36 << 10;
  ledger.areas = 40;
  ledger.rounding_bytes = 100;
  ledger.free_page_bytes = 4096;
  ledger.entries = {{LedgerKind::kTagBlocks, 2, 12, 768, 768, 0, ""},
                    {LedgerKind::kHeapRegion, 0, 1, 132 << 10, 12 << 10, 12 << 10, ""},
                    {LedgerKind::kModule, 0, 5, 2 << 20, 20 << 10, 4096, "/usr/bin/train_full"},
                    {LedgerKind::kUnknown, 0, 1, 8192, 8192, 8192, "7f0000000000-7f0000002000"}};
  ledger.sites = {{leak, 12, 768, 768}, {churn, 1, 4096, 0}};
  recording.ledger(ledger, 3);
  recording.sampling({3, 4096, false, 12, 10, 1000, 5, 0})
      .sampling({3, 4096, false, 12, 20, 2000, 15, 64 << 20});
  recording.step_aside(12, 28, "the disk is full").end();

  Symbol symbol;
  symbol.address = 0x401234;
  symbol.module = "/usr/bin/train_full";
  symbol.offset = 0x1234;
  symbol.source_frames = {{"Tape::push", "lib/trainer/tape.cpp", 40, true},
                          {"main", "train_full.cpp", 12, false}};
  recording.host_samples({{1000, 4096}, {2000, 8192}, {3000, 6000}}).symbols({{symbol.address, symbol}});
  return recording.outcome({0, 9, "peak RSS above 5 GB", 12'000'000, 5'100'000'000});
}

}  // namespace leakhunt::recording
